// Rows of pixels: an owning Image and the View that kernels see. Row-major, row 0 is the northernmost.
#ifndef ARPENT_COMMON_RASTER_IMAGE_H_
#define ARPENT_COMMON_RASTER_IMAGE_H_

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "common/geo/grid.h"

namespace arpent::raster {

inline constexpr int16_t kReflectanceNoData = -9999;      // surface reflectance, scale 1e-4
inline constexpr int16_t kIndexNoData = -32768;           // vegetation indices, scale 1e-4
inline constexpr uint16_t kUnsignedNoData = 65535;        // AOT, WVP (scale 1e-3), DATE, CT
inline constexpr uint8_t kByteNoData = 255;               // CLD, CM, CONF

// A rectangle of pixels that somebody else owns. T may be const.
template <typename T>
class View {
 public:
  View() = default;
  View(T* data, int width, int height, ptrdiff_t stride)
      : data_(data), width_(width), height_(height), stride_(stride) {}
  // A View<T> is usable where a View<const T> is expected.
  template <typename U>
    requires std::is_same_v<const U, T>
  View(const View<U>& other) : View(other.data(), other.width(), other.height(), other.stride()) {}

  int width() const { return width_; }
  int height() const { return height_; }
  ptrdiff_t stride() const { return stride_; }
  T* data() const { return data_; }
  std::span<T> row(int y) const {
    assert(y >= 0 && y < height_);
    return {data_ + y * stride_, static_cast<size_t>(width_)};
  }
  T& operator()(int x, int y) const { return data_[y * stride_ + x]; }
  View Sub(const geo::Window& window) const {
    return {data_ + window.y * stride_ + window.x, window.width, window.height, stride_};
  }

 private:
  T* data_ = nullptr;
  int width_ = 0;
  int height_ = 0;
  ptrdiff_t stride_ = 0;
};

template <typename T>
class Image {
 public:
  Image() = default;
  Image(int width, int height, T value = T{})
      : width_(width), height_(height), pixels_(static_cast<size_t>(width) * height, value) {}

  int width() const { return width_; }
  int height() const { return height_; }
  size_t size() const { return pixels_.size(); }
  bool empty() const { return pixels_.empty(); }
  T* data() { return pixels_.data(); }
  const T* data() const { return pixels_.data(); }
  std::span<T> row(int y) { return view().row(y); }
  std::span<const T> row(int y) const { return view().row(y); }
  T& operator()(int x, int y) { return pixels_[static_cast<size_t>(y) * width_ + x]; }
  const T& operator()(int x, int y) const { return pixels_[static_cast<size_t>(y) * width_ + x]; }
  View<T> view() { return {pixels_.data(), width_, height_, width_}; }
  View<const T> view() const { return {pixels_.data(), width_, height_, width_}; }
  friend bool operator==(const Image&, const Image&) = default;

 private:
  int width_ = 0;
  int height_ = 0;
  std::vector<T> pixels_;
};

}  // namespace arpent::raster

#endif  // ARPENT_COMMON_RASTER_IMAGE_H_
