// Windows of a raster that are read one after the other, row by row, and overlap a little: what two of them share is kept
// from the first, so that a compressed block that ends where a window does is decoded once.
#ifndef ARPENT_COMMON_STAGES_SEAMS_H_
#define ARPENT_COMMON_STAGES_SEAMS_H_

#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/statusor.h"
#include "common/base/status.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"

namespace arpent::stages {

template <typename T>
class Seams {
 public:
  // The pixels of `window`; read(Window) gives an image of what is not known. `overlap` is the width of the strips that the
  // windows to the right and below will share with this one. Windows may come in any order: what does not fit is read.
  template <typename Read>
  absl::StatusOr<raster::Image<T>> Get(const geo::Window& window, int overlap, const Read& read) {
    const auto above = bottom_.find(window.x);
    const bool has_left = right_.window == geo::Window{window.x, window.y, overlap, window.height};
    const bool has_top = above != bottom_.end() &&
                         above->second.window == geo::Window{window.x, window.y, window.width, overlap};
    const int left = has_left ? overlap : 0, top = has_top ? overlap : 0;
    ARPENT_ASSIGN_OR_RETURN(raster::Image<T> image,
                            read(geo::Window{window.x + left, window.y + top, window.width - left, window.height - top}));
    if (has_left || has_top) {
      const raster::Image<T> rest = std::exchange(image, raster::Image<T>(window.width, window.height));
      Put(rest, left, top, image);
      if (has_top) Put(above->second.pixels, 0, 0, image);
      if (has_left) Put(right_.pixels, 0, 0, image);
    }
    Keep(window, image, {window.width - overlap, 0, overlap, window.height}, right_);
    Keep(window, image, {0, window.height - overlap, window.width, overlap}, bottom_[window.x]);
    return image;
  }

 private:
  struct Strip {
    geo::Window window;  // in the raster
    raster::Image<T> pixels;
  };

  static void Put(const raster::Image<T>& from, int left, int top, raster::Image<T>& to) {
    for (int y = 0; y < from.height(); ++y) {
      std::copy(from.row(y).begin(), from.row(y).end(), to.row(top + y).begin() + left);
    }
  }

  static void Keep(const geo::Window& window, const raster::Image<T>& image, geo::Window part, Strip& strip) {
    if (part.x < 0 || part.y < 0) {
      strip = {};
      return;
    }
    strip.pixels = raster::Image<T>(part.width, part.height);
    for (int y = 0; y < part.height; ++y) {
      std::copy_n(image.row(part.y + y).begin() + part.x, part.width, strip.pixels.row(y).begin());
    }
    part.x += window.x;
    part.y += window.y;
    strip.window = part;
  }

  Strip right_;
  std::map<int, Strip> bottom_;  // by the windows' first column
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_SEAMS_H_
