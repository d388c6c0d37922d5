// Small L2A products for tests of the stages that read them: an output store in a temporary folder, and dates whose
// bands, classes and AOT the test fills in.
#ifndef ARPENT_COMMON_PRODUCT_L2A_FIXTURE_H_
#define ARPENT_COMMON_PRODUCT_L2A_FIXTURE_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/product/layout.h"
#include "common/product/publication.h"
#include "common/product/raster_reader.h"
#include "common/raster/codes.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::product {

inline const geo::Grid kFakeGrid = {32633, 399960, 5000040, 10, 96, 96};

// One date on one grid (10 m; its size a multiple of 6).
struct FakeL2a {
  std::string platform = "S2A";
  absl::CivilDay day;
  geo::Grid grid = kFakeGrid;
  std::string tile = "33TVL";
  std::map<std::string, raster::Image<int16_t>> bands;
  raster::Image<uint8_t> scl;
  raster::Image<uint16_t> qa, aot;

  // All ten bands constant, all vegetation, AOT 0.1.
  static FakeL2a Constant(absl::CivilDay day, int16_t reflectance, geo::Grid grid = kFakeGrid) {
    FakeL2a date;
    date.day = day;
    date.grid = grid;
    for (const char* band : {"B02", "B03", "B04", "B08"}) {
      date.bands[band] = raster::Image<int16_t>(grid.width, grid.height, reflectance);
    }
    for (const char* band : {"B05", "B06", "B07", "B8A", "B11", "B12"}) {
      date.bands[band] = raster::Image<int16_t>(grid.width / 2, grid.height / 2, reflectance);
    }
    date.scl = raster::Image<uint8_t>(grid.width / 2, grid.height / 2, raster::kSclVegetation);
    date.qa = raster::Image<uint16_t>(grid.width / 2, grid.height / 2, 0);
    date.aot = raster::Image<uint16_t>(grid.width / 2, grid.height / 2, 100);
    return date;
  }
  std::string Acquisition() const {
    return absl::StrFormat("%s_%04d%02d%02dT100008_R122_T%s", platform, day.year(), day.month(), day.day(), tile);
  }
};

class OutputStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto stores = std::make_shared<storage::StoreSet>();
    ASSERT_OK_AND_ASSIGN(auto store, storage::FileStore::Open(folder_.File("out"), {.create_root = true}));
    stores->Add("output", store);
    stores_ = stores;
    storage::InstallVsiArpent(stores_);
  }

  std::string NewScratch() {
    const std::string path = folder_.File(absl::StrCat("scratch", scratch_count_++));
    std::filesystem::create_directories(path);
    return path;
  }

  template <typename T>
  static void AddRaster(Publication& publication, const std::string& asset, const geo::Grid& grid,
                        const RasterOptions& options, const raster::Image<T>& image) {
    auto writer = publication.CreateRaster(asset, grid, options, 1);
    ASSERT_OK(writer);
    ASSERT_OK((*writer)->Write(grid.Whole(), image.view()));
    ASSERT_OK(publication.FinishRaster(asset, *std::move(writer)));
  }

  // Publishes the date and returns its URI.
  std::string Publish(const FakeL2a& date, const std::string& stage = "l2a") {
    ProductDescription description;
    description.stage = stage;
    description.algorithm_version = 1;
    description.key = Sha256Of(absl::StrCat(date.Acquisition(), scratch_count_));
    description.folder = L2aFolder(date.tile, static_cast<int>(date.day.year()), date.Acquisition(), description.key);
    description.grid = date.grid;
    description.tile = date.tile;
    description.datetime = absl::FromCivil(absl::CivilSecond(date.day) + 36008, absl::UTCTimeZone());
    description.numbers = {
        {"view:sun_elevation", 50}, {"view:sun_azimuth", 150}, {"view:off_nadir", 8}, {"view:azimuth", 100}};
    Publication publication(stores_, NewScratch(), description);
    for (const auto& [name, image] : date.bands) {
      const geo::Grid grid = date.grid.WithPixel(date.grid.pixel_m * date.grid.width / image.width());
      AddRaster(publication, name, grid,
                {.type = PixelType::kInt16, .no_data = raster::kReflectanceNoData, .scale = 0.0001}, image);
    }
    const geo::Grid grid20 = date.grid.WithPixel(date.grid.pixel_m * date.grid.width / date.scl.width());
    const RasterOptions words = {.type = PixelType::kUInt16, .overviews = OverviewKind::kNearest};
    AddRaster(publication, "SCL", grid20, {.type = PixelType::kUInt8, .overviews = OverviewKind::kNearest}, date.scl);
    AddRaster(publication, "QA", grid20, words, date.qa);
    AddRaster(publication, "AOT", grid20, words, date.aot);
    const auto product = publication.Publish();
    EXPECT_OK(product);
    return product.ok() ? product->uri : "";
  }

  template <typename T>
  raster::Image<T> ReadAsset(const std::string& product, const std::string& asset) {
    auto reader = RasterReader::Open(stores_, absl::StrCat(product, "/", asset, ".tif"));
    EXPECT_OK(reader);
    if (!reader.ok()) return {};
    const geo::Grid& grid = (*reader)->grid();
    raster::Image<T> image(grid.width, grid.height);
    EXPECT_OK((*reader)->Read(grid.Whole(), T{}, image.view()));
    return image;
  }

  static std::map<std::string, HexDigest> PixelDigests(const PublishedProduct& product) {
    std::map<std::string, HexDigest> digests;
    for (const PublishedAsset& asset : product.assets) {
      if (!asset.pixel_digest.empty()) digests[asset.name] = asset.pixel_digest;
    }
    return digests;
  }

  testing::TemporaryFolder folder_;
  std::shared_ptr<const storage::StoreSet> stores_;
  int scratch_count_ = 0;
};

}  // namespace arpent::product

#endif  // ARPENT_COMMON_PRODUCT_L2A_FIXTURE_H_
