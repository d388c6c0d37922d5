#include "common/simulate/sky.h"

#include <algorithm>
#include <cmath>

namespace arpent::simulate {
namespace {

constexpr double kDegree = M_PI / 180;
constexpr double kCloudSize_m = 2600;
constexpr double kFringe = 0.035;  // of the noise: how fast a cloud thickens from its rim
enum Purpose : uint64_t { kClouds = 1000, kHaze = 2000, kVapour = 3000, kHeight = 4000 };

}  // namespace

Sky::Sky(const SkyOptions& options, double sun_zenith_deg, double sun_azimuth_deg)
    : options_(options),
      clouds_(options.seed + kClouds),
      clouds_towards_sun_(options.seed + kClouds),
      haze_(options.seed + kHaze),
      vapour_(options.seed + kVapour) {
  height_m_ = 900 + 2200 * Uniform(options.seed + kHeight, 0, 0);
  const double reach = std::tan(std::min(80.0, sun_zenith_deg) * kDegree);
  towards_sun_x_ = reach * std::sin(sun_azimuth_deg * kDegree);
  towards_sun_y_ = reach * std::cos(sun_azimuth_deg * kDegree);
  // Fractal noise is about normal around 0.5: the threshold that leaves the wanted share above it.
  const double cover = std::clamp(options.cloud_cover, 0.0, 1.0);
  if (cover <= 0) {
    threshold_ = 2;
  } else if (cover >= 1) {
    threshold_ = -1;
  } else {
    // The quantile by a logistic approximation: deviation 0.125.
    threshold_ = 0.5 + 0.125 * std::log((1 - cover) / cover) / 1.702;
  }
}

double Sky::Opacity(FractalNoise& noise, double x, double y) const {
  if (threshold_ > 1) return 0;
  return std::clamp((noise.At(x / kCloudSize_m, y / kCloudSize_m) - threshold_) / kFringe, 0.0, 1.0);
}

double Sky::CloudAt(double x, double y) { return Opacity(clouds_, x, y); }

double Sky::ShadowAt(double x, double y) {
  return Opacity(clouds_towards_sun_, x + height_m_ * towards_sun_x_, y + height_m_ * towards_sun_y_);
}

double Sky::AotAt(double x, double y) {
  return options_.aot_550 * (kLeastHaze + (kMostHaze - kLeastHaze) * haze_.At(x / 30000, y / 30000));
}

double Sky::WaterVapourAt(double x, double y) {
  return options_.water_vapour_gcm2 * (0.94 + 0.12 * vapour_.At(x / 12000, y / 12000));
}

}  // namespace arpent::simulate
