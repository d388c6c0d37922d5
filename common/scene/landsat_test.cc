#include <gdal.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "common/geo/sun.h"
#include "common/geo/transform.h"
#include "common/scene/dataset_pool.h"
#include "common/scene/landsat_metadata.h"
#include "common/scene/scene.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::scene {
namespace {

namespace fs = std::filesystem;
using ::arpent::testing::SharedData;
using ::arpent::testing::StatusIs;

constexpr char kMarburg[] = "LC08_L1TP_195025_20130707_20170503_01_T1";

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string RealMtl() { return ReadFile(fs::path(SharedData("landsat_l1_marburg_30m")) / kMarburg / (std::string(kMarburg) + "_MTL.txt")); }

void Replace(std::string& text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
}

class Landsat : public ::testing::Test {
 protected:
  void SetUp() override {
    ARPENT_REQUIRE_SHARED_DATA("landsat_l1_marburg_30m");
    fs::copy(fs::path(SharedData("landsat_l1_marburg_30m")) / kMarburg, folder_.File(kMarburg), fs::copy_options::recursive);
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      fs::permissions(entry.path(), fs::perms::owner_all, fs::perm_options::add);
    }
    auto stores = std::make_shared<storage::StoreSet>();
    stores->Add("input", *storage::FileStore::Open(folder_.path()));
    stores_ = stores;
    storage::InstallVsiArpent(stores_);
  }
  std::string Uri() { return std::string("input:/") + kMarburg; }
  fs::path File(const std::string& suffix) { return fs::path(folder_.File(kMarburg)) / (kMarburg + suffix); }

  testing::TemporaryFolder folder_;
  std::shared_ptr<const storage::StoreSet> stores_;
};

TEST_F(Landsat, ReflectanceIsThatOfTheUsersHandbook) {
  ASSERT_OK_AND_ASSIGN(const auto scene, OpenScene(stores_, Uri()));
  const SceneMetadata& metadata = scene->metadata();
  EXPECT_EQ(metadata.acquisition.substr(0, 13), "LC08_20130707");
  EXPECT_EQ(metadata.acquisition.substr(metadata.acquisition.size() - 7), "_195025");
  EXPECT_EQ(metadata.grid.width, 41);  // a cut scene: not what the metadata say
  EXPECT_EQ(metadata.grid.pixel_m, 30);
  ASSERT_OK_AND_ASSIGN(const auto red, scene->ReadBand("B4", metadata.grid.Whole()));
  Dataset file(GDALOpen(File("_B4.TIF").c_str(), GA_ReadOnly));
  raster::Image<uint16_t> raw(41, 41);
  ASSERT_EQ(GDALRasterIO(GDALGetRasterBand(file.get(), 1), GF_Read, 0, 0, 41, 41, raw.data(), 41, 41, GDT_UInt16, 0, 0), CE_None);
  ASSERT_OK_AND_ASSIGN(const geo::Transform to_degrees, geo::Transform::Create(metadata.grid.epsg, 4326));
  const Band& band = *metadata.FindBand("B4");
  for (const auto& [x, y] : {std::pair{0, 0}, {40, 40}, {10, 20}}) {
    double longitude = metadata.grid.CentreX(x), latitude = metadata.grid.CentreY(y);
    to_degrees.Forward(longitude, latitude);
    const double zenith = geo::SunAt(metadata.sensing_start, longitude, latitude).zenith_deg * M_PI / 180;
    // USGS, Landsat 8 data users handbook, equation 5-3: with the sun's own height at the pixel.
    const double expected = (2.0e-5 * raw(x, y) - 0.1) / std::cos(zenith);
    EXPECT_NEAR((red(x, y) + band.offset) / band.quantification, expected, 3e-5) << x << "," << y;
  }
}

TEST_F(Landsat, SunIsWhereTheMetadataPutIt) {
  ASSERT_OK_AND_ASSIGN(const LandsatMetadata mtl, ParseLandsatMtl(RealMtl(), "MTL"));
  ASSERT_OK_AND_ASSIGN(const geo::Transform to_degrees, geo::Transform::Create(mtl.grid.epsg, 4326));
  double x = mtl.grid.CentreX(mtl.grid.width / 2), y = mtl.grid.CentreY(mtl.grid.height / 2);
  to_degrees.Forward(x, y);
  const geo::SunAngle sun = geo::SunAt(mtl.scene_centre, x, y);
  EXPECT_NEAR(sun.zenith_deg, 90 - mtl.sun_elevation_deg, 0.05);
  EXPECT_NEAR(sun.azimuth_deg, mtl.sun_azimuth_deg, 0.1);
}

TEST_F(Landsat, ResultsDoNotDependOnTheWindow) {
  ASSERT_OK_AND_ASSIGN(const auto scene, OpenScene(stores_, Uri()));
  ASSERT_OK_AND_ASSIGN(const auto whole, scene->ReadBand("B5", {0, 0, 41, 41}));
  ASSERT_OK_AND_ASSIGN(const auto part, scene->ReadBand("B5", {7, 11, 5, 6}));
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 5; ++x) EXPECT_EQ(part(x, y), whole(7 + x, 11 + y));
  }
}

TEST_F(Landsat, BrokenFilesAreNamedAndTheSceneIsStillListed) {
  fs::resize_file(File("_B5.TIF"), fs::file_size(File("_B5.TIF")) / 2);
  EXPECT_THAT(OpenScene(stores_, Uri()).status(), StatusIs(absl::StatusCode::kDataLoss, "_B5.TIF"));
  fs::remove(File("_B5.TIF"));
  EXPECT_THAT(OpenScene(stores_, Uri()).status(), StatusIs(absl::StatusCode::kDataLoss, "_B5.TIF"));
  ASSERT_OK_AND_ASSIGN(const SceneListing listing, ListScenes(stores_, "input:/", "landsat-l1", 1));
  ASSERT_EQ(listing.scenes.size(), 1u);
  EXPECT_EQ(listing.scenes[0].tile, "195025");
  EXPECT_EQ(listing.scenes[0].platform, "LC08");
  EXPECT_TRUE(listing.rejected.empty());
}

TEST_F(Landsat, ADecimatedSceneIsReadAsItIs) {
  ARPENT_REQUIRE_SHARED_DATA("landsat8_l1_scene_900m");
  auto stores = std::make_shared<storage::StoreSet>();
  stores->Add("input", *storage::FileStore::Open(SharedData("landsat8_l1_scene_900m")));
  storage::InstallVsiArpent(stores);
  ASSERT_OK_AND_ASSIGN(const SceneListing listing, ListScenes(stores, "input:/", "landsat-l1", 1));
  ASSERT_EQ(listing.scenes.size(), 1u);
  EXPECT_EQ(listing.scenes[0].acquisition, "LC08_20170813T155415_016037");
  EXPECT_NEAR(listing.scenes[0].cloud_percent, 26.7, 1e-9);
  EXPECT_NEAR(listing.scenes[0].north_deg, 34.228, 0.03);
  ASSERT_OK_AND_ASSIGN(const auto scene, OpenScene(stores, listing.scenes[0].uri));
  const SceneMetadata& metadata = scene->metadata();
  EXPECT_EQ(metadata.grid.pixel_m, 900);
  EXPECT_EQ(metadata.grid.width, 255);
  EXPECT_EQ(metadata.FindBand("B4")->resolution_m, 900);
  // The sun is that of each pixel's own place, far from the corner too.
  const geo::Window corner{200, 130, 1, 1};
  ASSERT_OK_AND_ASSIGN(const auto red, scene->ReadBand("B4", corner));
  const std::string id = metadata.product_id;
  Dataset file(GDALOpen((SharedData("landsat8_l1_scene_900m") + "/" + id + "/" + id + "_B4.TIF").c_str(), GA_ReadOnly));
  uint16_t raw = 0;
  ASSERT_EQ(GDALRasterIO(GDALGetRasterBand(file.get(), 1), GF_Read, corner.x, corner.y, 1, 1, &raw, 1, 1, GDT_UInt16, 0, 0), CE_None);
  double longitude = metadata.grid.CentreX(corner.x), latitude = metadata.grid.CentreY(corner.y);
  ASSERT_OK_AND_ASSIGN(const geo::Transform to_degrees, geo::Transform::Create(metadata.grid.epsg, 4326));
  to_degrees.Forward(longitude, latitude);
  const double zenith = geo::SunAt(metadata.sensing_start, longitude, latitude).zenith_deg * M_PI / 180;
  const Band& band = *metadata.FindBand("B4");
  EXPECT_NEAR((red(0, 0) + band.offset) / band.quantification, (2.0e-5 * raw - 0.1) / std::cos(zenith), 3e-5);
}

TEST_F(Landsat, WrongMetadataNameTheKey) {
  const auto status_of = [](const std::string& from, const std::string& to) {
    std::string text = RealMtl();
    Replace(text, from, to);
    return ParseLandsatMtl(text, "MTL").status();
  };
  EXPECT_THAT(status_of("SUN_ELEVATION", "SUN_HEIGHT"), StatusIs(absl::StatusCode::kInvalidArgument, "SUN_ELEVATION"));
  EXPECT_THAT(status_of("LANDSAT_8", "LANDSAT_7"), StatusIs(absl::StatusCode::kInvalidArgument, "SPACECRAFT_ID"));
  EXPECT_THAT(status_of("REFLECTANCE_MULT_BAND_3 = 2", "REFLECTANCE_MULT_BAND_3 = x"),
              StatusIs(absl::StatusCode::kInvalidArgument, "REFLECTANCE_MULT_BAND_3"));
  EXPECT_THAT(status_of("\"UTM\"", "\"PS\""), StatusIs(absl::StatusCode::kInvalidArgument, "MAP_PROJECTION"));
}

TEST_F(Landsat, Collection2JsonSaysTheSameAsText) {
  // The groups and names of Collection 2, with the real scene's values.
  std::string text = RealMtl();
  Replace(text, "    FILE_DATE = ", "    DATE_PRODUCT_GENERATED = ");
  ASSERT_OK_AND_ASSIGN(const auto keys, FlattenMtl(text, "MTL"));
  std::string json = "{\"LANDSAT_METADATA_FILE\": {\"PRODUCT_CONTENTS\": {\"PROCESSING_LEVEL\": \"L1TP\"}, \"ALL\": {";
  bool first = true;
  for (const auto& [key, value] : keys) {
    json += (first ? "\"" : ", \"") + key + "\": \"" + value + "\"";
    first = false;
  }
  json += "}}}";
  ASSERT_OK_AND_ASSIGN(const LandsatMetadata a, ParseLandsatMtl(text, "MTL"));
  ASSERT_OK_AND_ASSIGN(const LandsatMetadata b, ParseLandsatMtl(json, "MTL.json"));
  EXPECT_EQ(a.product_id, b.product_id);
  EXPECT_EQ(a.scene_centre, b.scene_centre);
  EXPECT_EQ(a.grid, b.grid);
  EXPECT_EQ(a.bands[7].number, 9);
  EXPECT_EQ(a.bands[7].file, b.bands[7].file);
  EXPECT_EQ(a.bands[0].additive, b.bands[0].additive);
  EXPECT_THAT(FlattenMtl("{ broken", "MTL.json").status(), StatusIs(absl::StatusCode::kInvalidArgument, "JSON"));
}

TEST_F(Landsat, AngleBandsOfCollection2AreUsed) {
  RegisterGdal();
  for (const auto& [suffix, value] : {std::pair{"_VZA.TIF", 512}, {"_VAA.TIF", -7000}}) {
    Dataset source(GDALOpen(File("_B4.TIF").c_str(), GA_ReadOnly));
    double affine[6];
    GDALGetGeoTransform(source.get(), affine);
    Dataset angles(GDALCreate(GDALGetDriverByName("GTiff"), File(suffix).c_str(), 41, 41, 1, GDT_Int16, nullptr));
    GDALSetGeoTransform(angles.get(), affine);
    GDALFillRaster(GDALGetRasterBand(angles.get(), 1), value, 0);
  }
  std::string text = RealMtl();
  Replace(text, "    FILE_NAME_BAND_1 =",
          std::string("    FILE_NAME_ANGLE_SENSOR_ZENITH_BAND_4 = \"") + kMarburg +
              "_VZA.TIF\"\n    FILE_NAME_ANGLE_SENSOR_AZIMUTH_BAND_4 = \"" + kMarburg + "_VAA.TIF\"\n    FILE_NAME_BAND_1 =");
  std::ofstream(File("_MTL.txt")) << text;
  ASSERT_OK_AND_ASSIGN(const auto scene, OpenScene(stores_, Uri()));
  EXPECT_TRUE(scene->metadata().notes.empty());
  EXPECT_NEAR(scene->metadata().mean_view_zenith_deg[3], 5.12, 1e-5);
  EXPECT_NEAR(scene->metadata().mean_view_azimuth_deg[3], 290, 1e-4);
  EXPECT_NEAR(scene->metadata().view[0].azimuth_deg(0, 0), 290, 1e-4);
}

}  // namespace
}  // namespace arpent::scene
