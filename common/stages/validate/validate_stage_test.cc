#include "common/stages/validate/validate_stage.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "common/geo/tile.h"
#include "common/product/layout.h"
#include "common/product/publication.h"
#include "common/stages/catalog.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::stages {
namespace {

using ::arpent::testing::StatusIs;

// Two neighbouring tiles, of which small pieces lie on either side of the line between their squares: easting 500 km.
// Parcels are squares of 100 m; each tile's map covers all of them, so that ownership decides where they count.
class ValidateStageTest : public ::testing::Test {
 protected:
  static constexpr double kWest = 499000, kNorth = 4999000;
  const geo::Grid grid_{32633, kWest, kNorth, 10, 200, 120};

  void SetUp() override {
    auto stores = std::make_shared<storage::StoreSet>();
    ASSERT_OK_AND_ASSIGN(auto store, storage::FileStore::Open(folder_.File("out"), {.create_root = true}));
    stores->Add("output", store);
    context_.stores = stores;
    storage::InstallVsiArpent(stores);
    context_.scratch = folder_.File("scratch");
    std::filesystem::create_directories(context_.scratch);
    task_.stage = "validate";
    task_.algorithm_version = 1;
    task_.site = "site";
    task_.season = "2021";
    task_.parameters = FindStage("validate").value()->defaults;
    task_.parameters.Set("train_share", 0.0);  // every polygon validates
  }

  // Columns of a parcel: 18 parcels in a row, every 110 m, 100 m wide.
  static double ParcelWest(int p) { return kWest + 20 + 110 * p; }

  static std::string Ring(double west, double south, double east, double north) {
    const auto point = [](double x, double y) { return absl::StrCat("[", x, ",", y, "]"); };
    return absl::StrCat("{\"type\":\"Polygon\",\"coordinates\":[[", point(west, south), ",", point(east, south), ",",
                        point(east, north), ",", point(west, north), ",", point(west, south), "]]}");
  }

  std::string GeoJson(const std::vector<std::pair<std::string, std::string>>& rows) {
    std::string text =
        "{\"type\":\"FeatureCollection\",\"crs\":{\"type\":\"name\",\"properties\":{\"name\":"
        "\"urn:ogc:def:crs:EPSG::32633\"}},\"features\":[";
    for (size_t i = 0; i < rows.size(); ++i) {
      absl::StrAppend(&text, i > 0 ? "," : "", "{\"type\":\"Feature\",\"properties\":", rows[i].first,
                      ",\"geometry\":", rows[i].second, "}");
    }
    return text + "]}";
  }

  // Parcel p is of class 11, 12 or no crop, in turn.
  void PutParcels() {
    std::vector<std::pair<std::string, std::string>> rows;
    for (int p = 0; p < 18; ++p) {
      const char* properties[] = {R"({"ID":1,"CROP":1,"LC":"wheat","CODE":11})",
                                  R"({"ID":2,"CROP":1,"LC":"maize","CODE":12})",
                                  R"({"ID":3,"CROP":0,"LC":"forest","CODE":0})"};
      rows.push_back({properties[p % 3], Ring(ParcelWest(p), kNorth - 200, ParcelWest(p) + 100, kNorth - 100)});
    }
    ASSERT_OK(context_.stores->WriteAll("output:/parcels.geojson", GeoJson(rows)));
    task_.inputs.push_back({"parcels", Sha256Of("parcels"), "output:/parcels.geojson"});
  }

  // A crop type map that says at (x, y) what `code` says.
  template <typename Code>
  void PutMap(const std::string& tile, const Code& code, bool with_raw = true) {
    product::ProductDescription description;
    description.stage = "crop-type";
    description.algorithm_version = 1;
    description.tile = tile;
    description.grid = grid_;
    description.key = Sha256Of(tile);
    description.folder = product::SeasonTileFolder("crop-type", "site", "2021", tile, description.key);
    product::Publication publication(context_.stores, context_.scratch, description);
    for (const char* asset : {"CT", "CT_RAW"}) {
      if (!with_raw && asset == std::string("CT_RAW")) continue;
      product::RasterOptions options;
      options.type = product::PixelType::kUInt16;
      options.no_data = 65535;
      options.overviews = product::OverviewKind::kNearest;
      ASSERT_OK_AND_ASSIGN(auto writer, publication.CreateRaster(asset, grid_, options, 1));
      raster::Image<uint16_t> pixels(grid_.width, grid_.height);
      for (int y = 0; y < grid_.height; ++y) {
        for (int x = 0; x < grid_.width; ++x) pixels(x, y) = code(x, y);
      }
      ASSERT_OK(writer->Write(grid_.Whole(), pixels.view()));
      ASSERT_OK(publication.FinishRaster(asset, std::move(writer)));
    }
    ASSERT_OK_AND_ASSIGN(const auto published, publication.Publish());
    task_.inputs.insert(task_.inputs.begin() + static_cast<int>(maps_++), {"crop-type", published.key, published.uri});
  }

  static int ParcelAt(int x) {
    const double from_first = x * 10 + 5 - 20;
    const int p = static_cast<int>(from_first / 110);
    return from_first >= 0 && from_first - 110 * p < 100 && p < 18 ? p : -1;
  }
  // What the parcels say, and class 0 between them.
  static uint16_t Truth(int x, int y) {
    const int p = y >= 10 && y < 20 ? ParcelAt(x) : -1;
    return p < 0 || p % 3 == 2 ? 0 : static_cast<uint16_t>(11 + p % 3);
  }

  nlohmann::json Metrics(const TaskResult& result) {
    return nlohmann::json::parse(context_.stores->ReadAll(result.product.uri + "/metrics.json").value());
  }

  ::arpent::testing::TemporaryFolder folder_;
  StageContext context_;
  TaskSpec task_;
  size_t maps_ = 0;
};

TEST_F(ValidateStageTest, APerfectMapIsPerfectAndEveryPixelCountsOnce) {
  PutParcels();
  PutMap("33TVK", Truth);
  PutMap("33TWK", Truth);
  ASSERT_OK_AND_ASSIGN(const TaskResult result, RunValidate(task_, context_));
  EXPECT_THAT(result.product.uri, ::testing::StartsWith("output:/validation/site/2021/crop-type_"));
  const auto overall = Metrics(result)["overall"];
  EXPECT_EQ(overall["pixels"], 1800);  // 18 parcels of 100 pixels, though both tiles have them
  EXPECT_EQ(overall["polygons"], 18);  // parcel 9 lies across the line
  EXPECT_EQ(overall["overall_accuracy"], 1.0);
  EXPECT_EQ(overall["kappa"], 1.0);
  EXPECT_EQ(result.pixels, 200 * 120);
  EXPECT_EQ(overall["classes"].size(), 3u);
  EXPECT_EQ(overall["classes"][1]["name"], "wheat");
  EXPECT_EQ(overall["classes"][1]["area"]["mapped_ha"], 6.0);
  EXPECT_NEAR(overall["classes"][0]["area"]["estimate_ha"].get<double>(), 240 - 12, 1e-9);
}

TEST_F(ValidateStageTest, LabelsThatAreTextHaveTheCodesOfTheLegend) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (int p = 0; p < 18; ++p) {
    rows.push_back({p % 2 == 0 ? R"({"ID":1,"CROP":1,"LC":"","CODE":"wheat"})" : R"({"ID":2,"CROP":1,"LC":"","CODE":"maize"})",
                    Ring(ParcelWest(p), kNorth - 200, ParcelWest(p) + 100, kNorth - 100)});
  }
  ASSERT_OK(context_.stores->WriteAll("output:/parcels.geojson", GeoJson(rows)));
  ASSERT_OK(context_.stores->WriteAll("output:/legend.csv", "code,name\n111,wheat\n12,maize\n"));
  task_.inputs.push_back({"parcels", Sha256Of("parcels"), "output:/parcels.geojson"});
  task_.inputs.push_back({"legend", Sha256Of("legend"), "output:/legend.csv"});
  const auto code = [](int x, int) { return static_cast<uint16_t>(ParcelAt(x) % 2 == 0 ? 111 : 12); };
  PutMap("33TVK", code);
  PutMap("33TWK", code);
  ASSERT_OK_AND_ASSIGN(const TaskResult result, RunValidate(task_, context_));
  EXPECT_EQ(Metrics(result)["overall"]["overall_accuracy"], 1.0);
}

TEST_F(ValidateStageTest, EachTileCountsOnlyWhatItOwns) {
  PutParcels();
  PutMap("33TVK", Truth);
  // The eastern tile calls everything wheat: parcels 0-8 and the western part of parcel 9 are not its own.
  PutMap("33TWK", [](int, int) { return uint16_t{11}; });
  ASSERT_OK_AND_ASSIGN(const TaskResult result, RunValidate(task_, context_));
  int expected[3][3] = {};
  for (int x = 0; x < 200; ++x) {
    const int p = ParcelAt(x);
    if (p < 0) continue;
    const int reference = (p + 1) % 3;  // classes ascend: none, wheat, maize
    expected[reference][x < 100 ? reference : 1] += 10;
  }
  const auto matrix = Metrics(result)["overall"]["confusion_matrix"];
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) EXPECT_EQ(matrix[i][j], expected[i][j]) << i << " " << j;
  }
  ASSERT_OK_AND_ASSIGN(const std::string csv, context_.stores->ReadAll(result.product.uri + "/confusion.csv"));
  EXPECT_THAT(csv, ::testing::StartsWith("region,code,reference,not cropland,wheat,maize\nall,0,not cropland,"));
}

TEST_F(ValidateStageTest, SameBytesForAnyNumberOfThreads) {
  PutParcels();
  PutMap("33TVK", [](int x, int y) { return static_cast<uint16_t>((x * 7 + y) % 5 == 0 ? 12 : Truth(x, y)); });
  ASSERT_OK_AND_ASSIGN(const TaskResult one, RunValidate(task_, context_));
  context_.threads = 3;
  ASSERT_OK_AND_ASSIGN(const TaskResult three, RunValidate(task_, context_));
  for (size_t i = 0; i < one.product.assets.size(); ++i) {
    EXPECT_EQ(one.product.assets[i].sha256, three.product.assets[i].sha256);
  }
  const auto interval = Metrics(one)["overall"]["overall_accuracy_interval"];
  EXPECT_LT(interval[0].get<double>(), Metrics(one)["overall"]["overall_accuracy"].get<double>());
}

TEST_F(ValidateStageTest, StrataAreJudgedApart) {
  PutParcels();
  // The map is right in the north stratum's parcels 0-5 and calls the rest maize.
  PutMap("33TVK", [](int x, int y) { return ParcelAt(x) <= 5 ? Truth(x, y) : uint16_t{12}; });
  ASSERT_OK(context_.stores->WriteAll(
      "output:/strata.geojson",
      GeoJson({{R"({"stratum":"near"})", Ring(kWest, kNorth - 1200, ParcelWest(6) - 10, kNorth)},
               {R"({"stratum":"far"})", Ring(ParcelWest(6) - 10, kNorth - 1200, kWest + 2000, kNorth)}})));
  task_.inputs.push_back({"strata", Sha256Of("strata"), "output:/strata.geojson"});
  ASSERT_OK_AND_ASSIGN(const TaskResult result, RunValidate(task_, context_));
  const auto metrics = Metrics(result);
  EXPECT_EQ(metrics["strata"]["near"]["overall_accuracy"], 1.0);
  EXPECT_EQ(metrics["strata"]["near"]["pixels"], 600);
  EXPECT_LT(metrics["strata"]["far"]["overall_accuracy"].get<double>(), 0.5);
  EXPECT_EQ(metrics["strata"]["near"]["pixels"].get<int>() + metrics["strata"]["far"]["pixels"].get<int>(),
            metrics["overall"]["pixels"].get<int>());
  ASSERT_OK_AND_ASSIGN(const std::string csv, context_.stores->ReadAll(result.product.uri + "/areas.csv"));
  EXPECT_THAT(csv, ::testing::HasSubstr("\nnear,11,wheat,2.00,"));
}

TEST_F(ValidateStageTest, AMapWithoutAMaskIsNotJudgedByWhatIsNoCrop) {
  PutParcels();
  PutMap("33TVK", [](int x, int y) { return std::max<uint16_t>(11, Truth(x, y)); }, /*with_raw=*/false);
  ASSERT_OK_AND_ASSIGN(const TaskResult result, RunValidate(task_, context_));
  const auto metrics = Metrics(result);
  EXPECT_EQ(metrics["overall"]["classes"].size(), 2u);
  EXPECT_EQ(metrics["overall"]["overall_accuracy"], 1.0);
  EXPECT_FALSE(metrics.contains("raw"));
}

TEST_F(ValidateStageTest, PixelsWithoutMapAreSetAside) {
  PutParcels();
  PutMap("33TVK", [](int x, int y) { return y < 15 ? uint16_t{65535} : Truth(x, y); });
  ASSERT_OK_AND_ASSIGN(const TaskResult result, RunValidate(task_, context_));
  const auto overall = Metrics(result)["overall"];
  EXPECT_EQ(overall["overall_accuracy"], 1.0);
  EXPECT_EQ(overall["pixels"], overall["pixels_without_map"]);
}

TEST_F(ValidateStageTest, WhatIsMissingIsNamed) {
  EXPECT_THAT(RunValidate(task_, context_), StatusIs(absl::StatusCode::kInvalidArgument, "crop-type product"));
  PutMap("33TVK", Truth);
  EXPECT_THAT(RunValidate(task_, context_), StatusIs(absl::StatusCode::kInvalidArgument, "parcels"));
  ASSERT_OK(context_.stores->WriteAll(
      "output:/parcels.geojson",
      GeoJson({{R"({"ID":1,"CROP":1,"LC":"wheat","CODE":11})", Ring(700000, kNorth - 200, 700100, kNorth - 100)}})));
  task_.inputs.push_back({"parcels", Sha256Of("parcels"), "output:/parcels.geojson"});
  EXPECT_THAT(RunValidate(task_, context_), StatusIs(absl::StatusCode::kInvalidArgument, "parcels.geojson"));
  task_.parameters.Set("purpose", "soil");
  EXPECT_THAT(RunValidate(task_, context_), StatusIs(absl::StatusCode::kInvalidArgument, "soil"));
}

}  // namespace
}  // namespace arpent::stages
