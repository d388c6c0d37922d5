#include "common/scene/elevation.h"

#include "common/scene/warped_raster.h"

namespace arpent::scene {

absl::StatusOr<raster::Image<float>> ReadElevation(const storage::StoreSet& stores, const std::string& uri,
                                                   const geo::Grid& grid) {
  return ReadWarped(stores, uri, grid);
}

}  // namespace arpent::scene
