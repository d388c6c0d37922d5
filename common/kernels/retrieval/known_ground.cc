#include "common/kernels/retrieval/known_ground.h"

namespace arpent::kernels {
namespace {

constexpr double kBlueChange = 0.08;
constexpr double kRedChange = 0.12;
constexpr double kNoise = 0.004;

double SquaredResidual(double found, double known, double change) {
  const double residual = (found - known) / (change * known + kNoise);
  return residual * residual;
}

}  // namespace

AotEstimate EstimateAotOverKnownGround(const KnownGroundSteps& steps, std::span<const KnownPixel> pixels) {
  if (pixels.empty()) return {};
  std::vector<double> misfit(steps.aot.size());
  for (size_t k = 0; k < steps.aot.size(); ++k) {
    for (const KnownPixel& p : pixels) {
      misfit[k] += RobustLoss(SquaredResidual(SurfaceOf(steps.blue[k], p.blue), p.known_blue, kBlueChange)) +
                   RobustLoss(SquaredResidual(SurfaceOf(steps.red[k], p.red), p.known_red, kRedChange));
    }
    misfit[k] /= static_cast<double>(pixels.size());
  }
  return LeastMisfit(steps.aot, misfit, static_cast<int>(pixels.size()));
}

}  // namespace arpent::kernels
