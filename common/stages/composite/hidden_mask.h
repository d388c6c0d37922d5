// Where clouds and their shadows hide the ground on one date: one bit per 20 m pixel of a whole tile.
#ifndef ARPENT_COMMON_STAGES_COMPOSITE_HIDDEN_MASK_H_
#define ARPENT_COMMON_STAGES_COMPOSITE_HIDDEN_MASK_H_

#include <algorithm>
#include <cstdint>

#include "common/kernels/composite/pixel_class.h"
#include "common/raster/image.h"

namespace arpent::stages {

class HiddenMask {
 public:
  HiddenMask(int width, int height) : width_(width), bits_((width + 7) / 8, height) {}

  // Takes kTraitHidden of the pixels from (x, y) on; x is a multiple of 8. Threads may add pieces that share no pixel.
  void Add(int x, int y, raster::View<const uint8_t> traits) {
    for (int v = 0; v < traits.height(); ++v) {
      const auto row = traits.row(v);
      const auto bits = bits_.row(y + v);
      for (int u = 0; u < traits.width(); ++u) {
        if (row[u] & kernels::kTraitHidden) bits[(x + u) / 8] |= static_cast<uint8_t>(1 << ((x + u) % 8));
      }
    }
  }

  // 1 where hidden; windows may reach outside, where nothing is.
  raster::Image<uint8_t> Read(const geo::Window& window) const {
    raster::Image<uint8_t> out(window.width, window.height);
    const int first = std::max(0, -window.x), last = std::min(window.width, width_ - window.x);
    for (int v = std::max(0, -window.y); v < window.height && window.y + v < bits_.height(); ++v) {
      const auto bits = bits_.row(window.y + v);
      const auto row = out.row(v);
      for (int u = first; u < last; ++u) row[u] = bits[(window.x + u) / 8] >> ((window.x + u) % 8) & 1;
    }
    return out;
  }

 private:
  int width_;
  raster::Image<uint8_t> bits_;
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_COMPOSITE_HIDDEN_MASK_H_
