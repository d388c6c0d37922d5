// Takes regions below the smallest mapping unit out of a map that comes row by row from the top. A pixel's result depends on
// what lies within 20 pixels: whatever rows come at a time, it is the same.
#ifndef ARPENT_COMMON_STAGES_SMALL_REGIONS_H_
#define ARPENT_COMMON_STAGES_SMALL_REGIONS_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"

namespace arpent::stages {

class SmallRegions {
 public:
  // Gets finished rows, in the map's whole width, in order.
  using Emit = std::function<absl::Status(const geo::Window& rows, raster::View<const uint16_t> codes)>;

  // Codes in `frozen` stay as they are.
  SmallRegions(int width, int height, std::vector<uint16_t> frozen, int threads, Emit emit);

  // The next rows, in the map's whole width. Emits what can be finished by that.
  absl::Status Add(const geo::Window& rows, raster::View<const uint16_t> codes);

  // Bytes that it holds when so many rows come at a time.
  static int64_t HeldBytes(int width, int rows_at_once);

 private:
  const int width_, height_;
  const std::vector<uint16_t> frozen_;
  const int threads_;
  const Emit emit_;
  raster::Image<uint16_t> held_;  // rows from top_ on
  int top_ = 0, emitted_ = 0;
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_SMALL_REGIONS_H_
