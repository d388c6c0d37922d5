#include <gdal.h>
#include <gdal_alg.h>
#include <ogr_api.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "common/base/digest.h"
#include "common/geo/transform.h"
#include "common/scene/scene.h"
#include "common/simulate/box_mean.h"
#include "common/simulate/landscape.h"
#include "common/simulate/phenology.h"
#include "common/simulate/site.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::simulate {
namespace {

namespace fs = std::filesystem;
using ::arpent::testing::StatusIs;
using ::arpent::testing::TemporaryFolder;

SiteOptions Small(const std::string& folder) {
  SiteOptions options;
  options.folder = folder;
  options.size = 120;
  options.dates = 2;
  return options;
}

std::map<std::string, std::string> DigestsBelow(const fs::path& folder) {
  std::map<std::string, std::string> digests;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) digests[fs::relative(entry.path(), folder)] = *Sha256OfFile(entry.path());
  }
  return digests;
}

raster::Image<uint8_t> ReadBytes(const std::string& path) {
  GDALDatasetH dataset = GDALOpen(path.c_str(), GA_ReadOnly);
  if (dataset == nullptr) return {};
  raster::Image<uint8_t> image(GDALGetRasterXSize(dataset), GDALGetRasterYSize(dataset));
  EXPECT_EQ(GDALRasterIO(GDALGetRasterBand(dataset, 1), GF_Read, 0, 0, image.width(), image.height(), image.data(),
                         image.width(), image.height(), GDT_Byte, 0, 0),
            CE_None);
  GDALClose(dataset);
  return image;
}

// The polygons of a file, burnt with 1 into an image over `extent`.
raster::Image<uint8_t> Burn(const std::string& path, const geo::Extent& extent, double pixel_m) {
  const int width = static_cast<int>((extent.east - extent.west) / pixel_m);
  const int height = static_cast<int>((extent.north - extent.south) / pixel_m);
  raster::Image<uint8_t> image(width, height);
  GDALDatasetH vectors = GDALOpenEx(path.c_str(), GDAL_OF_VECTOR, nullptr, nullptr, nullptr);
  EXPECT_NE(vectors, nullptr) << path;
  GDALDatasetH memory = GDALCreate(GDALGetDriverByName("MEM"), "", width, height, 1, GDT_Byte, nullptr);
  double affine[6] = {extent.west, pixel_m, 0, extent.north, 0, -pixel_m};
  GDALSetGeoTransform(memory, affine);
  int band = 1;
  double one = 1;
  OGRLayerH layer = GDALDatasetGetLayer(vectors, 0);
  EXPECT_EQ(GDALRasterizeLayers(memory, 1, &band, 1, &layer, nullptr, nullptr, &one, nullptr, nullptr, nullptr), CE_None);
  EXPECT_EQ(GDALRasterIO(GDALGetRasterBand(memory, 1), GF_Read, 0, 0, width, height, image.data(), width, height, GDT_Byte,
                         0, 0),
            CE_None);
  GDALClose(memory);
  GDALClose(vectors);
  return image;
}

TEST(BoxMean, EqualsTheMeanOfTheSquareAroundEachPixel) {
  for (const int radius : {1, 4, 30}) {
    constexpr int kWidth = 23, kHeight = 17;
    raster::Image<float> image(kWidth, kHeight);
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) image(x, y) = static_cast<float>(Uniform(3, x, y));
    }
    int y = 0;
    BoxMean box(kWidth, kHeight, radius, [&](std::span<const float> means) {
      for (int x = 0; x < kWidth; ++x) {
        double sum = 0;
        int count = 0;
        for (int v = std::max(0, y - radius); v <= std::min(kHeight - 1, y + radius); ++v) {
          for (int u = std::max(0, x - radius); u <= std::min(kWidth - 1, x + radius); ++u) sum += image(u, v), ++count;
        }
        EXPECT_NEAR(means[x], sum / count, 1e-6) << x << "," << y << " radius " << radius;
      }
      ++y;
    });
    for (int row = 0; row < kHeight; ++row) box.Push(std::as_const(image).row(row));
    EXPECT_EQ(y, kHeight);
  }
}

TEST(Landscape, OutlineOfACellLiesInsideOfIt) {
  const Landscape landscape(5, 250);
  for (int64_t cy = 0; cy < 5; ++cy) {
    for (int64_t cx = 0; cx < 5; ++cx) {
      const std::vector<double> outline = landscape.CellOutline(cx, cy, 12);
      ASSERT_GE(outline.size(), 6u);
      for (size_t i = 0; i + 1 < outline.size(); i += 2) {
        const Spot spot = LandscapeWalk(landscape).At(outline[i], outline[i + 1]);
        EXPECT_EQ(spot.cell_x, cx);
        EXPECT_EQ(spot.cell_y, cy);
      }
    }
  }
}

TEST(Phenology, CropsHaveTheirSeasons) {
  const Landscape landscape(5, 250);
  const auto ndvi = [&](Cover cover, double day) {
    const Spectrum s = CellSpectrum(landscape, 3, 4, cover, day);
    return (s[7] - s[3]) / (s[7] + s[3]);
  };
  EXPECT_GT(ndvi(Cover::kWheat, 140), 0.7);
  EXPECT_LT(ndvi(Cover::kWheat, 230), 0.35);
  EXPECT_LT(ndvi(Cover::kMaize, 120), 0.35);
  EXPECT_GT(ndvi(Cover::kMaize, 215), 0.7);
  EXPECT_LT(ndvi(Cover::kWater, 215), 0);
}

TEST(SimulateSite, ScenesAreReadByUsAndByGdalsDriverInBothBaselines) {
  for (const std::string baseline : {"02.09", "05.10"}) {
    TemporaryFolder folder;
    SiteOptions options = Small(folder.path());
    options.baseline = baseline;
    ASSERT_OK(SimulateSite(options));
    auto stores = std::make_shared<storage::StoreSet>();
    stores->Add("input", *storage::FileStore::Open(folder.path()));
    storage::InstallVsiArpent(stores);
    ASSERT_OK_AND_ASSIGN(const scene::SceneListing listing, scene::ListScenes(stores, "input:/l1c", "sentinel2-l1c", 1));
    ASSERT_EQ(listing.scenes.size(), 2u);
    EXPECT_TRUE(listing.rejected.empty());
    ASSERT_OK_AND_ASSIGN(const auto scene, scene::OpenScene(stores, listing.scenes[0].uri));
    EXPECT_EQ(scene->metadata().FindBand("B04")->offset, baseline == "02.09" ? 0 : -1000);

    const std::string product = folder.File("l1c/" + scene->metadata().product_id + ".SAFE/MTD_MSIL1C.xml");
    GDALDatasetH dataset = GDALOpen(("SENTINEL2_L1C:" + product + ":10m:EPSG_32633").c_str(), GA_ReadOnly);
    ASSERT_NE(dataset, nullptr) << product;
    raster::Image<uint16_t> expected(120, 120);
    ASSERT_EQ(GDALRasterIO(GDALGetRasterBand(dataset, 1), GF_Read, 0, 0, 120, 120, expected.data(), 120, 120, GDT_UInt16, 0, 0),
              CE_None);
    const std::string name = GDALGetMetadataItem(GDALGetRasterBand(dataset, 1), "BANDNAME", nullptr);
    ASSERT_OK_AND_ASSIGN(const auto image, scene->ReadBand("B0" + name.substr(1), {0, 0, 120, 120}));
    EXPECT_EQ(image, expected);
    GDALClose(dataset);
  }
}

TEST(SimulateSite, CloudMasksShowTheCloudsInBothBaselines) {
  for (const std::string baseline : {"02.09", "05.10"}) {
    TemporaryFolder folder;
    SiteOptions options = Small(folder.path());
    options.baseline = baseline;
    options.cloud_cover = 0.6;
    options.seed = 3;
    options.size = 240;
    ASSERT_OK(SimulateSite(options));
    int cloudy = 0;
    for (const auto& product : fs::directory_iterator(folder.File("l1c"))) {
      auto stores = std::make_shared<storage::StoreSet>();
      stores->Add("input", *storage::FileStore::Open("/"));
      storage::InstallVsiArpent(stores);
      ASSERT_OK_AND_ASSIGN(const auto scene, scene::OpenScene(stores, "input:" + product.path().string()));
      const raster::Image<uint8_t> truth =
          ReadBytes(folder.File("truth/33UXP/" + scene->metadata().acquisition + "/CLOUD.tif"));
      const std::string masks = fs::directory_iterator(product.path() / "GRANULE")->path().string() + "/QI_DATA/MSK_";
      const raster::Image<uint8_t> mask = baseline == "02.09"
                                              ? Burn(masks + "CLOUDS_B00.gml", scene->metadata().grid.extent(), 60)
                                              : ReadBytes(masks + "CLASSI_B00.jp2");
      ASSERT_EQ(mask.width(), 40);
      for (int y = 0; y < mask.height(); ++y) {
        for (int x = 0; x < mask.width(); ++x) {
          EXPECT_EQ(mask(x, y), truth(3 * x + 1, 3 * y + 1) >= 50) << x << "," << y;
          cloudy += mask(x, y);
        }
      }
    }
    EXPECT_GT(cloudy, 100);
  }
}

TEST(SimulateSite, TwoSwathsShareTheMiddleOfATile) {
  TemporaryFolder folder;
  SiteOptions options = Small(folder.path());
  options.orbits = 2;
  options.truth = false;
  ASSERT_OK(SimulateSite(options));
  auto stores = std::make_shared<storage::StoreSet>();
  stores->Add("input", *storage::FileStore::Open(folder.path()));
  storage::InstallVsiArpent(stores);
  ASSERT_OK_AND_ASSIGN(const scene::SceneListing listing, scene::ListScenes(stores, "input:/l1c", "sentinel2-l1c", 1));
  ASSERT_EQ(listing.scenes.size(), 2u);
  std::vector<int> seen_by(120);
  for (const scene::FoundScene& found : listing.scenes) {
    ASSERT_OK_AND_ASSIGN(const auto scene, scene::OpenScene(stores, found.uri));
    ASSERT_OK_AND_ASSIGN(const auto row, scene->ReadBand("B03", {0, 60, 120, 1}));
    for (int x = 0; x < 120; ++x) seen_by[x] += row(x, 0) > 0;
  }
  EXPECT_EQ(seen_by.front(), 1);
  EXPECT_EQ(seen_by[60], 2);
  EXPECT_EQ(seen_by.back(), 1);
  EXPECT_NE(listing.scenes[0].acquisition.substr(20, 4), listing.scenes[1].acquisition.substr(20, 4)) << "relative orbits";
}

TEST(SimulateSite, SameSeedSameBytesWhateverTheThreads) {
  TemporaryFolder a, b, c;
  SiteOptions options = Small(a.path());
  options.relief_m = 100;
  ASSERT_OK(SimulateSite(options));
  options.folder = b.path();
  options.threads = 3;
  ASSERT_OK(SimulateSite(options));
  EXPECT_EQ(DigestsBelow(a.path()), DigestsBelow(b.path()));
  options.folder = c.path();
  options.seed = 2;
  ASSERT_OK(SimulateSite(options));
  EXPECT_NE(DigestsBelow(a.path()), DigestsBelow(c.path()));
}

TEST(SimulateSite, TilesOverAUtmBorderSeeTheSameGround) {
  TemporaryFolder folder;
  SiteOptions options = Small(folder.path());
  options.tiles = {"32UQV", "33UUQ"};  // either side of 12 degrees east
  options.dates = 1;
  options.size = 240;
  ASSERT_OK(SimulateSite(options));
  EXPECT_TRUE(fs::exists(folder.File("truth/32UQV/crop.tif")));
  EXPECT_TRUE(fs::exists(folder.File("truth/33UUQ/crop.tif")));
  EXPECT_TRUE(fs::exists(folder.File("parcels.gpkg")));
}

TEST(SimulateSite, TheElevationModelCoversEveryTile) {
  TemporaryFolder folder;
  SiteOptions options = Small(folder.path());
  options.tiles = {"32UQV", "33UUQ"};
  options.dates = 1;
  options.relief_m = 200;
  ASSERT_OK(SimulateSite(options));
  GDALDatasetH dem = GDALOpen(folder.File("dem.tif").c_str(), GA_ReadOnly);
  ASSERT_NE(dem, nullptr);
  double affine[6];
  ASSERT_EQ(GDALGetGeoTransform(dem, affine), CE_None);
  const geo::Extent covered{affine[0], affine[3] + affine[5] * GDALGetRasterYSize(dem),
                            affine[0] + affine[1] * GDALGetRasterXSize(dem), affine[3]};
  GDALClose(dem);
  for (const std::string tile : {"32UQV", "33UUQ"}) {
    GDALDatasetH crop = GDALOpen(folder.File("truth/" + tile + "/crop.tif").c_str(), GA_ReadOnly);
    ASSERT_NE(crop, nullptr);
    ASSERT_EQ(GDALGetGeoTransform(crop, affine), CE_None);
    const geo::Extent seen{affine[0], affine[3] - 10.0 * GDALGetRasterYSize(crop), affine[0] + 10.0 * GDALGetRasterXSize(crop), affine[3]};
    GDALClose(crop);
    ASSERT_OK_AND_ASSIGN(const geo::Extent there, geo::TransformExtent(seen, tile == "32UQV" ? 32632 : 32633, 32632));
    EXPECT_LE(covered.west, there.west);
    EXPECT_LE(covered.south, there.south);
    EXPECT_GE(covered.east, there.east);
    EXPECT_GE(covered.north, there.north);
  }
}

TEST(SimulateSite, L2aProductsAreWhole) {
  TemporaryFolder folder;
  SiteOptions options = Small(folder.path());
  options.level_l2a = true;
  ASSERT_OK(SimulateSite(options));
  int items = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder.File("l2a"))) items += entry.path().filename() == "item.json";
  EXPECT_EQ(items, 2);
}

TEST(SimulateSite, NamesTheWrongOption) {
  TemporaryFolder folder;
  SiteOptions options = Small(folder.path());
  options.size = 100;
  EXPECT_THAT(SimulateSite(options), StatusIs(absl::StatusCode::kInvalidArgument, "--size 100"));
}

}  // namespace
}  // namespace arpent::simulate
