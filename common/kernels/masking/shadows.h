// Shadows of clouds: the cloud mask thrown onto the ground along the sun, at the height at which it best explains where
// the ground is dark.
//
// Darkness is the near plus short-wave infrared brightness against the mean of the brighter land within 1.5 km, or, where
// that explains the scene's clouds better, against no less than 0.8 of that within 6 km: shadows larger than 1.5 km leave no lit
// ground near them. For each height from 200 m to 8 km the correlation between thrown cloud (by what it reflects) and darkness is
// summed in cells of 7.7 km; a cell takes the height that is best for it and its neighbours when they correlate well, else the
// scene's. Clouds are continued beyond the scene's edge by its edge pixels. A pixel is shadow where the thrown cloud meets ground
// that is not bright, with stricter darkness away from it. Water and cloud are never shadow. When no height explains the dark
// ground of a scene that is mostly cloud, all land that clouds up to 3 km could shade is shadow.
#ifndef ARPENT_COMMON_KERNELS_MASKING_SHADOWS_H_
#define ARPENT_COMMON_KERNELS_MASKING_SHADOWS_H_

#include <cstdint>

#include "common/kernels/masking/clouds.h"
#include "common/kernels/masking/mask_input.h"
#include "common/raster/image.h"

namespace arpent::kernels {

struct SceneGeometry {
  double sun_zenith_deg = 0, sun_azimuth_deg = 0;  // azimuth clockwise from north
  double view_zenith_deg = 0, view_azimuth_deg = 0;
  double pixel_m = 60;
};

struct ShadowMask {
  raster::Image<uint8_t> shadow;  // 0 or 1
  double cloud_height_m = 0;      // of the scene as a whole; 0 when none explains the dark ground
  double correlation = 0;         // of the scene at that height
};

ShadowMask DetectShadows(const MaskInput& input, const CloudMasks& masks, const SceneGeometry& geometry);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_MASKING_SHADOWS_H_
