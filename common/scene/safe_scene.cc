#include "common/scene/safe_scene.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/raster/resample.h"
#include "common/scene/acquisition.h"
#include "common/scene/dataset_pool.h"
#include "common/scene/safe_layout.h"
#include "common/scene/safe_metadata.h"

namespace arpent::scene {
namespace {

using raster::Image;

std::string ProductMetadataFile(const ProductFolder& folder) {
  return FindProductMetadata(folder, kL1cFile);
}

std::string BandImage(const ProductFolder& folder, const Granule& granule, const std::string& band) {
  return FindImage(folder, granule, absl::StrCat("_", band, ".jp2"));
}

SceneMetadata Combine(const ProductFolder& folder, const SafeProductMetadata& product, SafeTileMetadata tile,
                      const Granule& granule) {
  SceneMetadata scene;
  scene.product_id = ProductIdOf(folder.name());
  scene.platform = product.platform;
  scene.tile = tile.tile;
  scene.sensing_start = StripStart(product.datatake_start, tile.datastrip_id);
  scene.generation_time = product.generation_time;
  scene.relative_orbit = product.relative_orbit;
  scene.processing_baseline = product.processing_baseline;
  scene.acquisition = AcquisitionName(product.platform, scene.sensing_start, product.relative_orbit, tile.tile);
  scene.grid = scene.tile_grid = tile.grid;
  for (int i = 0; i < kSentinel2Bands; ++i) {
    Band band;
    band.name = kSentinel2BandNames[i];
    band.resolution_m = kSentinel2BandResolutions_m[i];
    band.quantification = product.quantification;
    band.offset = product.offsets[i];
    band.no_data = product.no_data;
    band.saturated = product.saturated;
    band.solar_irradiance = product.solar_irradiance[i];
    const std::string image = BandImage(folder, granule, kSentinel2BandNames[i]);
    band.uri = folder.UriOf(image.empty() ? absl::StrCat(granule.folder, "/IMG_DATA/*_", band.name, ".jp2") : image);
    scene.bands.push_back(std::move(band));
    scene.view.push_back(std::move(tile.view[i]));
    scene.mean_view_zenith_deg.push_back(tile.mean_view_zenith_deg[i]);
    scene.mean_view_azimuth_deg.push_back(tile.mean_view_azimuth_deg[i]);
  }
  scene.sun = std::move(tile.sun);
  scene.mean_sun_zenith_deg = tile.mean_sun_zenith_deg;
  scene.mean_sun_azimuth_deg = tile.mean_sun_azimuth_deg;
  scene.cloud_percent = tile.cloud_percent >= 0 ? tile.cloud_percent : product.cloud_percent;
  scene.earth_sun_u = product.earth_sun_u;
  scene.notes = std::move(tile.notes);
  return scene;
}

struct DescribedTile {
  SceneMetadata metadata;
  Granule granule;
};

absl::StatusOr<std::vector<DescribedTile>> Describe(const ProductFolder& folder) {
  const std::string product_file = ProductMetadataFile(folder);
  if (product_file.empty()) {
    std::string inside;
    for (const auto& [path, size] : folder.files()) {
      const bool is_product = absl::EndsWithIgnoreCase(path, ".zip") || absl::EndsWith(path, "/MTD_MSIL1C.xml");
      if (is_product) inside = absl::StrCat("; it holds ", path, ": name that product, or make the folder a site's input");
    }
    return absl::InvalidArgumentError(
        absl::StrCat(folder.UriOf(""), ": is not a Sentinel-2 L1C product: MTD_MSIL1C.xml is missing", inside));
  }
  ARPENT_ASSIGN_OR_RETURN(const std::string xml, folder.ReadText(product_file));
  ARPENT_ASSIGN_OR_RETURN(const SafeProductMetadata product, ParseSafeProduct(xml, folder.UriOf(product_file)));
  const std::vector<Granule> granules = FindGranules(folder);
  if (granules.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(folder.UriOf("GRANULE"), ": has no tile with its metadata"));
  }
  std::vector<DescribedTile> tiles;
  for (const Granule& granule : granules) {
    ARPENT_ASSIGN_OR_RETURN(const std::string tile_xml, folder.ReadText(granule.metadata_file));
    ARPENT_ASSIGN_OR_RETURN(SafeTileMetadata tile, ParseSafeTile(tile_xml, folder.UriOf(granule.metadata_file)));
    DescribedTile described{Combine(folder, product, std::move(tile), granule), granule};
    ARPENT_ASSIGN_OR_RETURN(described.metadata.digest, DigestOfGranule(folder, granule, product_file));
    tiles.push_back(std::move(described));
  }
  return tiles;
}

// Reads pixels of the granule's images through pools of datasets.
class SafeScene final : public Scene {
 public:
  static absl::StatusOr<std::unique_ptr<Scene>> Open(const ProductFolder& folder, DescribedTile tile) {
    std::unique_ptr<SafeScene> scene(new SafeScene);
    scene->metadata_ = std::move(tile.metadata);
    for (Band& band : scene->metadata_.bands) {
      const std::string image = BandImage(folder, tile.granule, band.name);
      if (image.empty()) {
        return absl::DataLossError(absl::StrCat(
            folder.name(), ": band ", band.name, " is missing (", tile.granule.folder, "/IMG_DATA holds no image that ends in _",
            band.name, ".jp2): the product is incomplete; deliver it again, or take it away"));
      }
      ARPENT_RETURN_IF_ERROR(folder.CheckJpeg2000(image));
      scene->pools_.push_back(std::make_unique<DatasetPool>(folder.GdalPathOf(image), band.uri));
    }
    ARPENT_RETURN_IF_ERROR(scene->ReadGrids());
    return scene;
  }

  const SceneMetadata& metadata() const override { return metadata_; }

  absl::StatusOr<Image<uint16_t>> ReadBand(const std::string& band, const geo::Window& window) const override {
    ARPENT_ASSIGN_OR_RETURN(DatasetPool * pool, PoolOf(band));
    ARPENT_ASSIGN_OR_RETURN(Dataset dataset, pool->Take());
    Image<uint16_t> image(window.width, window.height);
    ARPENT_RETURN_IF_ERROR(Read(GDALGetRasterBand(dataset.get(), 1), window, image, pool->uri()));
    pool->GiveBack(std::move(dataset));
    return image;
  }

  absl::StatusOr<Image<uint16_t>> ReadReduced(const std::string& band, int level) const override {
    ARPENT_ASSIGN_OR_RETURN(DatasetPool * pool, PoolOf(band));
    ARPENT_ASSIGN_OR_RETURN(Dataset dataset, pool->Take());
    const GDALRasterBandH full = GDALGetRasterBand(dataset.get(), 1);
    const int factor = 1 << level;
    const int width = (GDALGetRasterBandXSize(full) + factor - 1) / factor;
    const int height = (GDALGetRasterBandYSize(full) + factor - 1) / factor;
    for (int i = 0; level > 0 && i < GDALGetOverviewCount(full); ++i) {
      const GDALRasterBandH overview = GDALGetOverview(full, i);
      if (GDALGetRasterBandXSize(overview) != width || GDALGetRasterBandYSize(overview) != height) continue;
      Image<uint16_t> image(width, height);
      ARPENT_RETURN_IF_ERROR(Read(overview, {0, 0, width, height}, image, pool->uri()));
      pool->GiveBack(std::move(dataset));
      return image;
    }
    // Small images have no resolution levels that GDAL shows: average the whole.
    Image<uint16_t> whole(GDALGetRasterBandXSize(full), GDALGetRasterBandYSize(full));
    ARPENT_RETURN_IF_ERROR(Read(full, {0, 0, whole.width(), whole.height()}, whole, pool->uri()));
    pool->GiveBack(std::move(dataset));
    if (level == 0) return whole;
    Image<uint16_t> image(width, height);
    raster::ShrinkMean(whole.view(), factor, uint16_t{0}, image.view());
    return image;
  }

 private:
  absl::StatusOr<DatasetPool*> PoolOf(const std::string& band) const {
    const int index = metadata_.BandIndex(band);
    if (index < 0) return absl::NotFoundError(absl::StrCat(metadata_.product_id, " has no band ", band));
    return pools_[index].get();
  }

  static absl::Status Read(GDALRasterBandH band, const geo::Window& window, Image<uint16_t>& image, const std::string& uri) {
    storage::ClearLastVsiError();
    const CPLErr error = GDALRasterIO(band, GF_Read, window.x, window.y, window.width, window.height, image.data(),
                                      window.width, window.height, GDT_UInt16, 0, 0);
    return error == CE_None ? absl::OkStatus() : GdalError(uri);
  }

  // The georeference that the images carry decides, whatever the metadata states: a cut or decimated scene is legal when all
  // bands agree on its corner and size and their pixels nest.
  absl::Status ReadGrids() {
    std::vector<int> delivered_m;
    for (const Band& band : metadata_.bands) delivered_m.push_back(band.resolution_m);
    std::optional<geo::Grid> common;
    std::string first;
    for (size_t i = 0; i < pools_.size(); ++i) {
      Band& band = metadata_.bands[i];
      ARPENT_ASSIGN_OR_RETURN(Dataset dataset, pools_[i]->Take());
      geo::Grid grid = metadata_.grid.WithPixel(band.resolution_m);
      grid.width = GDALGetRasterXSize(dataset.get());
      grid.height = GDALGetRasterYSize(dataset.get());
      double affine[6];
      if (GDALGetGeoTransform(dataset.get(), affine) == CE_None) {
        const int pixel_m = static_cast<int>(std::lround(std::clamp(affine[1], 0.0, 1e5)));
        if (std::abs(affine[1] - pixel_m) > 1e-6 || pixel_m < band.resolution_m || affine[2] != 0 || affine[4] != 0 ||
            affine[5] != -affine[1]) {
          return absl::InvalidArgumentError(absl::StrCat(band.uri, ": has pixels of ", affine[1], " m where ", band.resolution_m,
                                                         " m or more, in whole metres, are expected, or is not north-up"));
        }
        grid.pixel_m = band.resolution_m = pixel_m;
        grid.west = affine[0];
        grid.north = affine[3];
      }
      pools_[i]->GiveBack(std::move(dataset));
      if (!common) {
        common = grid;
        first = band.name;
      }
      if (grid.west != common->west || grid.north != common->north) {
        return absl::InvalidArgumentError(absl::StrCat(band.uri, ": starts elsewhere than band ", first));
      }
      // Coarser bands may reach less than one of their pixels past the finest.
      const double coarser_m = std::max(grid.pixel_m, common->pixel_m);
      const auto differs = [&](int a, int b) { return std::abs(a * grid.pixel_m - b * common->pixel_m) >= coarser_m; };
      if (differs(grid.width, common->width) || differs(grid.height, common->height)) {
        return absl::InvalidArgumentError(absl::StrCat(band.uri, ": covers ", grid.width, " x ", grid.height, " pixels of ",
                                                       band.resolution_m, " m, which is not the area of band ", first));
      }
      if (grid.pixel_m < common->pixel_m) common = grid;
    }
    metadata_.grid = *common;
    ARPENT_RETURN_IF_ERROR(CheckBandsAreAlike(delivered_m));
    return CheckPixelsNest();
  }

  // Bands that come with pixels of one size still have them when the scene is decimated.
  absl::Status CheckBandsAreAlike(const std::vector<int>& delivered_m) const {
    std::map<int, const Band*> first;
    for (size_t i = 0; i < metadata_.bands.size(); ++i) {
      const Band& band = metadata_.bands[i];
      const Band& other = *first.emplace(delivered_m[i], &band).first->second;
      if (band.resolution_m == other.resolution_m) continue;
      return absl::InvalidArgumentError(absl::StrCat(band.uri, ": has pixels of ", band.resolution_m, " m, band ", other.name, " of ",
                                                     other.resolution_m, " m; both are delivered with ", delivered_m[i], " m"));
    }
    return absl::OkStatus();
  }

  // Pixels of every band are whole numbers of those of any finer one.
  absl::Status CheckPixelsNest() const {
    for (const Band& coarse : metadata_.bands) {
      for (const Band& fine : metadata_.bands) {
        if (fine.resolution_m > coarse.resolution_m || coarse.resolution_m % fine.resolution_m == 0) continue;
        return absl::InvalidArgumentError(absl::StrCat(coarse.uri, ": has pixels of ", coarse.resolution_m, " m, no multiple of the ",
                                                       fine.resolution_m, " m of band ", fine.name));
      }
    }
    return absl::OkStatus();
  }

  SceneMetadata metadata_;
  std::vector<std::unique_ptr<DatasetPool>> pools_;
};

}  // namespace

bool IsSafeL1c(const ProductFolder& folder) { return !ProductMetadataFile(folder).empty(); }

absl::StatusOr<std::vector<SceneMetadata>> DescribeSafe(const ProductFolder& folder) {
  ARPENT_ASSIGN_OR_RETURN(std::vector<DescribedTile> tiles, Describe(folder));
  std::vector<SceneMetadata> scenes;
  for (DescribedTile& tile : tiles) scenes.push_back(std::move(tile.metadata));
  return scenes;
}

absl::StatusOr<std::unique_ptr<Scene>> OpenSafe(const ProductFolder& folder, const std::string& tile) {
  ARPENT_ASSIGN_OR_RETURN(std::vector<DescribedTile> tiles, Describe(folder));
  if (tile.empty() && tiles.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder.UriOf(""), ": has ", tiles.size(), " tiles; name one behind '#', as #T", tiles[0].metadata.tile));
  }
  for (DescribedTile& described : tiles) {
    if (tile.empty() || described.metadata.tile == absl::StripPrefix(tile, "T")) {
      return SafeScene::Open(folder, std::move(described));
    }
  }
  return absl::NotFoundError(absl::StrCat(folder.UriOf(""), ": has no tile ", tile));
}

}  // namespace arpent::scene
