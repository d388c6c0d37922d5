// Aerosol and water vapour of a scene, from its coarse view; fills the fields of Air.
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

// AOT and water vapour taken where the scene says nothing.
inline constexpr double kDefaultAot = 0.15;
inline constexpr double kDefaultAotUncertainty = 0.10;
// How far AOT spreads around the default from scene to scene: an estimate as vague as that counts half.
inline constexpr double kAotSpread = 0.30;
inline constexpr double kDefaultWater_gcm2 = 1.5;

// Side of the cells in which AOT is estimated, in coarse pixels: 3 km.
int AotCellPixels(double coarse_pixel_m);

// Surface-like reflectance of the mask bands: molecules and gases removed, aerosol left (but for what is more than usual, see
// SceneHaze). Owns what `input` sees.
struct MaskScene {
  std::map<std::string, raster::Image<float>> bands;
  kernels::MaskInput input;
};
// Parallel by band. `aot` of aerosol is taken off too. The scene must have B02, B03, B04, B08, B8A, B11, B12 (or Landsat's B2-B7).
absl::Status PrepareMaskScene(const scene::SceneMetadata& metadata, const CoarseScene& coarse, const Air& air, double aot,
                              int threads, MaskScene& out);

// AOT of the whole scene from its dark vegetation, before clouds are known well: for masks, which know usual haze only
// (kDefaultAot). 0 when the scene shows no vegetation.
absl::StatusOr<double> SceneHaze(const scene::SceneMetadata& metadata, const CoarseScene& coarse, const MaskScene& mask_scene,
                                 const kernels::CloudMasks& masks, bool adjacency, int threads, const Air& air);

// Which pixels the retrievals may use: clear ground, away from clouds and shadows.
raster::Image<uint8_t> ClearGround(const CoarseScene& coarse, const kernels::CloudMasks& masks,
                                   raster::View<const uint8_t> shadow);

// Sets air.water_gcm2 to the scene's median; with `whole` to a smooth field at 60 m, and returns where it had to be
// filled in. Without B09 it is the metadata's or the default, with a note.
struct WaterResult {
  raster::Image<uint8_t> interpolated;
  double mean_gcm2 = 0;
};
absl::StatusOr<WaterResult> RetrieveWater(const scene::SceneMetadata& metadata, const CoarseScene& coarse,
                                          const raster::Image<uint8_t>& clear, bool whole, int threads, Air& air);

// Sets air's aerosol model to the one under which the scene's dark vegetation fits its relations clearly better than under
// continental; leaves it when none does, when there is too little haze to tell, or too little vegetation. Notes which.
absl::Status ChooseAerosol(const scene::SceneMetadata& metadata, const CoarseScene& coarse, const MaskScene& mask_scene,
                           const raster::Image<uint8_t>& clear, bool adjacency, int threads, Air& air);

// Sets air.aot. `interpolated` is by cell. With `adjacency` the light that strays in from the surroundings is taken off
// first; without it each pixel is taken as it is (inter-comparison exercises).
struct AotResult {
  raster::Image<float> uncertainty;
  raster::Image<uint8_t> interpolated;
  double mean = 0;
  double mean_uncertainty = 0;
  int dark_pixels = 0;
};
absl::StatusOr<AotResult> RetrieveAot(const scene::SceneMetadata& metadata, const CoarseScene& coarse,
                                      const MaskScene& mask_scene, const raster::Image<uint8_t>& clear, bool adjacency, int threads,
                                      Air& air);

// The scene's names of the bands at blue, green, red, near infrared, narrow near infrared, 1.6 um and 2.2 um.
struct BandRoles {
  std::string blue, green, red, nir, nir_narrow, swir1, swir2, cirrus;
};
BandRoles RolesOf(const scene::SceneMetadata& metadata);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_RETRIEVAL_H_
