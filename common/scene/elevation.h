// Heights of the ground from any raster that GDAL reads, on the grid of a scene.
#ifndef ARPENT_COMMON_SCENE_ELEVATION_H_
#define ARPENT_COMMON_SCENE_ELEVATION_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"
#include "common/storage/stores.h"

namespace arpent::scene {

// Metres, warped bilinearly from the raster's own coordinate system; NaN where the raster has nothing or what is no
// height on Earth (-500 to 9000 m). The stores must be installed (InstallVsiArpent). NOT_FOUND; INVALID_ARGUMENT when the raster has no georeference; DATA_LOSS when it
// does not decode.
absl::StatusOr<raster::Image<float>> ReadElevation(const storage::StoreSet& stores, const std::string& uri,
                                                   const geo::Grid& grid);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_ELEVATION_H_
