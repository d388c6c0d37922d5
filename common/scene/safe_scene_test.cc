#include <gdal.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <regex>

#include "common/scene/jpeg2000_check.h"
#include "common/scene/safe_metadata.h"
#include "common/scene/scene.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::scene {
namespace {

namespace fs = std::filesystem;
using ::arpent::testing::SharedData;
using ::arpent::testing::StatusIs;

std::shared_ptr<const storage::StoreSet> WholeMachine() {
  auto stores = std::make_shared<storage::StoreSet>();
  stores->Add("input", *storage::FileStore::Open("/"));
  storage::InstallVsiArpent(stores);
  return stores;
}

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class SafeScene : public ::testing::Test {
 protected:
  void SetUp() override {
    ARPENT_REQUIRE_SHARED_DATA("safe_l1c_slovenia_example");
    fs::copy(SharedData("safe_l1c_slovenia_example"), folder_.path(), fs::copy_options::recursive);
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      fs::permissions(entry.path(), fs::perms::owner_all, fs::perm_options::add);
    }
    stores_ = WholeMachine();
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      if (entry.path().extension() == ".SAFE") products_.push_back(entry.path());
    }
    std::sort(products_.begin(), products_.end());
  }
  fs::path Image(const fs::path& product, const std::string& band) {
    for (const auto& entry : fs::recursive_directory_iterator(product)) {
      if (entry.path().string().ends_with("_" + band + ".jp2")) return entry.path();
    }
    return {};
  }

  testing::TemporaryFolder folder_;
  std::shared_ptr<const storage::StoreSet> stores_;
  std::vector<fs::path> products_;
};

TEST_F(SafeScene, PixelsAndGeoreferenceEqualGdalsSentinel2Driver) {
  for (const fs::path& product : products_) {
    ASSERT_OK_AND_ASSIGN(const auto scene, OpenScene(stores_, "input:" + product.string()));
    const SceneMetadata& metadata = scene->metadata();
    const std::string oracle = "SENTINEL2_L1C:" + (product / "MTD_MSIL1C.xml").string() + ":10m:EPSG_32633";
    GDALDatasetH dataset = GDALOpen(oracle.c_str(), GA_ReadOnly);
    ASSERT_NE(dataset, nullptr) << oracle;
    double affine[6];
    GDALGetGeoTransform(dataset, affine);
    EXPECT_EQ(metadata.grid.west, affine[0]);
    EXPECT_EQ(metadata.grid.north, affine[3]);
    for (int i = 1; i <= 4; ++i) {
      GDALRasterBandH band = GDALGetRasterBand(dataset, i);
      const std::string physical = GDALGetMetadataItem(band, "BANDNAME", nullptr);  // "B4"
      const std::string name = "B0" + physical.substr(1);
      ASSERT_OK_AND_ASSIGN(const auto image, scene->ReadBand(name, metadata.grid.Whole()));
      raster::Image<uint16_t> expected(96, 96);
      ASSERT_EQ(GDALRasterIO(band, GF_Read, 0, 0, 96, 96, expected.data(), 96, 96, GDT_UInt16, 0, 0), CE_None);
      EXPECT_EQ(image, expected) << name;
    }
    GDALClose(dataset);
  }
}

TEST_F(SafeScene, MetadataOfTheFirstAcquisition) {
  ASSERT_OK_AND_ASSIGN(const auto scene, OpenScene(stores_, "input:" + products_[0].string()));
  const SceneMetadata& metadata = scene->metadata();
  EXPECT_EQ(metadata.acquisition, "S2A_20150711T100008_R122_T33TVL");
  EXPECT_EQ(metadata.processing_baseline, "02.04");
  EXPECT_EQ(metadata.bands.size(), 13);
  EXPECT_EQ(metadata.FindBand("B8A")->resolution_m, 20);
  EXPECT_EQ(metadata.FindBand("B02")->offset, 0);
  EXPECT_GT(metadata.mean_sun_zenith_deg, 20);
  EXPECT_FALSE(metadata.sun.zenith_deg.empty());
  ASSERT_OK_AND_ASSIGN(const auto reduced, scene->ReadReduced("B02", 3));
  EXPECT_EQ(reduced.width(), 12);
}

TEST_F(SafeScene, ACutImageIsFoundWithoutDecoding) {
  const fs::path image = Image(products_[0], "B04");
  fs::resize_file(image, fs::file_size(image) / 2);
  EXPECT_THAT(OpenScene(stores_, "input:" + products_[0].string()).status(),
              StatusIs(absl::StatusCode::kDataLoss, image.filename().string()));
}

TEST_F(SafeScene, AMissingBandIsNamed) {
  fs::remove(Image(products_[0], "B08"));
  EXPECT_THAT(OpenScene(stores_, "input:" + products_[0].string()).status(),
              StatusIs(absl::StatusCode::kDataLoss, products_[0].filename().string() + ": band B08 is missing"));
}

TEST_F(SafeScene, ListsBrokenScenesAndRejectsWhatIsNone) {
  fs::remove(Image(products_[0], "B08"));
  fs::create_directory(folder_.File("error.SAFE"));
  std::ofstream(folder_.File("error.SAFE/readme.txt")) << "no product";
  std::ofstream(folder_.File("notes.txt")) << "passed over";
  ASSERT_OK_AND_ASSIGN(const SceneListing listing, ListScenes(stores_, "input:" + folder_.path(), "sentinel2-l1c", 2));
  EXPECT_EQ(listing.scenes.size(), 5);
  ASSERT_EQ(listing.rejected.size(), 1);
  EXPECT_THAT(listing.rejected[0].status, StatusIs(absl::StatusCode::kInvalidArgument, "error.SAFE"));
  EXPECT_NEAR(listing.scenes[0].west_deg, 14.55, 0.05);
  EXPECT_NEAR(listing.scenes[0].north_deg, 45.87, 0.05);
}

TEST_F(SafeScene, AZipIsTheSameSceneAsItsFolder) {
  const std::string zip = folder_.File("packed.zip");
  const std::string command =
      "cd " + folder_.path() + " && /usr/bin/python3 -m zipfile -c packed.zip " + products_[0].filename().string();
  ASSERT_EQ(std::system(command.c_str()), 0);
  ASSERT_OK_AND_ASSIGN(const auto packed, OpenScene(stores_, "input:" + zip));
  ASSERT_OK_AND_ASSIGN(const auto plain, OpenScene(stores_, "input:" + products_[0].string()));
  EXPECT_EQ(packed->metadata().digest, plain->metadata().digest);
  EXPECT_EQ(packed->metadata().product_id, plain->metadata().product_id);
  ASSERT_OK_AND_ASSIGN(const auto a, packed->ReadBand("B03", {10, 20, 30, 40}));
  ASSERT_OK_AND_ASSIGN(const auto b, plain->ReadBand("B03", {10, 20, 30, 40}));
  EXPECT_EQ(a, b);
}

TEST(SafeMetadata, EveryRealSampleIsUnderstood) {
  ARPENT_REQUIRE_SHARED_DATA("safe_metadata_samples");
  int products = 0, tiles = 0;
  for (const auto& entry : fs::recursive_directory_iterator(SharedData("safe_metadata_samples"))) {
    const std::string name = entry.path().filename();
    if (entry.path().string().find("MSIL1C") == std::string::npos) continue;
    if (name == "MTD_MSIL1C.xml") {
      ASSERT_OK_AND_ASSIGN(const auto product, ParseSafeProduct(ReadFile(entry.path()), entry.path()));
      EXPECT_EQ(product.quantification, 10000);
      EXPECT_EQ(product.offsets[0], 0);  // none of the samples is of baseline 04.00
      ++products;
    } else if (name == "MTD_TL.xml") {
      ASSERT_OK_AND_ASSIGN(const auto tile, ParseSafeTile(ReadFile(entry.path()), entry.path()));
      EXPECT_EQ(tile.sun.zenith_deg.width(), 23);
      EXPECT_GT(tile.mean_view_zenith_deg[1], 0);
      ++tiles;
    }
  }
  EXPECT_GE(products, 8);
  EXPECT_GE(tiles, 7);
}

TEST(SafeMetadata, OffsetsOfBaseline4AndNamedErrors) {
  const std::string xml = R"(<a><PRODUCT_INFO/><SPACECRAFT_NAME>Sentinel-2B</SPACECRAFT_NAME>
    <PROCESSING_LEVEL>Level-1C</PROCESSING_LEVEL><PROCESSING_BASELINE>05.09</PROCESSING_BASELINE>
    <DATATAKE_SENSING_START>2023-05-01T10:00:31.024Z</DATATAKE_SENSING_START>
    <GENERATION_TIME>2023-05-01T12:00:00.000000Z</GENERATION_TIME><SENSING_ORBIT_NUMBER>122</SENSING_ORBIT_NUMBER>
    <QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>
    <Radiometric_Offset_List><RADIO_ADD_OFFSET band_id="3">-1000</RADIO_ADD_OFFSET></Radiometric_Offset_List></a>)";
  ASSERT_OK_AND_ASSIGN(const auto product, ParseSafeProduct(xml, "MTD.xml"));
  EXPECT_EQ(product.platform, "S2B");
  EXPECT_EQ(product.offsets[3], -1000);
  const std::string bare = std::regex_replace(xml, std::regex("<RADIO_ADD_OFFSET[^/]*/RADIO_ADD_OFFSET>"), "");
  EXPECT_THAT(ParseSafeProduct(bare, "MTD.xml").status(),
              StatusIs(absl::StatusCode::kInvalidArgument, "RADIO_ADD_OFFSET is missing, but PROCESSING_BASELINE is 05.09"));
  EXPECT_OK(ParseSafeProduct(std::regex_replace(bare, std::regex("05.09"), "03.01"), "MTD.xml").status());
  EXPECT_THAT(ParseSafeProduct("<a/>", "MTD.xml").status(),
              StatusIs(absl::StatusCode::kInvalidArgument, "MTD.xml: element SPACECRAFT_NAME"));
  EXPECT_THAT(ParseSafeProduct("<a>", "MTD.xml").status(), StatusIs(absl::StatusCode::kInvalidArgument, "well-formed"));
}

TEST_F(SafeScene, EveryTruncationOfAnImageIsFound) {
  const std::string whole = ReadFile(Image(products_[0], "B01"));
  const auto check = [&whole](size_t size) {
    return CheckJpeg2000(size, [&](int64_t offset, size_t length, uint8_t* buffer) -> absl::StatusOr<size_t> {
      const size_t count = std::min(length, size - std::min<size_t>(size, offset));
      std::copy_n(whole.begin() + offset, count, buffer);
      return count;
    });
  };
  EXPECT_OK(check(whole.size()));
  for (size_t size = 0; size < whole.size(); size += 13) {
    EXPECT_THAT(check(size), StatusIs(absl::StatusCode::kDataLoss, "")) << size;
  }
}

}  // namespace
}  // namespace arpent::scene
