// Rasters of any coordinate system, warped onto a grid of ours.
#ifndef ARPENT_COMMON_SCENE_WARPED_RASTER_H_
#define ARPENT_COMMON_SCENE_WARPED_RASTER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"
#include "common/storage/stores.h"

namespace arpent::scene {

// The stores must be installed (InstallVsiArpent). NaN where the raster has nothing. Errors of both: NOT_FOUND; INVALID_ARGUMENT when
// the raster has no georeference (or lacks a band, naming those that are there); DATA_LOSS when it does not decode.

// The first band as it is stored, bilinear.
absl::StatusOr<raster::Image<float>> ReadWarped(const storage::StoreSet& stores, const std::string& uri, const geo::Grid& grid);

// The bands whose descriptions are `names`, in that order, with their scale and offset applied, as means over each pixel.
absl::StatusOr<std::vector<raster::Image<float>>> ReadAveragedBands(const storage::StoreSet& stores, const std::string& uri,
                                                                    const std::vector<std::string>& names, const geo::Grid& grid);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_WARPED_RASTER_H_
