// The crop masks and crop types of a site's tiles as one map: a cloud-optimised GeoTIFF per layer in the site's CRS,
// over UTM borders, each pixel from the tile that owns it (nearest neighbour); QML legends; area of each class as CSV.
#ifndef ARPENT_COMMON_STAGES_MAP_MAP_STAGE_H_
#define ARPENT_COMMON_STAGES_MAP_MAP_STAGE_H_

#include "absl/status/statusor.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// Inputs: `crop-mask`..., `crop-type`..., and `regions` (polygons or raster) whose parameter `region_column` names
// them. Parameter `crs`: "EPSG:32637", default the commonest of the tiles. SKIPPED "no-data" when no tile owns any
// pixel. INVALID_ARGUMENT: crs unknown or not in metres, regions without that column, rasters of one tile on different
// grids.
absl::StatusOr<TaskResult> RunMap(const TaskSpec& task, const StageContext& context);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_MAP_MAP_STAGE_H_
