// The layers at 20 m that say what a pixel is and how far to trust it: SCL, CLD, AOT, WVP, QA.
#ifndef ARPENT_COMMON_STAGES_L2A_QUALITY_H_
#define ARPENT_COMMON_STAGES_L2A_QUALITY_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/kernels/masking/clouds.h"
#include "common/product/publication.h"
#include "common/stages/l2a/air.h"
#include "common/stages/l2a/coarse_scene.h"
#include "common/stages/l2a/retrieval.h"
#include "common/stages/l2a/surface.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// Everything of the coarse pass that the quality layers show.
struct CoarseMasks {
  double pixel_m = kCoarsePixel_m;
  kernels::CloudMasks clouds;
  raster::Image<uint8_t> shadow;
  raster::Image<uint8_t> near_cloud;  // within 180 m of a cloud
  raster::Image<uint8_t> water_interpolated;
  raster::Image<uint8_t> aot_interpolated;  // by AOT cell
  raster::Image<uint8_t> terrain_shadow;    // empty without a DEM
};

// Gives pixels at the edge of the data, which the coarse view cannot see, the masks of their nearest neighbours.
void SpreadMasks(const raster::Image<uint8_t>& valid, CoarseMasks& masks);

// How the quality layers are stored: SCL with its classes, QA, and AOT or water vapour.
product::RasterOptions SclOptions();
product::RasterOptions QaOptions();
product::RasterOptions AmountOptions(const std::string& description, const std::string& unit);

// Shares of the pixels with data, 0-1.
struct QualityCounts {
  int64_t with_data = 0, cloud = 0, cirrus = 0, shadow = 0, snow = 0, water = 0, saturated = 0, pixels = 0;
};

absl::StatusOr<QualityCounts> WriteQuality(const scene::SceneMetadata& metadata, const GroundLayers& ground,
                                           const CoarseMasks& masks, const Air& air, const StageContext& context,
                                           product::Publication& publication);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_QUALITY_H_
