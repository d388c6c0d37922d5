// What the retrievals of AOT share: pixels as they are seen, and the AOT at which they disagree least with what is known of
// their ground.
#ifndef ARPENT_COMMON_KERNELS_RETRIEVAL_AOT_ESTIMATE_H_
#define ARPENT_COMMON_KERNELS_RETRIEVAL_AOT_ESTIMATE_H_

#include <vector>

#include "common/kernels/atmosphere/correction.h"

namespace arpent::kernels {

// TOA reflectance of a pixel in one band, and the mean of its surroundings, whose light strays into its beam. At each AOT
// that is tried both are inverted together: dark vegetation among bright fields would otherwise pass for hazy. Equal
// values say that nothing strays.
struct SeenPixel {
  float toa = 0, around = 0;
};

// Surface reflectance of a pixel whose surroundings are not like itself.
double SurfaceOf(const BandCoefficients& coefficients, const SeenPixel& seen);

struct AotEstimate {
  double aot = 0;
  double uncertainty = 0;  // one sigma, of the relations; they err together, so that more pixels do not lessen it
  int pixels = 0;          // 0: no estimate
  double misfit = 0;       // mean loss of the pixels there, in squared sigmas: how well the aerosol model fits
};

// Loss of a residual, in squared sigmas, that outliers cannot pull (Geman and McClure): half at 9.
double RobustLoss(double squared);

// The least of `misfit`, which is given at rising `aot` (at least three), by the parabola through it and its neighbours.
// Without curvature the estimate is the step itself, its uncertainty 1.
AotEstimate LeastMisfit(const std::vector<double>& aot, const std::vector<double>& misfit, int pixels);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_RETRIEVAL_AOT_ESTIMATE_H_
