// Windows of a raster that are read one after the other, from left to right and from top to bottom, and overlap a little: what
// two of them share is kept from the first, so that a compressed block that ends where a window does is decoded once.
#ifndef ARPENT_COMMON_STAGES_SEAMS_H_
#define ARPENT_COMMON_STAGES_SEAMS_H_

#include <algorithm>
#include <map>
#include <vector>

#include "absl/status/status.h"
#include "common/base/status.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"

namespace arpent::stages {

template <typename T>
class Seams {
 public:
  // Fills `out` with the pixels of `window`; read(Window, View<T>) fills in what is not known. `overlap` is the width of the
  // strips that the windows to the right and below will share with this one. Windows may come in any order: what does not
  // fit is read.
  template <typename Read>
  absl::Status Get(const geo::Window& window, int overlap, const Read& read, raster::View<T> out) {
    const auto above = bottom_.find(window.x), beside = right_.find(window.y);
    const bool has_left = beside != right_.end() &&
                          beside->second.window == geo::Window{window.x, window.y, overlap, window.height};
    const bool has_top = above != bottom_.end() &&
                         above->second.window == geo::Window{window.x, window.y, window.width, overlap};
    const int left = has_left ? overlap : 0, top = has_top ? overlap : 0;
    const geo::Window rest{left, top, window.width - left, window.height - top};
    ARPENT_RETURN_IF_ERROR(read(geo::Window{window.x + left, window.y + top, rest.width, rest.height}, out.Sub(rest)));
    if (has_top) Copy(above->second.pixels, out.Sub({0, 0, window.width, overlap}));
    if (has_left) Copy(beside->second.pixels, out.Sub({0, 0, overlap, window.height}));
    right_.erase(right_.begin(), right_.lower_bound(window.y - 2 * window.height));  // of rows long past
    Keep(window, out, {window.width - overlap, 0, overlap, window.height}, right_[window.y]);
    Keep(window, out, {0, window.height - overlap, window.width, overlap}, bottom_[window.x]);
    return absl::OkStatus();
  }

 private:
  struct Strip {
    geo::Window window;  // in the raster
    std::vector<T> pixels;
  };

  static void Copy(const std::vector<T>& pixels, raster::View<T> out) {
    for (int y = 0; y < out.height(); ++y) std::copy_n(pixels.data() + y * out.width(), out.width(), out.row(y).data());
  }

  static void Keep(const geo::Window& window, raster::View<T> out, geo::Window part, Strip& strip) {
    if (part.x < 0 || part.y < 0) {
      strip = {};
      return;
    }
    strip.pixels.clear();
    for (int y = 0; y < part.height; ++y) {
      const auto row = out.row(part.y + y).subspan(part.x, part.width);
      strip.pixels.insert(strip.pixels.end(), row.begin(), row.end());
    }
    part.x += window.x;
    part.y += window.y;
    strip.window = part;
  }

  std::map<int, Strip> right_;   // by the windows' first row
  std::map<int, Strip> bottom_;  // by the windows' first column
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_SEAMS_H_
