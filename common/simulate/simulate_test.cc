#include <gdal.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "common/base/digest.h"
#include "common/geo/transform.h"
#include "common/scene/scene.h"
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

TEST(Landscape, OutlineOfACellLiesInsideOfIt) {
  const Landscape landscape(5, 250);
  for (int64_t cy = 0; cy < 5; ++cy) {
    for (int64_t cx = 0; cx < 5; ++cx) {
      const std::vector<double> outline = landscape.CellOutline(cx, cy, 12);
      ASSERT_GE(outline.size(), 6u);
      for (size_t i = 0; i + 1 < outline.size(); i += 2) {
        const Spot spot = landscape.At(outline[i], outline[i + 1]);
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
