// The fine pass: every band at its own resolution, in strips, from digital numbers to a published raster.
#ifndef ARPENT_COMMON_STAGES_L2A_SURFACE_H_
#define ARPENT_COMMON_STAGES_L2A_SURFACE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/product/publication.h"
#include "common/raster/image.h"
#include "common/scene/scene.h"
#include "common/stages/l2a/air.h"
#include "common/stages/l2a/coarse_scene.h"
#include "common/stages/l2a/terrain.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// What the correction of each band takes besides the air.
struct Surroundings {
  std::map<std::string, Field> environment;  // mean surface reflectance within about 1 km, by band
  bool adjacency = true;                     // whether the environment's light is taken out of the beam
  Field cirrus;                              // TOA reflectance of thin cirrus; empty: none is taken off
  std::optional<Terrain> terrain;
};

// Bands that an L2A product carries, in the scene's order: all that the tables know but those at 1.38 um.
std::vector<std::string> OutputBands(const scene::SceneMetadata& metadata, const Air& air);

// Mean surface reflectance within about 1 km, of each of `bands`, as fields of 300 m. Only pixels with `ground` 1 (coarse,
// no cloud) count: a cloud far above is no neighbour of the ground beneath. Where there are none, the scene's mean.
absl::StatusOr<std::map<std::string, Field>> MeanSurroundings(const scene::SceneMetadata& metadata,
                                                              const CoarseScene& coarse, const Air& air,
                                                              const std::vector<std::string>& bands,
                                                              const raster::Image<uint8_t>& ground, int threads);

// The grid of the quality layers: that of the short-wave infrared; 20 m, 30 m for Landsat, more for a decimated scene.
geo::Grid GroundGrid(const scene::SceneMetadata& metadata);

// Surface reflectance x 10000 of the classifying bands on the 20 m grid (30 m for Landsat), kept for the quality
// layers.
struct GroundLayers {
  geo::Grid grid;
  std::map<std::string, raster::Image<int16_t>> bands;
  raster::Image<uint8_t> saturated;  // 1 where any band of the pixel is
};

// Corrects and writes every band of `bands` through `publication`. Strips without data are not decoded.
absl::StatusOr<GroundLayers> WriteSurfaceReflectance(const scene::Scene& scene, const CoarseScene& coarse,
                                                     const Air& air, const Surroundings& surroundings,
                                                     const std::vector<std::string>& bands, const StageContext& context,
                                                     product::Publication& publication);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_SURFACE_H_
