#include "common/simulate/l2a_writer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "common/base/status.h"
#include "common/product/layout.h"
#include "common/product/publication.h"
#include "common/raster/codes.h"
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
  Image<uint8_t> scl, cloud_percent;
  Image<uint16_t> qa;
};

Masks MakeMasks(const Ground& ground, const SceneSimulation& scene) {
  Masks masks;
  masks.cloud_percent = scene.Clouds();
  const Image<uint8_t> shadows = scene.Shadows();
  const int red = scene.metadata().BandIndex("B04"), infrared = scene.metadata().BandIndex("B8A");
  const Image<float> b8a = scene.Reflectance(infrared), b04 = scene.Reflectance(red);
  masks.scl = Image<uint8_t>(shadows.width(), shadows.height());
  masks.qa = Image<uint16_t>(shadows.width(), shadows.height());
  for (int y = 0; y < shadows.height(); ++y) {
    for (int x = 0; x < shadows.width(); ++x) {
      if (!scene.Seen(2 * x)) {
        masks.qa(x, y) = raster::kQaNoData;
        masks.cloud_percent(x, y) = raster::kByteNoData;
        continue;
      }
      const Cover cover = ground.cells()[ground.CellAt(2 * x, 2 * y)].cover;
      const float r = b04(2 * x, 2 * y), n = b8a(x, y), ndvi = (n - r) / (n + r);
      uint8_t scl = cover == Cover::kWater ? raster::kSclWater : ndvi > 0.4f ? raster::kSclVegetation : raster::kSclBare;
      uint16_t qa = cover == Cover::kWater ? raster::kQaWater : 0;
      if (masks.cloud_percent(x, y) >= kOpaque) {
        scl = raster::kSclCloudHigh;
        qa |= raster::kQaCloud;
      } else if (masks.cloud_percent(x, y) > 0) {
        scl = raster::kSclCloudMedium;
        qa |= raster::kQaCloud | raster::kQaCloudAdjacent;
      } else if (shadows(x, y) >= kShaded) {
        scl = raster::kSclCloudShadow;
        qa |= raster::kQaCloudShadow;
      }
      masks.scl(x, y) = scl;
      masks.qa(x, y) = qa;
    }
  }
  return masks;
}

Image<int16_t> BandPixels(const SiteOptions& options, const SceneSimulation& scene, const Masks& masks,
                          const Image<uint8_t>& shadows, int band) {
  const Image<float> truth = scene.Reflectance(band);
  const int resolution = scene.metadata().bands[band].resolution_m;
  Image<int16_t> pixels(truth.width(), truth.height(), raster::kReflectanceNoData);
  for (int y = 0; y < truth.height(); ++y) {
    for (int x = 0; x < truth.width(); ++x) {
      const int mx = std::min(masks.scl.width() - 1, x * resolution / 20), my = std::min(masks.scl.height() - 1, y * resolution / 20);
      if (masks.qa(mx, my) & raster::kQaNoData) continue;
      const double cloud = masks.cloud_percent(mx, my) / 100.0, shade = 0.7 * shadows(mx, my) / 100.0;
      const double value = truth(x, y) * (1 - shade) * (1 - cloud) + kCloudReflectance * cloud;
      const double noise = options.noise_dn * Normal(options.seed * 37 + kNoise + band * 64 +
                                                         static_cast<uint64_t>(absl::ToUnixSeconds(scene.metadata().sensing_start)),
                                                     x, y);
      pixels(x, y) = static_cast<int16_t>(std::clamp(std::floor(value * 10000 + noise + 0.5), -9998.0, 32767.0));
    }
  }
  return pixels;
}

template <typename T>
absl::Status Add(product::Publication& publication, const std::string& asset, const geo::Grid& grid, const Image<T>& image,
                 const product::RasterOptions& options, int threads) {
  ARPENT_ASSIGN_OR_RETURN(auto writer, publication.CreateRaster(asset, grid, options, threads));
  ARPENT_RETURN_IF_ERROR(writer->Write(grid.Whole(), image.view()));
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

  const Masks masks = MakeMasks(ground, scene);
  const Image<uint8_t> shadows = scene.Shadows();
  const geo::Grid& grid = scene.metadata().grid;
  for (size_t band = 0; band < scene.metadata().bands.size(); ++band) {
    const scene::Band& info = scene.metadata().bands[band];
    if (info.name == "B10") continue;
    ARPENT_RETURN_IF_ERROR(Add(publication, info.name, grid.WithPixel(info.resolution_m),
                               BandPixels(options, scene, masks, shadows, static_cast<int>(band)),
                               {.no_data = raster::kReflectanceNoData, .scale = 1e-4}, options.threads));
  }
  const geo::Grid coarse = grid.WithPixel(20);
  const auto nearest = product::OverviewKind::kNearest;
  ARPENT_RETURN_IF_ERROR(Add(publication, "SCL", coarse, masks.scl,
                             {.type = product::PixelType::kUInt8, .no_data = 0, .overviews = nearest}, options.threads));
  ARPENT_RETURN_IF_ERROR(Add(publication, "CLD", coarse, masks.cloud_percent,
                             {.type = product::PixelType::kUInt8, .no_data = raster::kByteNoData}, options.threads));
  ARPENT_RETURN_IF_ERROR(Add(publication, "QA", coarse, masks.qa,
                             {.type = product::PixelType::kUInt16, .overviews = nearest}, options.threads));
  ARPENT_RETURN_IF_ERROR(Add(publication, "AOT", coarse, scene.Aot(),
                             {.type = product::PixelType::kUInt16, .no_data = raster::kUnsignedNoData, .scale = 1e-3},
                             options.threads));
  ARPENT_RETURN_IF_ERROR(Add(publication, "WVP", coarse, scene.WaterVapour(),
                             {.type = product::PixelType::kUInt16, .no_data = raster::kUnsignedNoData, .scale = 1e-3},
                             options.threads));
  const absl::Status status = publication.Publish().status();
  std::error_code ignored;
  std::filesystem::remove_all(scratch, ignored);
  return status;
}

}  // namespace arpent::simulate
