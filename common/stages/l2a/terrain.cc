#include "common/stages/l2a/terrain.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/scene/elevation.h"
#include "common/stages/l2a/coarse_scene.h"

namespace arpent::stages {
namespace {

using raster::Image;
using raster::View;

// Mean height of the known pixels of each coarse cell, NaN where there are none.
Image<float> CoarseHeights(const Image<float>& heights, int factor) {
  Image<float> coarse((heights.width() + factor - 1) / factor, (heights.height() + factor - 1) / factor,
                      std::numeric_limits<float>::quiet_NaN());
  for (int y = 0; y < coarse.height(); ++y) {
    for (int x = 0; x < coarse.width(); ++x) {
      double sum = 0;
      int count = 0;
      for (int j = y * factor; j < std::min((y + 1) * factor, heights.height()); ++j) {
        for (int i = x * factor; i < std::min((x + 1) * factor, heights.width()); ++i) {
          if (std::isfinite(heights(i, j))) sum += heights(i, j), ++count;
        }
      }
      if (count > 0) coarse(x, y) = static_cast<float>(sum / count);
    }
  }
  return coarse;
}

}  // namespace

absl::StatusOr<Terrain> ReadTerrain(const storage::StoreSet& stores, const std::string& uri, const geo::Grid& ground,
                                    double coarse_pixel_m, const kernels::SunPosition& sun, bool with_light) {
  ARPENT_ASSIGN_OR_RETURN(const Image<float> heights, scene::ReadElevation(stores, uri, ground));
  Terrain terrain;
  const Image<float> coarse = CoarseHeights(heights, PixelsIn(coarse_pixel_m, ground.pixel_m));
  double sum = 0;
  int64_t known = 0;
  for (int y = 0; y < coarse.height(); ++y) {
    for (const float h : coarse.row(y)) {
      if (std::isfinite(h)) sum += h, ++known;
    }
  }
  if (known == 0)
    return absl::InvalidArgumentError(absl::StrCat(uri, ": the DEM has no height anywhere under the scene"));
  const double mean_m = sum / static_cast<double>(known);
  const double holes = 1 - static_cast<double>(known) / static_cast<double>(coarse.size());
  if (holes > 0) {
    terrain.notes.push_back(absl::StrFormat(
        "altitude: %.0f m, the mean, and flat where the DEM has no height (%.2f %%)", mean_m, 100 * holes));
  }
  terrain.altitude_km = {Image<float>(coarse.width(), coarse.height()), coarse_pixel_m, mean_m * 1e-3};
  for (int y = 0; y < coarse.height(); ++y) {
    for (int x = 0; x < coarse.width(); ++x) {
      const double height_km = (std::isfinite(coarse(x, y)) ? coarse(x, y) : mean_m) * 1e-3;
      terrain.altitude_km.values(x, y) =
          static_cast<float>(std::clamp(height_km, kernels::kMinimumAltitudeKm, kernels::kMaximumAltitudeKm));
    }
  }
  if (with_light) {
    terrain.light = kernels::Illuminate(heights.view(), ground.pixel_m, sun);
    terrain.light_pixel_m = ground.pixel_m;
    terrain.cast_shadow = kernels::CastShadows(coarse.view(), coarse_pixel_m, sun);
  }
  return terrain;
}

void CorrectSlopes(const Terrain& terrain, const SlopeNodes& nodes, double pixel_m, int x0, int y0,
                   View<int16_t> reflectance) {
  const kernels::Illumination& light = *terrain.light;
  const auto ground_pixel = [&](int pixel, int limit) {
    return std::min(static_cast<int>((pixel + 0.5) * pixel_m / terrain.light_pixel_m), limit - 1);
  };
  std::vector<int> ground_x(reflectance.width()), node_x(reflectance.width());
  for (int x = 0; x < reflectance.width(); ++x) {
    ground_x[x] = ground_pixel(x0 + x, light.direct.width());
    node_x[x] = std::min((x0 + x + nodes.step / 2) / nodes.step, nodes.direct_share.width() - 1);
  }
  for (int y = 0; y < reflectance.height(); ++y) {
    const int gy = ground_pixel(y0 + y, light.direct.height());
    const int ny = std::min((y0 + y + nodes.step / 2) / nodes.step, nodes.direct_share.height() - 1);
    const auto row = reflectance.row(y);
    for (int x = 0; x < reflectance.width(); ++x) {
      if (row[x] == raster::kReflectanceNoData) continue;
      const float factor = kernels::SlopeFactor(light.direct(ground_x[x], gy), light.sky(ground_x[x], gy),
                                                nodes.direct_share(node_x[x], ny), nodes.environment(node_x[x], ny));
      row[x] = static_cast<int16_t>(std::clamp(std::floor(row[x] / factor + 0.5f), -9998.0f, 32767.0f));
    }
  }
}

}  // namespace arpent::stages
