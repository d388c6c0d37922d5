// AOT from clear deep water.
//
// Water takes in nearly all light beyond the red: what is seen there is air, glint and, where the water is turbid, its
// particles. Glint has almost one colour from the near infrared on; particles show in the red before they show at 865 nm
// (the similarity spectrum of Ruddick et al. 2006: 0.1 to 0.2 of the red there while there is little of it, and nothing at 1.6 and 2.2 um). Each pixel
// is therefore explained, at each AOT, by as much glint and turbidity as fit best, neither below nothing; the AOT at which
// least is left unexplained is the estimate. Water whose turbidity at that AOT is beyond where the relation holds gives no
// estimate. Measured error: docs/algorithms/l2a-retrieval.md.
#ifndef ARPENT_COMMON_KERNELS_RETRIEVAL_DARK_WATER_H_
#define ARPENT_COMMON_KERNELS_RETRIEVAL_DARK_WATER_H_

#include <span>
#include <vector>

#include "common/kernels/retrieval/aot_estimate.h"

namespace arpent::kernels {

// Red, 865 nm, 1.6 um, 2.2 um.
struct WaterPixel {
  SeenPixel red, nir, swir1, swir2;
};

struct WaterSteps {
  std::vector<double> aot;
  std::vector<BandCoefficients> red, nir, swir1, swir2;
};

// Glint of the sun, as reflectance, on a sea under a wind of 5 m/s (Cox and Munk 1954, without direction). Relative azimuth 0
// is backscatter.
double SunGlint(double sun_zenith_deg, double view_zenith_deg, double relative_azimuth_deg);

// `glint`: what is expected at most, of SunGlint. No estimate (pixels 0) when there are no pixels, when they are turbid, or
// when nothing explains them.
AotEstimate EstimateAotOverWater(const WaterSteps& steps, std::span<const WaterPixel> pixels, double glint);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_RETRIEVAL_DARK_WATER_H_
