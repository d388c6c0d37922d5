#include "common/scene/elevation.h"

#include <limits>

#include "common/base/status.h"
#include "common/scene/warped_raster.h"

namespace arpent::scene {
namespace {

// Below the Dead Sea's shore and above Everest: fill values that the raster does not declare.
constexpr float kLowestGround_m = -500, kHighestGround_m = 9000;

}  // namespace

absl::StatusOr<raster::Image<float>> ReadElevation(const storage::StoreSet& stores, const std::string& uri,
                                                   const geo::Grid& grid) {
  ARPENT_ASSIGN_OR_RETURN(raster::Image<float> heights, ReadWarped(stores, uri, grid));
  for (int y = 0; y < heights.height(); ++y) {
    for (float& height : heights.row(y)) {
      if (height < kLowestGround_m || height > kHighestGround_m) height = std::numeric_limits<float>::quiet_NaN();
    }
  }
  return heights;
}

}  // namespace arpent::scene
