#include "common/simulate/scene_simulation.h"

#include <algorithm>
#include <cmath>

#include "absl/time/time.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/scene/safe_metadata.h"
#include "common/simulate/noise.h"

namespace arpent::simulate {
namespace {

using raster::Image;

constexpr double kDegree = M_PI / 180;
constexpr double kSurroundings_m = 1000;  // how far light strays between pixels
constexpr int kNode = 48;                 // pixels between nodes of the air's coefficients
constexpr uint64_t kSensorNoise = 700, kDate = 5000, kCover = 6000;

// Top-of-atmosphere reflectance of an opaque cloud. Water in the cloud darkens the short-wave infrared; hardly anything of
// a low cloud is seen at 1.38 um.
constexpr Spectrum kCloud = {0.62, 0.61, 0.60, 0.61, 0.61, 0.60, 0.60, 0.59, 0.59, 0.36, 0.004, 0.42, 0.29};

SkyOptions SkyOf(const SiteOptions& options, int index) {
  SkyOptions sky;
  sky.seed = options.seed * 7919 + kDate + index;
  // Most dates are fairly clear, some are overcast: the square of a uniform draw has a mean of a third.
  const double draw = Uniform(options.seed + kCover, index, 0);
  sky.cloud_cover = std::min(0.98, 3 * options.cloud_cover * draw * draw);
  sky.aot_550 = options.aot_550 * (0.5 + Uniform(options.seed + kCover, index, 1));
  sky.water_vapour_gcm2 = options.water_vapour_gcm2 * (0.6 + 0.8 * Uniform(options.seed + kCover, index, 2));
  return sky;
}

double DayOfYear(absl::Time time) { return absl::GetYearDay(absl::ToCivilDay(time, absl::UTCTimeZone())); }

// Mean over a square of `radius` pixels either way, by running sums along rows, then columns.
Image<float> BoxMean(const Image<float>& in, int radius) {
  Image<float> rows(in.width(), in.height()), out(in.width(), in.height());
  const auto run = [radius](int length, const auto& get, const auto& put) {
    double sum = 0;
    int count = 0;
    for (int i = 0; i < std::min(length, radius); ++i, ++count) sum += get(i);
    for (int i = 0; i < length; ++i) {
      if (i + radius < length) sum += get(i + radius), ++count;
      if (i - radius - 1 >= 0) sum -= get(i - radius - 1), --count;
      put(i, static_cast<float>(sum / count));
    }
  };
  for (int y = 0; y < in.height(); ++y) {
    run(in.width(), [&](int x) { return in(x, y); }, [&](int x, float value) { rows(x, y) = value; });
  }
  for (int x = 0; x < in.width(); ++x) {
    run(in.height(), [&](int y) { return rows(x, y); }, [&](int y, float value) { out(x, y) = value; });
  }
  return out;
}

ForwardBand Blend(const ForwardBand& a, const ForwardBand& b, double t) {
  const auto mix = [t](double p, double q) { return p * (1 - t) + q * t; };
  return {mix(a.path, b.path),         mix(a.transmittance, b.transmittance), mix(a.s_albedo, b.s_albedo),
          mix(a.gas, b.gas),           mix(a.direct_share, b.direct_share),   mix(a.up_direct_share, b.up_direct_share)};
}

}  // namespace

SceneSimulation::SceneSimulation(const SiteOptions& options, const Landscape& landscape, const Ground& ground,
                                 scene::SceneMetadata metadata, int index)
    : options_(options),
      ground_(ground),
      metadata_(std::move(metadata)),
      index_(index),
      sky_(SkyOf(options, index), metadata_.mean_sun_zenith_deg, metadata_.mean_sun_azimuth_deg),
      spectra_(ground.SpectraOn(landscape, DayOfYear(metadata_.sensing_start))) {
  const int width = ground.grid().width;
  seen_last_ = width;
  if (options.orbits > 1) {  // the two swaths share the middle of the tile
    if (index % 2 == 0) seen_last_ = width * 13 / 20 / 6 * 6;
    if (index % 2 == 1) seen_first_ = width * 7 / 20 / 6 * 6;
  }
}

absl::StatusOr<SceneSimulation> SceneSimulation::Create(const SiteOptions& options, const kernels::RadiativeInputs& inputs,
                                                        const Landscape& landscape, const Ground& ground,
                                                        scene::SceneMetadata metadata, int index) {
  SceneSimulation scene(options, landscape, ground, std::move(metadata), index);
  const SkyOptions sky = SkyOf(options, index);
  SceneAir::Range range;
  range.lowest_aot = kLeastHaze * sky.aot_550;
  range.highest_aot = kMostHaze * sky.aot_550;
  range.water_vapour_gcm2 = sky.water_vapour_gcm2;
  if (const Image<float>& elevation = ground.elevation(); !elevation.empty()) {
    const auto [lowest, highest] = std::minmax_element(elevation.data(), elevation.data() + elevation.size());
    range.lowest_km = *lowest / 1000;
    range.highest_km = *highest / 1000;
  }
  ARPENT_ASSIGN_OR_RETURN(scene.air_,
                          SceneAir::Solve(inputs, scene.metadata_, options.aerosol, range, options.threads));
  return scene;
}

Image<float> SceneSimulation::Reflectance(int band) const {
  return ground_.ReflectanceOf(spectra_, band, scene::kSentinel2BandResolutions_m[band], options_.threads);
}

Image<float> SceneSimulation::Surroundings(const Image<float>& reflectance, int resolution_m) const {
  // Two passes of a box are close to the bell that scattered light makes.
  const int radius = std::max(1, static_cast<int>(kSurroundings_m / 2 / resolution_m));
  return BoxMean(BoxMean(reflectance, radius), radius);
}

double SceneSimulation::SlopeFactor(int x, int y) const {
  const Image<float>& elevation = ground_.elevation();
  if (elevation.empty()) return 1;
  const int x0 = std::max(0, x - 1), x1 = std::min(elevation.width() - 1, x + 1);
  const int y0 = std::max(0, y - 1), y1 = std::min(elevation.height() - 1, y + 1);
  const double east = (elevation(x1, y) - elevation(x0, y)) / ((x1 - x0) * 10.0);
  const double north = (elevation(x, y0) - elevation(x, y1)) / ((y1 - y0) * 10.0);
  const double zenith = metadata_.mean_sun_zenith_deg * kDegree, azimuth = metadata_.mean_sun_azimuth_deg * kDegree;
  // cos(incidence) / cos(sun zenith), the surface normal being (-east, -north, 1) / length.
  const double length = std::sqrt(1 + east * east + north * north);
  const double cosine = (std::cos(zenith) - std::sin(zenith) * (std::sin(azimuth) * east + std::cos(azimuth) * north)) / length;
  return std::max(0.05, cosine / std::cos(zenith));
}

Image<uint16_t> SceneSimulation::DigitalNumbers(int band) const {
  const int resolution = scene::kSentinel2BandResolutions_m[band], factor = resolution / 10;
  const Image<float> reflectance = Reflectance(band);
  const Image<float> surroundings = Surroundings(reflectance, resolution);
  const scene::Band& info = metadata_.bands[band];
  Image<uint16_t> numbers(reflectance.width(), reflectance.height());
  const auto air_at = [&](double x, double y) {
    double rx = 0, ry = 0;
    ground_.frame().At(x * factor, y * factor, rx, ry);
    AirState state{sky_.AotAt(rx, ry), sky_.WaterVapourAt(rx, ry)};
    if (!ground_.elevation().empty()) {
      const int px = std::clamp(static_cast<int>(x * factor), 0, ground_.grid().width - 1);
      const int py = std::clamp(static_cast<int>(y * factor), 0, ground_.grid().height - 1);
      state.altitude_km = ground_.elevation()(px, py) / 1000;
    }
    return air_.At(band, state);
  };
  (void)ParallelFor(numbers.height(), options_.threads, [&](size_t row) {
    const int y = static_cast<int>(row);
    ForwardBand left = air_at(0, y), right = left;
    for (int x = 0; x < numbers.width(); ++x) {
      if (x % kNode == 0) {
        left = x == 0 ? left : right;
        right = air_at(x + kNode, y);
      }
      if (!Seen(x * factor)) continue;
      const ForwardBand air = Blend(left, right, static_cast<double>(x % kNode) / kNode);
      const double middle = (factor - 1) / 2.0;
      double rx = 0, ry = 0;
      ground_.frame().At(x * factor + middle, y * factor + middle, rx, ry);
      // Direct sunlight is dimmed by clouds towards the sun and by slopes; light from the sky stays.
      const double direct = (1 - 0.95 * sky_.ShadowAt(rx, ry)) *
                            SlopeFactor(std::min(ground_.grid().width - 1, x * factor + factor / 2),
                                        std::min(ground_.grid().height - 1, y * factor + factor / 2));
      const double light = air.direct_share * direct + (1 - air.direct_share);
      const double environment = surroundings(x, y);
      const double signal = air.up_direct_share * reflectance(x, y) * light + (1 - air.up_direct_share) * environment;
      double toa = air.path + air.gas * air.transmittance * signal / (1 - air.s_albedo * environment);
      const double cloud = sky_.CloudAt(rx, ry);
      toa = toa * (1 - cloud) + cloud * kCloud[band] * (0.75 + 0.35 * cloud);
      const double noise = options_.noise_dn * Normal(options_.seed * 31 + kSensorNoise + band * 64 + index_ * 4096, x, y);
      numbers(x, y) = static_cast<uint16_t>(
          std::clamp(std::floor(toa * info.quantification - info.offset + noise + 0.5), 1.0, 65534.0));
    }
    return absl::OkStatus();
  });
  return numbers;
}

template <typename T, typename Function>
Image<T> SceneSimulation::Map20(const Function& function) const {
  const geo::Grid grid = ground_.grid().WithPixel(20);
  Image<T> image(grid.width, grid.height);
  (void)ParallelFor(grid.height, options_.threads, [&](size_t row) {
    const int y = static_cast<int>(row);
    for (int x = 0; x < grid.width; ++x) {
      double rx = 0, ry = 0;
      ground_.frame().At(2 * x + 0.5, 2 * y + 0.5, rx, ry);
      image(x, y) = static_cast<T>(std::floor(function(rx, ry) + 0.5));
    }
    return absl::OkStatus();
  });
  return image;
}

Image<uint8_t> SceneSimulation::Clouds() const {
  return Map20<uint8_t>([this](double x, double y) { return 100 * sky_.CloudAt(x, y); });
}
Image<uint8_t> SceneSimulation::Shadows() const {
  return Map20<uint8_t>([this](double x, double y) { return 100 * sky_.ShadowAt(x, y); });
}
Image<uint16_t> SceneSimulation::Aot() const {
  return Map20<uint16_t>([this](double x, double y) { return 1000 * sky_.AotAt(x, y); });
}
Image<uint16_t> SceneSimulation::WaterVapour() const {
  return Map20<uint16_t>([this](double x, double y) { return 1000 * sky_.WaterVapourAt(x, y); });
}

double SceneSimulation::CloudShare() const {
  const Image<uint8_t> clouds = Clouds();
  return static_cast<double>(std::count_if(clouds.data(), clouds.data() + clouds.size(), [](uint8_t c) { return c >= 50; })) /
         clouds.size();
}

}  // namespace arpent::simulate
