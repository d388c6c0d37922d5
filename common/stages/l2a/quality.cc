#include "common/stages/l2a/quality.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/masking/scene_class.h"
#include "common/raster/codes.h"
#include "common/stages/l2a/aot_retrieval.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr int kStripRows = 512;
constexpr int kSpreadPixels = 4;
constexpr double kLowSunZenithDeg = 70;
constexpr double kHighAot = 0.6;
constexpr float kScale = 1e-4f;

product::RasterOptions PercentOptions() {
  product::RasterOptions options;
  options.type = product::PixelType::kUInt8;
  options.no_data = raster::kByteNoData;
  options.description = "Cloud probability";
  options.unit = "%";
  return options;
}

// One strip of every layer.
struct Layers {
  Image<uint8_t> scl, percent;
  Image<uint16_t> aot, water, qa;

  Layers(int width, int height)
      : scl(width, height), percent(width, height), aot(width, height), water(width, height), qa(width, height) {}
};

void Count(uint16_t qa, QualityCounts& counts) {
  ++counts.pixels;
  if (qa & raster::kQaNoData) return;
  ++counts.with_data;
  counts.saturated += (qa & raster::kQaSaturated) != 0;
  counts.cloud += (qa & raster::kQaCloud) != 0;
  counts.cirrus += (qa & raster::kQaCirrus) != 0;
  counts.shadow += (qa & raster::kQaCloudShadow) != 0;
  counts.snow += (qa & raster::kQaSnow) != 0;
  counts.water += (qa & raster::kQaWater) != 0;
}

uint16_t Thousandths(double value) {
  return static_cast<uint16_t>(std::clamp(std::floor(value * 1000 + 0.5), 0.0, 65534.0));
}

class QualityStrip {
 public:
  QualityStrip(const scene::SceneMetadata& metadata, const GroundLayers& ground, const CoarseMasks& masks,
               const Air& air)
      : ground_(ground), masks_(masks), air_(air), aot_cell_(AotCellPixels(masks.pixel_m)), low_sun_possible_(LowSunPossible(metadata)) {
    const BandRoles roles = RolesOf(metadata);
    blue_ = &ground.bands.at(roles.blue);
    green_ = &ground.bands.at(roles.green);
    red_ = &ground.bands.at(roles.red);
    nir_narrow_ = &ground.bands.at(roles.nir_narrow);
    swir1_ = &ground.bands.at(roles.swir1);
    swir2_ = &ground.bands.at(roles.swir2);
  }

  void Fill(const geo::Window& window, Layers& layers, QualityCounts& counts) const {
    for (int y = 0; y < window.height; ++y) {
      for (int x = 0; x < window.width; ++x) Pixel(x, window.y + y, y, layers, counts);
    }
  }

 private:
  static bool LowSunPossible(const scene::SceneMetadata& metadata) {
    return metadata.mean_sun_zenith_deg > kLowSunZenithDeg - 2;
  }

  void Pixel(int x, int y, int row, Layers& layers, QualityCounts& counts) const {
    const double east = (x + 0.5) * ground_.grid.pixel_m;
    const double south = (y + 0.5) * ground_.grid.pixel_m;
    const int cx = std::min(static_cast<int>(east / masks_.pixel_m), masks_.shadow.width() - 1);
    const int cy = std::min(static_cast<int>(south / masks_.pixel_m), masks_.shadow.height() - 1);
    const kernels::PixelMasks masks = MasksOf(x, y, cx, cy);
    const kernels::GroundSpectrum spectrum{(*blue_)(x, y) * kScale,  (*green_)(x, y) * kScale,
                                           (*red_)(x, y) * kScale,   (*nir_narrow_)(x, y) * kScale,
                                           (*swir1_)(x, y) * kScale, (*swir2_)(x, y) * kScale};
    const raster::Scl scl = kernels::SceneClass(masks, spectrum);
    uint16_t qa = kernels::QualityBits(masks, scl);
    layers.scl(x, row) = scl;
    layers.percent(x, row) = masks.valid ? masks.cloud_percent : raster::kByteNoData;
    layers.aot(x, row) = layers.water(x, row) = raster::kUnsignedNoData;
    if (masks.valid) {
      const double aot = air_.aot.At(east, south);
      layers.aot(x, row) = Thousandths(aot);
      layers.water(x, row) = Thousandths(air_.water_gcm2.At(east, south));
      if (aot > kHighAot) qa |= raster::kQaHighAerosol;
      if (low_sun_possible_ && air_.sun().At(east, south).zenith_deg > kLowSunZenithDeg) qa |= raster::kQaLowSun;
      if (masks_.aot_interpolated(cx / aot_cell_, cy / aot_cell_)) qa |= raster::kQaAotInterpolated;
      if (masks_.water_interpolated(cx, cy)) qa |= raster::kQaWvInterpolated;
    }
    layers.qa(x, row) = qa;
    Count(qa, counts);
  }

  kernels::PixelMasks MasksOf(int x, int y, int cx, int cy) const {
    kernels::PixelMasks masks;
    masks.valid = true;
    for (const auto* band : {blue_, green_, red_, nir_narrow_, swir1_, swir2_}) {
      masks.valid = masks.valid && (*band)(x, y) != raster::kReflectanceNoData;
    }
    if (!masks.valid) return masks;
    masks.saturated = ground_.saturated(x, y);
    masks.cloud = masks_.clouds.cloud(cx, cy);
    masks.cirrus = masks_.clouds.cirrus(cx, cy);
    masks.snow = masks_.clouds.snow(cx, cy);
    masks.shadow = masks_.shadow(cx, cy);
    masks.near_cloud = masks_.near_cloud(cx, cy);
    masks.terrain_shadow = !masks_.terrain_shadow.empty() && masks_.terrain_shadow(cx, cy) != 0;
    const uint8_t percent = masks_.clouds.cloud_percent(cx, cy);
    masks.cloud_percent = percent == raster::kByteNoData ? 0 : percent;
    return masks;
  }

  const GroundLayers& ground_;
  const CoarseMasks& masks_;
  const Air& air_;
  const int aot_cell_;
  const bool low_sun_possible_;
  const Image<int16_t>*blue_, *green_, *red_, *nir_narrow_, *swir1_, *swir2_;
};

struct Writers {
  std::unique_ptr<product::RasterWriter> scl, percent, aot, water, qa;
};

absl::StatusOr<Writers> CreateWriters(const geo::Grid& grid, product::Publication& publication) {
  Writers w;
  ARPENT_ASSIGN_OR_RETURN(w.scl, publication.CreateRaster("SCL", grid, SclOptions(), 1));
  ARPENT_ASSIGN_OR_RETURN(w.percent, publication.CreateRaster("CLD", grid, PercentOptions(), 1));
  ARPENT_ASSIGN_OR_RETURN(
      w.aot, publication.CreateRaster("AOT", grid, AmountOptions("Aerosol optical thickness, 550 nm", "1"), 1));
  ARPENT_ASSIGN_OR_RETURN(w.water, publication.CreateRaster("WVP", grid, AmountOptions("Water vapour", "g/cm2"), 1));
  ARPENT_ASSIGN_OR_RETURN(w.qa, publication.CreateRaster("QA", grid, QaOptions(), 1));
  return w;
}

template <typename T>
absl::Status Write(product::RasterWriter& writer, const geo::Window& window, const Image<T>& pixels) {
  return writer.Write(window, pixels.view());
}

}  // namespace

product::RasterOptions SclOptions() {
  product::RasterOptions options;
  options.type = product::PixelType::kUInt8;
  options.no_data = raster::kSclNoData;
  options.overviews = product::OverviewKind::kNearest;
  options.description = "Scene classification";
  options.classes = {{0, "no data", "#000000"},
                     {1, "saturated or defective", "#ff0000"},
                     {2, "dark or terrain shadow", "#2f2f2f"},
                     {3, "cloud shadow", "#643200"},
                     {4, "vegetation", "#00a000"},
                     {5, "bare", "#ffe65a"},
                     {6, "water", "#0000ff"},
                     {7, "unclassified", "#808080"},
                     {8, "cloud, medium probability", "#c0c0c0"},
                     {9, "cloud, high probability", "#ffffff"},
                     {10, "thin cirrus", "#64c8ff"},
                     {11, "snow", "#ff96ff"}};
  return options;
}

product::RasterOptions AmountOptions(const std::string& description, const std::string& unit) {
  product::RasterOptions options;
  options.type = product::PixelType::kUInt16;
  options.no_data = raster::kUnsignedNoData;
  options.scale = 1e-3;
  options.description = description;
  options.unit = unit;
  return options;
}

product::RasterOptions QaOptions() {
  product::RasterOptions options;
  options.type = product::PixelType::kUInt16;
  options.overviews = product::OverviewKind::kNearest;
  options.description = "Quality bits";
  return options;
}

void SpreadMasks(const Image<uint8_t>& valid, CoarseMasks& masks) {
  const int width = valid.width();
  const int height = valid.height();
  Image<uint8_t> known = valid;
  for (int pass = 0; pass < kSpreadPixels; ++pass) {
    const Image<uint8_t> before = known;
    bool changed = false;
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        if (before(x, y)) continue;
        for (int k = 0; k < 9 && !known(x, y); ++k) {
          const int nx = x + k % 3 - 1, ny = y + k / 3 - 1;
          if (nx < 0 || ny < 0 || nx >= width || ny >= height || !before(nx, ny)) continue;
          for (Image<uint8_t>* mask : {&masks.clouds.cloud_percent, &masks.clouds.cloud, &masks.clouds.cirrus,
                                       &masks.clouds.snow, &masks.clouds.water, &masks.shadow, &masks.near_cloud}) {
            (*mask)(x, y) = (*mask)(nx, ny);
          }
          known(x, y) = 1;
          changed = true;
        }
      }
    }
    if (!changed) return;
  }
}

absl::StatusOr<QualityCounts> WriteQuality(const scene::SceneMetadata& metadata, const GroundLayers& ground,
                                           const CoarseMasks& masks, const Air& air, const StageContext& context,
                                           product::Publication& publication) {
  ARPENT_ASSIGN_OR_RETURN(Writers writers, CreateWriters(ground.grid, publication));
  const QualityStrip strip(metadata, ground, masks, air);
  const int strips = (ground.grid.height + kStripRows - 1) / kStripRows;
  std::vector<QualityCounts> counts(strips);
  ARPENT_RETURN_IF_ERROR(ParallelFor(strips, context.threads, [&](size_t i) -> absl::Status {
    if (context.cancelled()) return absl::CancelledError("l2a: cancelled");
    const int y = static_cast<int>(i) * kStripRows;
    const geo::Window window{0, y, ground.grid.width, std::min(kStripRows, ground.grid.height - y)};
    Layers layers(window.width, window.height);
    strip.Fill(window, layers, counts[i]);
    ARPENT_RETURN_IF_ERROR(Write(*writers.scl, window, layers.scl));
    ARPENT_RETURN_IF_ERROR(Write(*writers.percent, window, layers.percent));
    ARPENT_RETURN_IF_ERROR(Write(*writers.aot, window, layers.aot));
    ARPENT_RETURN_IF_ERROR(Write(*writers.water, window, layers.water));
    return Write(*writers.qa, window, layers.qa);
  }));
  std::vector<std::pair<std::string, std::unique_ptr<product::RasterWriter>*>> finish = {{"SCL", &writers.scl},
                                                                                         {"CLD", &writers.percent},
                                                                                         {"AOT", &writers.aot},
                                                                                         {"WVP", &writers.water},
                                                                                         {"QA", &writers.qa}};
  ARPENT_RETURN_IF_ERROR(ParallelFor(finish.size(), context.threads, [&](size_t i) {
    return publication.FinishRaster(finish[i].first, std::move(*finish[i].second));
  }));
  QualityCounts total;
  for (const QualityCounts& c : counts) {
    total.with_data += c.with_data, total.cloud += c.cloud, total.cirrus += c.cirrus, total.shadow += c.shadow;
    total.snow += c.snow, total.water += c.water, total.saturated += c.saturated, total.pixels += c.pixels;
  }
  return total;
}

}  // namespace arpent::stages
