// Water vapour of a scene, and what it and the aerosol retrieval (aot_retrieval.h) work on, from its coarse view.
#ifndef ARPENT_COMMON_STAGES_L2A_RETRIEVAL_H_
#define ARPENT_COMMON_STAGES_L2A_RETRIEVAL_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/kernels/masking/clouds.h"
#include "common/kernels/masking/mask_input.h"
#include "common/raster/image.h"
#include "common/scene/scene.h"
#include "common/stages/l2a/air.h"
#include "common/stages/l2a/coarse_scene.h"

namespace arpent::stages {

// Water vapour taken where the scene says nothing.
inline constexpr double kDefaultWater_gcm2 = 1.5;

// Ground this near to a cloud is not asked.
inline constexpr double kCloudMargin_m = 180;

// Surface-like reflectance of the mask bands: molecules and gases removed, aerosol left (but for what is more than usual, see
// SceneHaze). Owns what `input` sees.
struct MaskScene {
  std::map<std::string, raster::Image<float>> bands;
  kernels::MaskInput input;
};
// Parallel by band. `aot` of aerosol is taken off too. The scene must have B02, B03, B04, B08, B8A, B11, B12 (or Landsat's B2-B7).
absl::Status PrepareMaskScene(const scene::SceneMetadata& metadata, const CoarseScene& coarse, const Air& air, double aot,
                              int threads, MaskScene& out);

// Which pixels the retrievals may use: clear ground, away from clouds and shadows.
raster::Image<uint8_t> ClearGround(const CoarseScene& coarse, const kernels::CloudMasks& masks,
                                   raster::View<const uint8_t> shadow);
// The same for water: clear, and 600 m from land.
raster::Image<uint8_t> ClearDeepWater(const CoarseScene& coarse, const kernels::CloudMasks& masks,
                                      raster::View<const uint8_t> shadow);

// Sets air.water_gcm2 to the scene's median; with `whole` to a smooth field at 60 m, and returns where it had to be
// filled in. Without B09 it is the metadata's or the default, with a note.
struct WaterResult {
  raster::Image<uint8_t> interpolated;
  double mean_gcm2 = 0;
};
absl::StatusOr<WaterResult> RetrieveWater(const scene::SceneMetadata& metadata, const CoarseScene& coarse,
                                          const raster::Image<uint8_t>& clear, bool whole, int threads, Air& air);

// The scene's names of the bands at blue, green, red, near infrared, narrow near infrared, 1.6 um and 2.2 um.
struct BandRoles {
  std::string blue, green, red, nir, nir_narrow, swir1, swir2, cirrus;
};
BandRoles RolesOf(const scene::SceneMetadata& metadata);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_RETRIEVAL_H_
