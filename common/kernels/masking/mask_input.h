// What the mask kernels see: one scene on the coarse grid (60 m), a band per view, all of one size.
#ifndef ARPENT_COMMON_KERNELS_MASKING_MASK_INPUT_H_
#define ARPENT_COMMON_KERNELS_MASKING_MASK_INPUT_H_

#include <algorithm>
#include <cstdint>

#include "common/raster/image.h"

namespace arpent::kernels {

// Reflectance (1 = 100 %) after removal of molecular scattering and gases, aerosols left in. Every band is there except
// `cirrus`, which is plain TOA reflectance at 1.38 um and may be empty. `valid` is 0 where any band has no data.
struct MaskInput {
  raster::View<const float> blue, green, red, nir, nir_narrow, swir1, swir2;
  raster::View<const float> cirrus;
  raster::View<const uint8_t> valid;
  double sun_zenith_deg = 0;  // of the scene's middle

  int width() const { return blue.width(); }
  int height() const { return blue.height(); }
};

// (a - b) / (a + b), of dark pixels less.
inline float NormalisedDifference(float a, float b) { return (a - b) / std::max(a + b, 0.01f); }

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_MASKING_MASK_INPUT_H_
