#include "common/kernels/retrieval/aot_estimate.h"

#include <algorithm>
#include <cmath>

namespace arpent::kernels {
namespace {

constexpr double kOutlier = 9.0;  // squared residual, in sigmas, at which a pixel counts half

}  // namespace

double SurfaceOf(const BandCoefficients& c, const SeenPixel& seen) {
  const Inversion inversion = WithEnvironment(c, SurfaceReflectance(c, seen.around));
  return inversion.gain * seen.toa - inversion.offset;
}

double RobustLoss(double squared) { return squared / (1.0 + squared / kOutlier); }

AotEstimate LeastMisfit(const std::vector<double>& aot, const std::vector<double>& misfit, int pixels) {
  const size_t best = std::min_element(misfit.begin(), misfit.end()) - misfit.begin();
  const size_t middle = std::clamp<size_t>(best, 1, aot.size() - 2);
  const double left = aot[middle] - aot[middle - 1];
  const double right = aot[middle + 1] - aot[middle];
  const double slope_left = (misfit[middle] - misfit[middle - 1]) / left;
  const double slope_right = (misfit[middle + 1] - misfit[middle]) / right;
  const double curvature = (slope_right - slope_left) / (0.5 * (left + right));  // second derivative
  const double slope = (slope_left * right + slope_right * left) / (left + right);
  AotEstimate estimate;
  estimate.pixels = pixels;
  estimate.misfit = misfit[best];
  estimate.aot = curvature > 1e-9 ? aot[middle] - slope / curvature : aot[best];
  estimate.aot = std::clamp(estimate.aot, aot[middle - 1], aot[middle + 1]);
  estimate.uncertainty = curvature > 1e-9 ? std::clamp(std::sqrt(2.0 / curvature), 0.01, 1.0) : 1.0;
  return estimate;
}

}  // namespace arpent::kernels
