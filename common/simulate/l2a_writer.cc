#include "common/simulate/l2a_writer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "common/base/status.h"
#include "common/product/layout.h"
#include "common/product/publication.h"
#include "common/raster/codes.h"
#include "common/simulate/block_writer.h"
#include "common/simulate/noise.h"
#include "common/storage/file_store.h"

namespace arpent::simulate {
namespace {

using raster::Image;

constexpr double kOpaque = 50;     // per cent of cloud that hides the ground
constexpr double kShaded = 40;     // per cent of direct light gone
constexpr double kCloudReflectance = 0.55;
constexpr uint64_t kNoise = 750;

struct Masks {
  Image<uint8_t> scl, cloud_percent, shadows;
  Image<uint16_t> qa;
};

// Class and quality bits of one 20 m pixel on the ground, clouds and shadows aside.
void Classify(Cover cover, float red, float infrared, uint8_t& scl, uint16_t& qa) {
  const float ndvi = (infrared - red) / (infrared + red);
  scl = cover == Cover::kWater ? raster::kSclWater : ndvi > 0.4f ? raster::kSclVegetation : raster::kSclBare;
  qa = cover == Cover::kWater ? raster::kQaWater : 0;
}

void FillMaskRow(const Ground& ground, const SceneSimulation& scene, int y, Masks& masks) {
  const int width = masks.scl.width(), fine_width = ground.grid().width;
  Image<float> b04(fine_width, 1), b8a(width, 1);
  scene.Reflectance(scene.metadata().BandIndex("B04"), {0, 2 * y, fine_width, 1}, b04.view());
  scene.Reflectance(scene.metadata().BandIndex("B8A"), {0, y, width, 1}, b8a.view());
  for (int x = 0; x < width; ++x) {
    uint8_t& scl = masks.scl(x, y);
    uint16_t& qa = masks.qa(x, y);
    if (!scene.Seen(2 * x)) {
      qa = raster::kQaNoData;
      masks.cloud_percent(x, y) = raster::kByteNoData;
      continue;
    }
    Classify(ground.cells()[ground.CellAt(2 * x, 2 * y)].cover, b04(2 * x, 0), b8a(x, 0), scl, qa);
    if (masks.cloud_percent(x, y) >= kOpaque) {
      scl = raster::kSclCloudHigh;
      qa |= raster::kQaCloud;
    } else if (masks.cloud_percent(x, y) > 0) {
      scl = raster::kSclCloudMedium;
      qa |= raster::kQaCloud | raster::kQaCloudAdjacent;
    } else if (masks.shadows(x, y) >= kShaded) {
      scl = raster::kSclCloudShadow;
      qa |= raster::kQaCloudShadow;
    }
  }
}

absl::StatusOr<Masks> MakeMasks(const Ground& ground, const SceneSimulation& scene, int threads) {
  Masks masks;
  masks.cloud_percent = scene.Clouds();
  masks.shadows = scene.Shadows();
  masks.scl = Image<uint8_t>(masks.shadows.width(), masks.shadows.height());
  masks.qa = Image<uint16_t>(masks.shadows.width(), masks.shadows.height());
  ARPENT_RETURN_IF_ERROR(ParallelFor(masks.scl.height(), threads, [&](size_t y) {
    FillMaskRow(ground, scene, static_cast<int>(y), masks);
    return absl::OkStatus();
  }));
  return masks;
}

void FillBand(const SiteOptions& options, const SceneSimulation& scene, const Masks& masks, int band,
              const geo::Window& window, raster::View<int16_t> pixels) {
  const int resolution = scene.metadata().bands[band].resolution_m;
  const uint64_t seed = options.seed * 37 + kNoise + band * 64 +
                        static_cast<uint64_t>(absl::ToUnixSeconds(scene.metadata().sensing_start));
  Image<float> truth(window.width, window.height);
  scene.Reflectance(band, window, truth.view());
  for (int row = 0; row < window.height; ++row) {
    const int y = window.y + row, my = std::min(masks.scl.height() - 1, y * resolution / 20);
    for (int column = 0; column < window.width; ++column) {
      const int x = window.x + column, mx = std::min(masks.scl.width() - 1, x * resolution / 20);
      pixels(column, row) = raster::kReflectanceNoData;
      if (masks.qa(mx, my) & raster::kQaNoData) continue;
      const double cloud = masks.cloud_percent(mx, my) / 100.0, shade = 0.7 * masks.shadows(mx, my) / 100.0;
      const double value = truth(column, row) * (1 - shade) * (1 - cloud) + kCloudReflectance * cloud;
      const double noise = options.noise_dn * Normal(seed, x, y);
      pixels(column, row) = static_cast<int16_t>(std::clamp(std::floor(value * 10000 + noise + 0.5), -9998.0, 32767.0));
    }
  }
}

template <typename T>
absl::Status Add(product::Publication& publication, const std::string& asset, const geo::Grid& grid,
                 product::RasterOptions options, int threads, const Fill<T>& fill) {
  options.type = product::PixelTypeOf<T>();
  ARPENT_ASSIGN_OR_RETURN(auto writer, publication.CreateRaster(asset, grid, options, threads));
  ARPENT_RETURN_IF_ERROR(WriteBlocks<T>(*writer, grid, threads, fill));
  return publication.FinishRaster(asset, std::move(writer));
}

product::ProductDescription Describe(const SiteOptions& options, const SceneSimulation& scene) {
  const scene::SceneMetadata& metadata = scene.metadata();
  product::ProductDescription description;
  description.stage = "l2a";
  description.algorithm_version = 1;
  description.parameters.Set("processor", "simulator");
  description.parameters.Set("seed", static_cast<int64_t>(options.seed));
  description.parameters.Set("noise_dn", options.noise_dn);
  description.parameters.Set("size", options.size);
  description.key = Sha256()
                        .UpdateField("simulated l2a")
                        .UpdateField(metadata.acquisition)
                        .UpdateField(description.parameters.Canonical())
                        .Finish();
  const int year = absl::ToCivilDay(metadata.sensing_start, absl::UTCTimeZone()).year();
  description.folder = product::L2aFolder(metadata.tile, year, metadata.acquisition, description.key);
  description.grid = metadata.grid;
  description.tile = metadata.tile;
  description.datetime = metadata.sensing_start;
  description.start_datetime = absl::InfinitePast();
  description.end_datetime = absl::InfiniteFuture();
  description.platform = metadata.platform == "S2A" ? "sentinel-2a" : "sentinel-2b";
  description.numbers["eo:cloud_cover"] = std::round(scene.CloudShare() * 1e4) / 100;
  description.numbers["view:sun_elevation"] = std::round((90 - metadata.mean_sun_zenith_deg) * 1e4) / 1e4;
  description.numbers["view:sun_azimuth"] = std::round(metadata.mean_sun_azimuth_deg * 1e4) / 1e4;
  description.numbers["view:off_nadir"] = metadata.mean_view_zenith_deg[1];
  description.numbers["view:incidence_angle"] = metadata.mean_view_zenith_deg[1];
  description.numbers["view:azimuth"] = metadata.mean_view_azimuth_deg[1];
  description.texts["arpent:aerosol_model"] = "continental";
  return description;
}

}  // namespace

absl::Status WriteL2aProduct(const SiteOptions& options, const Ground& ground, const SceneSimulation& scene) {
  ARPENT_ASSIGN_OR_RETURN(auto store, storage::FileStore::Open(options.folder));
  auto stores = std::make_shared<storage::StoreSet>();
  stores->Add("output", std::move(store));
  const std::string scratch = options.folder + "/.unfinished";
  std::filesystem::create_directories(scratch);
  product::Publication publication(stores, scratch, Describe(options, scene));

  const int threads = options.threads;
  ARPENT_ASSIGN_OR_RETURN(const Masks masks, MakeMasks(ground, scene, threads));
  const geo::Grid& grid = scene.metadata().grid;
  for (size_t band = 0; band < scene.metadata().bands.size(); ++band) {
    const scene::Band& info = scene.metadata().bands[band];
    if (info.name == "B10") continue;
    ARPENT_RETURN_IF_ERROR(Add<int16_t>(publication, info.name, grid.WithPixel(info.resolution_m),
                                        {.no_data = raster::kReflectanceNoData, .scale = 1e-4}, threads,
                                        [&](const geo::Window& window, raster::View<int16_t> out) {
                                          FillBand(options, scene, masks, static_cast<int>(band), window, out);
                                        }));
  }
  const geo::Grid coarse = grid.WithPixel(20);
  const auto nearest = product::OverviewKind::kNearest;
  const product::RasterOptions thousandths = {.no_data = raster::kUnsignedNoData, .scale = 1e-3};
  ARPENT_RETURN_IF_ERROR(
      Add<uint8_t>(publication, "SCL", coarse, {.no_data = 0, .overviews = nearest}, threads, From(masks.scl)));
  ARPENT_RETURN_IF_ERROR(Add<uint8_t>(publication, "CLD", coarse, {.no_data = raster::kByteNoData}, threads,
                                      From(masks.cloud_percent)));
  ARPENT_RETURN_IF_ERROR(Add<uint16_t>(publication, "QA", coarse, {.overviews = nearest}, threads, From(masks.qa)));
  ARPENT_RETURN_IF_ERROR(Add<uint16_t>(publication, "AOT", coarse, thousandths, threads, From(scene.Aot())));
  ARPENT_RETURN_IF_ERROR(Add<uint16_t>(publication, "WVP", coarse, thousandths, threads, From(scene.WaterVapour())));
  const absl::Status status = publication.Publish().status();
  std::error_code ignored;
  std::filesystem::remove_all(scratch, ignored);
  return status;
}

}  // namespace arpent::simulate
