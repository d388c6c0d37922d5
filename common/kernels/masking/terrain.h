// Sun on slopes: slope and illumination of each pixel, cast shadows, and the factor that makes ground on a slope
// comparable with flat ground.
//
// rho_flat = rho / [s cos(i)/cos(sun zenith) + (1 - s) v + rho_e (1 - v)], s the share of direct light in what reaches
// flat ground, v = (1 + cos(slope)) / 2 the share of sky that the slope sees, rho_e the surroundings (the isotropic
// form that MAJA and ATCOR use, without their BRDF term). cos(i) is floored at 0.2 cos(sun zenith): beyond that the sun
// grazes or lies behind the slope, and the pixel is flagged.
#ifndef ARPENT_COMMON_KERNELS_MASKING_TERRAIN_H_
#define ARPENT_COMMON_KERNELS_MASKING_TERRAIN_H_

#include <cstdint>

#include "common/raster/image.h"

namespace arpent::kernels {

struct SunPosition {
  double zenith_deg = 0, azimuth_deg = 0;  // clockwise from north
};

struct Illumination {
  raster::Image<float> direct;  // cos(i) / cos(sun zenith), 1 on flat ground, not floored
  raster::Image<float> sky;     // (1 + cos(slope)) / 2
};

inline constexpr float kLeastDirect = 0.2f;

// Slopes by central differences of `heights_m` (NaN is a hole: flat).
Illumination Illuminate(raster::View<const float> heights_m, double pixel_m, const SunPosition& sun);

// 1 where other ground stands between a pixel and the sun, or the pixel turns away from it.
raster::Image<uint8_t> CastShadows(raster::View<const float> heights_m, double pixel_m, const SunPosition& sun);

// The bracket above. 1 exactly on flat ground.
inline float SlopeFactor(float direct, float sky, float direct_share, float environment) {
  const float lit = direct > kLeastDirect ? direct : kLeastDirect;
  return 1.0f + direct_share * (lit - 1.0f) + ((1.0f - direct_share) - environment) * (sky - 1.0f);
}

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_MASKING_TERRAIN_H_
