// The file that `arpent prior` makes and the L2A stage reads as its prior: blue and red surface reflectance of clear dates.
#ifndef ARPENT_COMMON_SCENE_PRIOR_FILE_H_
#define ARPENT_COMMON_SCENE_PRIOR_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"

namespace arpent::scene {

// A GeoTIFF with the bands B02 and B04, reflectance x 10000, kReflectanceNoData where nothing is known. The same pixels give
// the same bytes. RESOURCE_EXHAUSTED when `path` cannot be written.
absl::Status WritePriorFile(const std::string& path, const geo::Grid& grid, const raster::Image<int16_t>& blue,
                            const raster::Image<int16_t>& red);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_PRIOR_FILE_H_
