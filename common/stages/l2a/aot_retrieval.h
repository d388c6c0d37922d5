// Aerosol of a scene, from its coarse view.
//
// Each cell of 3 km takes the first of these that it has: dark vegetation; where none is near, clear deep water; where there
// is none either, ground that is known from a prior. Elsewhere the cells around, the whole scene, and in the end air's guess
// (CAMS or a default) stand in. The notes say what was used.
#ifndef ARPENT_COMMON_STAGES_L2A_AOT_RETRIEVAL_H_
#define ARPENT_COMMON_STAGES_L2A_AOT_RETRIEVAL_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/stages/l2a/air.h"
#include "common/stages/l2a/aot_targets.h"
#include "common/stages/l2a/prior.h"
#include "common/stages/l2a/retrieval.h"

namespace arpent::stages {

// Side of the cells in which AOT is estimated, in coarse pixels: 3 km.
int AotCellPixels(double coarse_pixel_m);

// AOT of the whole scene from its dark vegetation, before clouds are known well: for masks, which know usual haze only
// (kDefaultAot). 0 when the scene shows no vegetation.
absl::StatusOr<double> SceneHaze(const TargetScene& scene, const kernels::CloudMasks& masks, int threads);

// The pixels that AOT may be taken from. `water` may be empty, `prior` null.
struct AotGround {
  raster::Image<uint8_t> land;
  raster::Image<uint8_t> water;
  const Prior* prior = nullptr;
};

// Sets air's aerosol model to the one under which the scene's dark vegetation fits its relations clearly better than under
// continental; leaves it when none does, when there is too little haze to tell, or too little vegetation. Notes which.
// `scene.air` must be `air`.
absl::Status ChooseAerosol(const TargetScene& scene, const AotGround& ground, int threads, Air& air);

// Sets air.aot. `interpolated` is by cell. `scene.air` must be `air`.
struct AotResult {
  raster::Image<float> uncertainty;
  raster::Image<uint8_t> interpolated;
  double mean = 0;
  double mean_uncertainty = 0;
  int dark_pixels = 0;  // of vegetation
};
absl::StatusOr<AotResult> RetrieveAot(const TargetScene& scene, const AotGround& ground, int threads, Air& air);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_AOT_RETRIEVAL_H_
