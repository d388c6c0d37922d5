#include "common/kernels/retrieval/aerosol.h"

#include <algorithm>
#include <cmath>

namespace arpent::kernels {
namespace {

// Spread (one sigma) of the relations, relative and absolute (noise, co-registration).
constexpr double kRedSpread = 0.08;
constexpr double kBlueSpread = 0.115;
constexpr double kNoise = 0.002;
constexpr double kDarkestAllowed = 0.0;

// Mean loss of the pixels at one AOT.
double Misfit(const AotSteps& steps, size_t k, std::span<const DarkPixel> pixels) {
  double sum = 0;
  for (const DarkPixel& p : pixels) {
    const double blue = SurfaceOf(steps.blue[k], p.blue);
    const double red = SurfaceOf(steps.red[k], p.red);
    const double swir2 = SurfaceOf(steps.swir2[k], p.swir2);
    const double expected_red = kRedToSwir2 * swir2;
    const double expected_blue = kBlueToRed * kRedToSwir2 * swir2;
    const double red_sigma = kRedSpread * expected_red + kNoise;
    const double blue_sigma = std::hypot(kRedSpread, kBlueSpread) * expected_blue + kNoise;
    const double red_residual = (red - expected_red) / red_sigma;
    const double blue_residual = (blue - expected_blue) / blue_sigma;
    sum += RobustLoss(red_residual * red_residual) + RobustLoss(blue_residual * blue_residual);
  }
  return sum / static_cast<double>(pixels.size());
}

// The AOT at which the pixel comes down to the least reflectance allowed; the last step when it never does.
double AotOfDarkest(const std::vector<double>& aot, const std::vector<BandCoefficients>& band, const SeenPixel& seen) {
  if (std::isnan(seen.toa)) return aot.back();
  double before = SurfaceOf(band[0], seen) - kDarkestAllowed;
  if (before <= 0) return aot.front();
  for (size_t k = 1; k < aot.size(); ++k) {
    const double here = SurfaceOf(band[k], seen) - kDarkestAllowed;
    if (here <= 0) return aot[k - 1] + (aot[k] - aot[k - 1]) * before / (before - here);
    before = here;
  }
  return aot.back();
}

}  // namespace

AotEstimate EstimateAot(const AotSteps& steps, std::span<const DarkPixel> pixels, const SeenPixel& darkest_blue,
                        const SeenPixel& darkest_red) {
  if (pixels.empty()) return {};
  const std::vector<double>& aot = steps.aot;
  std::vector<double> misfit(aot.size());
  for (size_t k = 0; k < aot.size(); ++k) misfit[k] = Misfit(steps, k, pixels);
  AotEstimate estimate = LeastMisfit(aot, misfit, static_cast<int>(pixels.size()));
  const double limit = std::min(AotOfDarkest(aot, steps.blue, darkest_blue), AotOfDarkest(aot, steps.red, darkest_red));
  estimate.aot = std::min(estimate.aot, limit);
  return estimate;
}

AotMap SmoothAot(const std::vector<AotEstimate>& cells, int columns, int reach, const AotEstimate& fallback) {
  const int rows = static_cast<int>(cells.size()) / columns;
  AotMap map{raster::Image<float>(columns, rows), raster::Image<float>(columns, rows),
             raster::Image<uint8_t>(columns, rows)};
  const auto weight_of = [](const AotEstimate& e) {
    const double sure = std::max(e.uncertainty, 0.01);
    return static_cast<double>(e.pixels) / (e.pixels + 20.0) / (sure * sure);
  };
  constexpr double kFaint = 0.002;
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) {
      double weights = kFaint * weight_of(fallback) + 1e-9;
      double aot = weights * fallback.aot;
      double variance = weights * fallback.uncertainty * fallback.uncertainty;
      bool own = false;
      for (int j = std::max(0, y - 4 * reach); j <= std::min(rows - 1, y + 4 * reach); ++j) {
        for (int i = std::max(0, x - 4 * reach); i <= std::min(columns - 1, x + 4 * reach); ++i) {
          const AotEstimate& cell = cells[static_cast<size_t>(j) * columns + i];
          if (cell.pixels == 0) continue;
          const double squared = static_cast<double>((i - x) * (i - x) + (j - y) * (j - y)) / (reach * reach);
          const double near = 1.0 + squared;
          // Falls with the fourth power of the distance: no library function, the same bits everywhere.
          const double weight = weight_of(cell) / (near * near);
          weights += weight;
          aot += weight * cell.aot;
          variance += weight * cell.uncertainty * cell.uncertainty;
          own = own || (std::abs(i - x) <= reach && std::abs(j - y) <= reach);
        }
      }
      map.aot(x, y) = static_cast<float>(aot / weights);
      map.uncertainty(x, y) = static_cast<float>(std::sqrt(variance / weights));
      map.interpolated(x, y) = !own;
    }
  }
  return map;
}

}  // namespace arpent::kernels
