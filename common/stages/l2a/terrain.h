// The ground's shape under a scene: altitude for the air, light on slopes, cast shadows.
#ifndef ARPENT_COMMON_STAGES_L2A_TERRAIN_H_
#define ARPENT_COMMON_STAGES_L2A_TERRAIN_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/kernels/masking/terrain.h"
#include "common/raster/image.h"
#include "common/stages/l2a/air.h"
#include "common/storage/stores.h"

namespace arpent::stages {

struct Terrain {
  Field altitude_km;                           // coarse pixels
  std::optional<kernels::Illumination> light;  // on the ground grid (20 m); none: slopes are left alone
  double light_pixel_m = 20;
  raster::Image<uint8_t> cast_shadow;  // coarse pixels; empty without light
  std::vector<std::string> notes;
};

// Reads the DEM on `ground` (20 or 30 m); `coarse_pixel_m` is a multiple of its pixel. Holes take the mean altitude and are flat; a note says how much they are.
// INVALID_ARGUMENT when the DEM has nothing at all under the scene.
absl::StatusOr<Terrain> ReadTerrain(const storage::StoreSet& stores, const std::string& uri, const geo::Grid& ground,
                                    double coarse_pixel_m, const kernels::SunPosition& sun, bool with_light);

// What the slopes of one band need, at nodes `step` pixels apart: the share of direct light and the surroundings.
struct SlopeNodes {
  raster::Image<float> direct_share, environment;
  int step = 1;
};

// Divides `reflectance`, whose upper left pixel is (x0, y0) of the band's raster, by the slope factor.
void CorrectSlopes(const Terrain& terrain, const SlopeNodes& nodes, double pixel_m, int x0, int y0,
                   raster::View<int16_t> reflectance);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_TERRAIN_H_
