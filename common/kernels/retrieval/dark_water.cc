#include "common/kernels/retrieval/dark_water.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace arpent::kernels {
namespace {

constexpr int kBands = 4;  // red, 865 nm, 1.6 um, 2.2 um
// Clear water, and how far it and the calibration spread (one sigma). Pure water absorbs 0.4, 4.6, 600 and 2000 per m.
constexpr std::array<double, kBands> kClear = {0.004, 0.0003, 0, 0};
constexpr std::array<double, kBands> kSpread = {0.003, 0.0010, 0.0010, 0.0012};
// Colour of what glint and particles add.
constexpr std::array<double, kBands> kGlintColour = {1.0, 1.0, 0.93, 0.86};  // refraction of water: Hale and Querry 1973
constexpr std::array<double, kBands> kTurbidColour = {1.0, 0.20, 0, 0};
constexpr int kNir = 1;
constexpr double kTurbidColourSpread = 0.12;  // of the 0.20: Ruddick et al. have 0.1 to 0.45 in very turbid water
constexpr double kLeastGlintSpread = 0.001;  // sky light and foam are always there
constexpr double kTurbiditySpread = 0.02;
constexpr double kMostTurbidity = 0.015;  // beyond, 865 nm does not follow the red
constexpr double kMostMisfit = 3.0;      // of four bands

struct Explained {
  double loss = 0, turbidity = 0;
};

// Least squares for glint and turbidity with both not negative: the best of the four cases.
Explained ExplainWith(const std::array<double, kBands>& surface, double glint_spread, double nir_spread) {
  double gg = 1 / (glint_spread * glint_spread), tt = 1 / (kTurbiditySpread * kTurbiditySpread);
  double gt = 0, gr = 0, tr = 0, rr = 0;
  for (int b = 0; b < kBands; ++b) {
    const double spread = b == kNir ? nir_spread : kSpread[b];
    const double weight = 1 / (spread * spread);
    const double excess = surface[b] - kClear[b];
    gg += weight * kGlintColour[b] * kGlintColour[b];
    tt += weight * kTurbidColour[b] * kTurbidColour[b];
    gt += weight * kGlintColour[b] * kTurbidColour[b];
    gr += weight * kGlintColour[b] * excess;
    tr += weight * kTurbidColour[b] * excess;
    rr += weight * excess * excess;
  }
  const double determinant = gg * tt - gt * gt;
  double glint = (gr * tt - tr * gt) / determinant;
  double turbidity = (tr * gg - gr * gt) / determinant;
  if (glint < 0 || turbidity < 0) {
    const double glint_alone = std::max(0.0, gr / gg), turbidity_alone = std::max(0.0, tr / tt);
    const bool by_glint = glint_alone * gr > turbidity_alone * tr;
    glint = by_glint ? glint_alone : 0;
    turbidity = by_glint ? 0 : turbidity_alone;
  }
  // The squares that are left, with those of both from nothing.
  const double left = rr - 2 * (glint * gr + turbidity * tr) + glint * glint * gg + 2 * glint * turbidity * gt +
                      turbidity * turbidity * tt;
  return {RobustLoss(std::max(0.0, left)), turbidity};
}

Explained Explain(const std::array<double, kBands>& surface, double glint_spread) {
  const Explained first = ExplainWith(surface, glint_spread, kSpread[kNir]);
  return ExplainWith(surface, glint_spread, std::hypot(kSpread[kNir], kTurbidColourSpread * first.turbidity));
}

using Surface = std::array<double, kBands>;

Surface SurfaceAt(const WaterSteps& steps, size_t k, const WaterPixel& p) {
  return {SurfaceOf(steps.red[k], p.red), SurfaceOf(steps.nir[k], p.nir), SurfaceOf(steps.swir1[k], p.swir1),
          SurfaceOf(steps.swir2[k], p.swir2)};
}

// Water is dark and sure to a thousandth: the steps of AOT, made for vegetation, are too wide for it. Between two of them its
// reflectance falls in a straight line.
constexpr size_t kFiner = 5;

std::vector<double> FinerSteps(const std::vector<double>& aot) {
  std::vector<double> finer;
  for (size_t k = 0; k + 1 < aot.size(); ++k) {
    for (size_t f = 0; f < kFiner; ++f) finer.push_back(aot[k] + (aot[k + 1] - aot[k]) * static_cast<double>(f) / kFiner);
  }
  finer.push_back(aot.back());
  return finer;
}

Surface Between(const std::vector<Surface>& surface, size_t i) {
  const size_t k = std::min(i / kFiner, surface.size() - 2);
  const double share = static_cast<double>(i - k * kFiner) / kFiner;
  Surface between;
  for (int b = 0; b < kBands; ++b) between[b] = surface[k][b] + (surface[k + 1][b] - surface[k][b]) * share;
  return between;
}

}  // namespace

double SunGlint(double sun_zenith_deg, double view_zenith_deg, double relative_azimuth_deg) {
  constexpr double kRadian = std::numbers::pi / 180;
  constexpr double kSlopeVariance = 0.003 + 0.00512 * 5;
  constexpr double kFresnel = 0.0211;  // steep incidence
  const double cos_sun = std::cos(sun_zenith_deg * kRadian), cos_view = std::cos(view_zenith_deg * kRadian);
  const double cos_between = cos_sun * cos_view + std::sin(sun_zenith_deg * kRadian) * std::sin(view_zenith_deg * kRadian) *
                                                      std::cos(relative_azimuth_deg * kRadian);
  const double cos_half = std::sqrt(std::max(0.0, (1 + cos_between) / 2));
  const double cos_tilt = std::min(1.0, (cos_sun + cos_view) / (2 * cos_half));
  const double squared = cos_tilt * cos_tilt;
  const double tangent_squared = (1 - squared) / squared;
  return kFresnel * std::exp(-tangent_squared / kSlopeVariance) / kSlopeVariance /
         (4 * cos_sun * cos_view * squared * squared);
}

AotEstimate EstimateAotOverWater(const WaterSteps& steps, std::span<const WaterPixel> pixels, double glint) {
  if (pixels.empty()) return {};
  const double glint_spread = std::max(glint, kLeastGlintSpread);
  const std::vector<double> aot = FinerSteps(steps.aot);
  std::vector<double> misfit(aot.size()), turbidity(aot.size());
  std::vector<Surface> surface(steps.aot.size());
  for (const WaterPixel& pixel : pixels) {
    for (size_t k = 0; k < surface.size(); ++k) surface[k] = SurfaceAt(steps, k, pixel);
    for (size_t i = 0; i < aot.size(); ++i) {
      const Explained explained = Explain(Between(surface, i), glint_spread);
      misfit[i] += explained.loss;
      turbidity[i] += explained.turbidity;
    }
  }
  const auto count = static_cast<double>(pixels.size());
  for (size_t i = 0; i < aot.size(); ++i) misfit[i] /= count, turbidity[i] /= count;
  const size_t best = std::min_element(misfit.begin(), misfit.end()) - misfit.begin();
  if (turbidity[best] > kMostTurbidity || misfit[best] > kMostMisfit) return {};
  return LeastMisfit(aot, misfit, static_cast<int>(pixels.size()));
}

}  // namespace arpent::kernels
