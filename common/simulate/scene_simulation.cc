#include "common/simulate/scene_simulation.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "absl/time/time.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/scene/safe_metadata.h"
#include "common/simulate/box_mean.h"
#include "common/simulate/noise.h"

namespace arpent::simulate {
namespace {

using raster::Image;

constexpr double kDegree = M_PI / 180;
constexpr double kSurroundings_m = 1000;  // how far light strays between pixels
constexpr int kNode = 48;                 // pixels between nodes of the air's coefficients
constexpr int kRowsAtOnce = 64;
constexpr double kOpaque_percent = 50;    // of cloud that hides the ground
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

void SceneSimulation::Reflectance(int band, const geo::Window& window, raster::View<float> out) const {
  ground_.Reflectance(spectra_, band, scene::kSentinel2BandResolutions_m[band], window, out);
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

ForwardBand SceneSimulation::AirOver(int band, Sky& sky, int x, int y) const {
  double rx = 0, ry = 0;
  ground_.frame().At(x, y, rx, ry);
  AirState state{sky.AotAt(rx, ry), sky.WaterVapourAt(rx, ry)};
  if (!ground_.elevation().empty()) {
    const int px = std::clamp(x, 0, ground_.grid().width - 1), py = std::clamp(y, 0, ground_.grid().height - 1);
    state.altitude_km = ground_.elevation()(px, py) / 1000;
  }
  return air_.At(band, state);
}

void SceneSimulation::Observe(int band, int y, std::span<const float> reflectance, std::span<const float> surroundings,
                              std::span<uint16_t> numbers) const {
  const scene::Band& info = metadata_.bands[band];
  const int factor = info.resolution_m / 10, width = static_cast<int>(numbers.size());
  const double middle = (factor - 1) / 2.0;
  const int slope_y = std::min(ground_.grid().height - 1, y * factor + factor / 2);
  Sky sky = sky_;
  ForwardBand left, right = AirOver(band, sky, 0, y * factor);
  for (int x = 0; x < width; ++x) {
    numbers[x] = 0;
    if (x % kNode == 0) {
      left = right;
      right = AirOver(band, sky, (x + kNode) * factor, y * factor);
    }
    if (!Seen(x * factor)) continue;
    const ForwardBand air = Blend(left, right, static_cast<double>(x % kNode) / kNode);
    double rx = 0, ry = 0;
    ground_.frame().At(x * factor + middle, y * factor + middle, rx, ry);
    // Direct sunlight is dimmed by clouds towards the sun and by slopes; light from the sky stays.
    const double direct = (1 - 0.95 * sky.ShadowAt(rx, ry)) *
                          SlopeFactor(std::min(ground_.grid().width - 1, x * factor + factor / 2), slope_y);
    const double light = air.direct_share * direct + (1 - air.direct_share);
    const double environment = surroundings[x];
    const double signal = air.up_direct_share * reflectance[x] * light + (1 - air.up_direct_share) * environment;
    double toa = air.path + air.gas * air.transmittance * signal / (1 - air.s_albedo * environment);
    const double cloud = sky.CloudAt(rx, ry);
    toa = toa * (1 - cloud) + cloud * kCloud[band] * (0.75 + 0.35 * cloud);
    const double noise = options_.noise_dn * Normal(options_.seed * 31 + kSensorNoise + band * 64 + index_ * 4096, x, y);
    numbers[x] = static_cast<uint16_t>(
        std::clamp(std::floor(toa * info.quantification - info.offset + noise + 0.5), 1.0, 65534.0));
  }
}

// Surroundings reach over many rows: true rows are made ahead, their means come behind, and a row is observed when both
// are there.
class SceneSimulation::BandRows final : public scene::RowSource {
 public:
  BandRows(const SceneSimulation& scene, int band)
      : scene_(scene), band_(band), grid_(scene.metadata_.grid.WithPixel(scene.metadata_.bands[band].resolution_m)) {
    // Two passes of a square are close to the bell that scattered light makes.
    const int radius = std::max(1, static_cast<int>(kSurroundings_m / 2 / grid_.pixel_m));
    second_ = std::make_unique<BoxMean>(grid_.width, grid_.height, radius, [this](std::span<const float> mean) {
      surroundings_.emplace_back(mean.begin(), mean.end());
    });
    first_ = std::make_unique<BoxMean>(grid_.width, grid_.height, radius,
                                       [this](std::span<const float> mean) { second_->Push(mean); });
  }

  absl::Status Read(raster::View<uint16_t> rows) override {
    while (static_cast<int>(surroundings_.size()) < rows.height()) ARPENT_RETURN_IF_ERROR(MakeTruth());
    ARPENT_RETURN_IF_ERROR(ParallelFor(rows.height(), scene_.options_.threads, [&](size_t row) {
      const int y = static_cast<int>(row);
      scene_.Observe(band_, next_ + y, reflectance_[row], surroundings_[row], rows.row(y));
      return absl::OkStatus();
    }));
    next_ += rows.height();
    reflectance_.erase(reflectance_.begin(), reflectance_.begin() + rows.height());
    surroundings_.erase(surroundings_.begin(), surroundings_.begin() + rows.height());
    return absl::OkStatus();
  }

 private:
  absl::Status MakeTruth() {
    const int count = std::min(kRowsAtOnce, grid_.height - made_);
    if (count <= 0) return absl::InternalError("more rows are asked for than the scene has");
    Image<float> strip(grid_.width, count);
    ARPENT_RETURN_IF_ERROR(ParallelFor(count, scene_.options_.threads, [&](size_t row) {
      const geo::Window window{0, static_cast<int>(row), grid_.width, 1};
      scene_.Reflectance(band_, {0, made_ + window.y, grid_.width, 1}, strip.view().Sub(window));
      return absl::OkStatus();
    }));
    for (int y = 0; y < count; ++y) {
      const std::span<const float> row = std::as_const(strip).row(y);
      reflectance_.emplace_back(row.begin(), row.end());
      first_->Push(row);
    }
    made_ += count;
    return absl::OkStatus();
  }

  const SceneSimulation& scene_;
  const int band_;
  const geo::Grid grid_;
  std::unique_ptr<BoxMean> first_, second_;
  std::deque<std::vector<float>> reflectance_, surroundings_;  // both from row next_ on
  int made_ = 0, next_ = 0;
};

std::unique_ptr<scene::RowSource> SceneSimulation::DigitalNumbers(int band) const {
  return std::make_unique<BandRows>(*this, band);
}

template <typename T, typename Function>
Image<T> SceneSimulation::Map(int resolution_m, const Function& function) const {
  const geo::Grid grid = ground_.grid().WithPixel(resolution_m);
  const int factor = resolution_m / 10;
  const double middle = (factor - 1) / 2.0;
  Image<T> image(grid.width, grid.height);
  (void)ParallelFor(grid.height, options_.threads, [&](size_t row) {
    const int y = static_cast<int>(row);
    Sky sky = sky_;
    for (int x = 0; x < grid.width; ++x) {
      double rx = 0, ry = 0;
      ground_.frame().At(factor * x + middle, factor * y + middle, rx, ry);
      image(x, y) = static_cast<T>(std::floor(function(sky, rx, ry) + 0.5));
    }
    return absl::OkStatus();
  });
  return image;
}

Image<uint8_t> SceneSimulation::Clouds() const {
  return Map<uint8_t>(20, [](Sky& sky, double x, double y) { return 100 * sky.CloudAt(x, y); });
}
Image<uint8_t> SceneSimulation::Shadows() const {
  return Map<uint8_t>(20, [](Sky& sky, double x, double y) { return 100 * sky.ShadowAt(x, y); });
}
Image<uint16_t> SceneSimulation::Aot() const {
  return Map<uint16_t>(20, [](Sky& sky, double x, double y) { return 1000 * sky.AotAt(x, y); });
}
Image<uint16_t> SceneSimulation::WaterVapour() const {
  return Map<uint16_t>(20, [](Sky& sky, double x, double y) { return 1000 * sky.WaterVapourAt(x, y); });
}

Image<uint8_t> SceneSimulation::CloudMask() const {
  Image<uint8_t> mask = Map<uint8_t>(60, [](Sky& sky, double x, double y) { return 100 * sky.CloudAt(x, y); });
  for (int y = 0; y < mask.height(); ++y) {
    for (int x = 0; x < mask.width(); ++x) mask(x, y) = Seen(6 * x) && mask(x, y) >= kOpaque_percent;
  }
  return mask;
}

double SceneSimulation::CloudShare() const {
  const Image<uint8_t> clouds = Clouds();
  return static_cast<double>(std::count_if(clouds.data(), clouds.data() + clouds.size(),
                                           [](uint8_t c) { return c >= kOpaque_percent; })) /
         clouds.size();
}

}  // namespace arpent::simulate
