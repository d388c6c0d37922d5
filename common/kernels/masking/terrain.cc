#include "common/kernels/masking/terrain.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace arpent::kernels {
namespace {

using raster::Image;
using raster::View;

constexpr double kRadian = std::numbers::pi / 180;

// Difference of heights per metre between two pixels, 0 across a hole.
double Gradient(float from, float to, double distance_m) {
  return std::isfinite(from) && std::isfinite(to) && distance_m > 0 ? (to - from) / distance_m : 0.0;
}

}  // namespace

Illumination Illuminate(View<const float> heights_m, double pixel_m, const SunPosition& sun) {
  const int width = heights_m.width();
  const int height = heights_m.height();
  Illumination result{Image<float>(width, height, 1.0f), Image<float>(width, height, 1.0f)};
  const double tangent = std::tan(sun.zenith_deg * kRadian);
  const double to_east = tangent * std::sin(sun.azimuth_deg * kRadian);
  const double to_north = tangent * std::cos(sun.azimuth_deg * kRadian);
  for (int y = 0; y < height; ++y) {
    const int above = std::max(0, y - 1), below = std::min(height - 1, y + 1);
    for (int x = 0; x < width; ++x) {
      if (!std::isfinite(heights_m(x, y))) continue;
      const int left = std::max(0, x - 1), right = std::min(width - 1, x + 1);
      const double east = Gradient(heights_m(left, y), heights_m(right, y), (right - left) * pixel_m);
      const double north = Gradient(heights_m(x, below), heights_m(x, above), (below - above) * pixel_m);
      // The normal is (-east, -north, 1) cos(slope); the sun (to_east, to_north, 1) cos(zenith).
      const double cos_slope = 1 / std::sqrt(1 + east * east + north * north);
      result.direct(x, y) = static_cast<float>((1 - east * to_east - north * to_north) * cos_slope);
      result.sky(x, y) = static_cast<float>(0.5 * (1 + cos_slope));
    }
  }
  return result;
}

Image<uint8_t> CastShadows(View<const float> heights_m, double pixel_m, const SunPosition& sun) {
  const int width = heights_m.width();
  const int height = heights_m.height();
  Image<uint8_t> shadow(width, height);
  const Illumination light = Illuminate(heights_m, pixel_m, sun);
  float highest = -1e9f;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (std::isfinite(heights_m(x, y))) highest = std::max(highest, heights_m(x, y));
    }
  }
  // One step towards the sun is one pixel along the axis that it follows most.
  const double step_x = std::sin(sun.azimuth_deg * kRadian), step_y = -std::cos(sun.azimuth_deg * kRadian);
  const double longest = std::max(std::abs(step_x), std::abs(step_y));
  const double dx = step_x / longest, dy = step_y / longest;
  const double rise_m = pixel_m / longest / std::tan(std::max(sun.zenith_deg, 0.1) * kRadian);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float ground = heights_m(x, y);
      if (!std::isfinite(ground)) continue;
      bool dark = light.direct(x, y) <= 0;
      for (int k = 1; !dark && ground + k * rise_m < highest; ++k) {
        const int px = static_cast<int>(std::floor(x + k * dx + 0.5)),
                  py = static_cast<int>(std::floor(y + k * dy + 0.5));
        if (px < 0 || py < 0 || px >= width || py >= height) break;
        dark = heights_m(px, py) > ground + k * rise_m;
      }
      shadow(x, y) = dark;
    }
  }
  return shadow;
}

}  // namespace arpent::kernels
