#include "common/stages/l2a/l2a_stage.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "common/product/raster_reader.h"
#include "common/raster/codes.h"
#include "common/stages/catalog.h"
#include "common/stages/l2a/air.h"
#include "common/stages/l2a/analytic_tables.h"
#include "common/stages/l2a/coarse_scene.h"
#include "common/stages/l2a/quality.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::stages {
namespace {

using raster::Image;
using testing::StatusIs;

constexpr char kData[] = "safe_l1c_slovenia_example";

// One run of the stage on a shared product, with the analytic tables.
class L2aStageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ARPENT_REQUIRE_SHARED_DATA(kData);
    for (const auto& entry : std::filesystem::directory_iterator(testing::SharedData(kData))) {
      const std::string name = entry.path().filename().string();
      const size_t start = name.find("MSIL1C_");
      if (start != std::string::npos) scenes_[name.substr(start + 7, 8)] = name;
    }
    std::ofstream(folder_.File("atmosphere.lut"), std::ios::binary) << AnalyticTables();
    stores_ = std::make_shared<storage::StoreSet>();
    stores_->Add("input", *storage::FileStore::Open(testing::SharedData(kData)));
    std::filesystem::create_directories(folder_.File("out"));
    stores_->Add("output", *storage::FileStore::Open(folder_.File("out")));
    storage::InstallVsiArpent(stores_);
  }

  TaskSpec Task(const std::string& date) const {
    TaskSpec task;
    task.stage = "l2a";
    task.algorithm_version = (*FindStage("l2a"))->algorithm_version;
    task.parameters = (*FindStage("l2a"))->defaults;
    task.inputs = {{"scene", "", "input:/" + scenes_.at(date)}};
    return task;
  }

  absl::StatusOr<TaskResult> Run(const TaskSpec& task, int threads = 2) {
    const std::string scratch = folder_.File("scratch" + std::to_string(++runs_));
    std::filesystem::create_directories(scratch);
    StageContext context;
    context.stores = stores_;
    context.scratch = scratch;
    context.tables = folder_.path();
    context.threads = threads;
    return RunL2a(task, context);
  }

  testing::TemporaryFolder folder_;
  std::shared_ptr<storage::StoreSet> stores_;
  std::map<std::string, std::string> scenes_;
  int runs_ = 0;
};

TEST_F(L2aStageTest, CloudyAndClearDatesComeOutAsTheyAre) {
  for (const std::string date : {"20150711", "20150830", "20150909"}) {
    ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(Task(date)));
    EXPECT_EQ(result.outcome, TaskResult::Outcome::kDone);
    EXPECT_LE(result.product.numbers.at("eo:cloud_cover"), 5) << date;
  }
  for (const std::string date : {"20150731", "20150820"}) {
    ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(Task(date)));
    EXPECT_EQ(result.outcome, TaskResult::Outcome::kSkipped);
    EXPECT_EQ(result.skip_reason, "cloudy");
    EXPECT_GE(result.product.numbers.at("eo:cloud_cover"), 95) << date;
  }
}

TEST_F(L2aStageTest, AssetsHaveTheGridsAndTypesOfTheDesign) {
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(Task("20150830")));
  std::map<std::string, int> width;
  for (const auto& asset : result.product.assets) {
    if (asset.file.size() < 4 || asset.file.substr(asset.file.size() - 4) != ".tif") continue;
    ASSERT_OK_AND_ASSIGN(const auto reader,
                         product::RasterReader::Open(stores_, result.product.uri + "/" + asset.file));
    width[asset.name] = reader->grid().width;
    EXPECT_EQ(reader->grid().width * reader->grid().pixel_m, 960) << asset.name;
  }
  const std::map<std::string, int> expected = {{"B01", 16}, {"B02", 96}, {"B03", 96}, {"B04", 96}, {"B05", 48},
                                               {"B06", 48}, {"B07", 48}, {"B08", 96}, {"B8A", 48}, {"B09", 16},
                                               {"B11", 48}, {"B12", 48}, {"SCL", 48}, {"CLD", 48}, {"AOT", 48},
                                               {"WVP", 48}, {"QA", 48}};
  EXPECT_EQ(width, expected);
}

TEST_F(L2aStageTest, ForestIsDarkInTheRedAndBrightInTheInfrared) {
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(Task("20150830")));
  const auto mean = [&](const std::string& asset) {
    const auto reader = *product::RasterReader::Open(stores_, result.product.uri + "/" + asset + ".tif");
    Image<int16_t> pixels(reader->grid().width, reader->grid().height);
    EXPECT_OK(reader->Read(reader->grid().Whole(), raster::kReflectanceNoData, pixels.view()));
    double sum = 0;
    for (int y = 0; y < pixels.height(); ++y) {
      for (const int16_t v : pixels.row(y)) sum += v;
    }
    return sum / pixels.size() * 1e-4;
  };
  // A clear forest and meadow date: bounds from any leaf spectrum, wide enough for the test's rough tables.
  EXPECT_LT(mean("B04"), 0.06);
  EXPECT_GT(mean("B08"), 0.15);
  EXPECT_LT(mean("B02"), mean("B03"));
}

TEST_F(L2aStageTest, ResultsDoNotDependOnThreads) {
  for (const std::string adjacency : {"true", "false"}) {
    TaskSpec task = Task("20150711");
    task.parameters.Set("adjacency", adjacency);
    ASSERT_OK_AND_ASSIGN(const TaskResult one, Run(task, 1));
    ASSERT_OK_AND_ASSIGN(const TaskResult five, Run(task, 5));
    ASSERT_EQ(one.product.assets.size(), five.product.assets.size());
    for (size_t i = 0; i < one.product.assets.size(); ++i) {
      EXPECT_EQ(one.product.assets[i].sha256, five.product.assets[i].sha256) << one.product.assets[i].name;
    }
  }
}

// A DEM of the scene's place: flat, or rising eastwards.
std::string AsciiDem(double height_m, double rise) {
  std::string text = "ncols 60\nnrows 60\nxllcorner 509000\nyllcorner 5091000\ncellsize 60\n";
  for (int y = 0; y < 60; ++y) {
    for (int x = 0; x < 60; ++x) text += std::to_string(height_m + rise * 60 * x) + ' ';
    text += '\n';
  }
  return text;
}

TEST_F(L2aStageTest, AFlatDemChangesAltitudeOnlyAndASlopeTheLight) {
  std::filesystem::create_directories(folder_.File("dem"));
  stores_->Add("dem", *storage::FileStore::Open(folder_.File("dem")));
  storage::InstallVsiArpent(stores_);
  ASSERT_OK_AND_ASSIGN(const TaskResult none, Run(Task("20150830")));
  const auto reader = *product::RasterReader::Open(stores_, none.product.uri + "/B8A.tif");
  const geo::Grid grid = reader->grid();
  const auto write = [&](const std::string& name, double height_m, double rise) {
    std::string text = AsciiDem(height_m, rise);
    text.replace(text.find("509000"), 6, std::to_string(static_cast<int>(grid.west) - 600));
    text.replace(text.find("5091000"), 7, std::to_string(static_cast<int>(grid.north) - 3000));
    std::ofstream(folder_.File("dem/" + name + ".asc")) << text;
    std::ofstream(folder_.File("dem/" + name + ".prj"))
        << R"(PROJCS["WGS_1984_UTM_Zone_33N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137,298.257223563]],)"
           R"(PRIMEM["Greenwich",0],UNIT["Degree",0.017453292519943295]],PROJECTION["Transverse_Mercator"],)"
           R"(PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",15],PARAMETER["scale_factor",0.9996],)"
           R"(PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["Meter",1]])";
  };
  write("flat", 0, 0);
  write("slope", 0, 0.3);
  const auto digests = [&](const std::string& dem) {
    TaskSpec task = Task("20150830");
    task.inputs.push_back({"dem", dem, "dem:/" + dem + ".asc"});
    const absl::StatusOr<TaskResult> result = Run(task);
    EXPECT_OK(result);
    std::map<std::string, std::string> digest;
    for (const auto& asset : result->product.assets) digest[asset.name] = asset.pixel_digest;
    return digest;
  };
  std::map<std::string, std::string> without;
  for (const auto& asset : none.product.assets) without[asset.name] = asset.pixel_digest;
  const auto flat = digests("flat");
  EXPECT_EQ(flat.at("B04"), without.at("B04"));
  EXPECT_EQ(flat.at("SCL"), without.at("SCL"));
  EXPECT_NE(digests("slope").at("B04"), without.at("B04"));
}

TEST_F(L2aStageTest, SaysWhatIsWrong) {
  TaskSpec task = Task("20150711");
  task.parameters.Set("aerosol", "volcanic");
  EXPECT_THAT(Run(task), StatusIs(absl::StatusCode::kInvalidArgument, "volcanic"));
  task = Task("20150711");
  task.parameters.Set("cloud_limit", "1.5");
  EXPECT_THAT(Run(task), StatusIs(absl::StatusCode::kInvalidArgument, "cloud_limit"));
  task = Task("20150711");
  task.inputs.push_back({"tables", std::string(64, 'a'), "tables:"});
  EXPECT_THAT(Run(task), StatusIs(absl::StatusCode::kFailedPrecondition, "atmosphere.lut has digest"));
  std::filesystem::remove(folder_.File("atmosphere.lut"));
  EXPECT_THAT(Run(Task("20150711")), StatusIs(absl::StatusCode::kFailedPrecondition, "arpent-lut"));
}

scene::SceneMetadata SomeMetadata() {
  scene::SceneMetadata m;
  m.product_id = "S2A_TEST";
  m.platform = "S2A";
  m.grid = m.tile_grid = {32633, 300000, 5100000, 10, 60, 60};
  m.bands = {{.name = "B04"}};
  m.mean_sun_zenith_deg = 40;
  m.mean_sun_azimuth_deg = 150;
  m.mean_view_zenith_deg = {5};
  m.mean_view_azimuth_deg = {100};
  return m;
}

class AirTest : public ::testing::Test {
 protected:
  const kernels::AtmosphereTables tables_ = *kernels::AtmosphereTables::Parse(AnalyticTables());
};

TEST_F(AirTest, NightAndLowSunAreErrorsThatSaySo) {
  scene::SceneMetadata m = SomeMetadata();
  m.mean_sun_zenith_deg = 97;
  EXPECT_THAT(Air::Create(m, tables_, kernels::AerosolModel::kContinental),
              StatusIs(absl::StatusCode::kInvalidArgument, "night scene"));
  m.mean_sun_zenith_deg = 80;
  EXPECT_THAT(Air::Create(m, tables_, kernels::AerosolModel::kContinental),
              StatusIs(absl::StatusCode::kInvalidArgument, "sun zenith 80.0"));
  m.mean_sun_zenith_deg = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(Air::Create(m, tables_, kernels::AerosolModel::kContinental),
              StatusIs(absl::StatusCode::kInvalidArgument, "sun angles are missing"));
}

TEST_F(AirTest, MissingAnglesFallBackToMeansAndAreNoted) {
  const auto air = Air::Create(SomeMetadata(), tables_, kernels::AerosolModel::kContinental);
  ASSERT_OK(air);
  EXPECT_EQ(air->GeometryAt(0, 100, 100).view_zenith_deg, 5);
  EXPECT_EQ(air->notes.size(), 2);
  scene::SceneMetadata m = SomeMetadata();
  m.mean_view_zenith_deg = {std::numeric_limits<double>::quiet_NaN()};
  EXPECT_THAT(Air::Create(m, tables_, kernels::AerosolModel::kContinental),
              StatusIs(absl::StatusCode::kInvalidArgument, "B04"));
}

TEST(AngleField, InterpolatesBetweenTheNodesThatExist) {
  scene::AngleGrid grid;
  grid.zenith_deg = Image<float>(2, 2, 4.0f);
  grid.azimuth_deg = Image<float>(2, 2, 350.0f);
  grid.zenith_deg(1, 0) = 8;
  grid.azimuth_deg(1, 0) = 10;  // across north
  const AngleField field(grid, {1, 1}, 0, 0);
  EXPECT_NEAR(field.At(2500, 0).zenith_deg, 6, 1e-9);
  EXPECT_NEAR(std::cos((field.At(2500, 0).azimuth_deg - 0) * M_PI / 180), 1, 1e-9);
  grid.zenith_deg(0, 0) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NEAR(AngleField(grid, {1, 1}, 0, 0).At(2500, 0).zenith_deg, 8, 1e-9);
  EXPECT_TRUE(AngleField({}, {1, 2}, 0, 0).mean_only());
}

TEST(Field, IsBilinearBetweenCellCentres) {
  Field field{Image<float>(2, 1), 100, 0};
  field.values(0, 0) = 1, field.values(1, 0) = 3;
  EXPECT_DOUBLE_EQ(field.At(0, 50), 1);
  EXPECT_DOUBLE_EQ(field.At(100, 10), 2);
  EXPECT_DOUBLE_EQ(field.At(500, 10), 3);
  EXPECT_DOUBLE_EQ((Field{{}, 1, 7}).At(3, 3), 7);
}

TEST(OzoneClimatology, HasTheKnownSizeAndSeason) {
  // Middle northern latitudes: most in spring, least in autumn, between 0.28 and 0.42 atm-cm; the tropics near 0.25.
  EXPECT_NEAR(OzoneClimatology(0, 30, 100), 0.235, 0.02);
  const double spring = OzoneClimatology(50, 10, 90), autumn = OzoneClimatology(50, 10, 290);
  EXPECT_GT(spring, autumn + 0.04);
  EXPECT_GT(autumn, 0.26);
  EXPECT_LT(spring, 0.43);
}

TEST(ResampleReduced, PutsAGradientWhereItIs) {
  // A 10 m band whose DN is 1000 + 20 x; its level 2 has the values of every fourth pixel (wavelet centres).
  scene::Band band{.name = "B02", .resolution_m = 10, .quantification = 10000, .offset = 0};
  Image<uint16_t> reduced(60, 60);
  for (int y = 0; y < 60; ++y) {
    for (int x = 0; x < 60; ++x) reduced(x, y) = static_cast<uint16_t>(1000 + 20 * 4 * x);
  }
  Image<float> toa(40, 40);
  Image<uint8_t> valid(40, 40);
  ResampleReduced(reduced.view(), band, 2, toa.view(), valid.view());
  for (int x = 0; x < 39; ++x) {
    // The centre of coarse pixel x is at pixel 6 x + 2.5 of the band.
    EXPECT_NEAR(toa(x, 7) * 10000, 1000 + 20 * (6 * x + 2.5), 1e-2) << x;
    EXPECT_EQ(valid(x, 7), 1);
  }
  reduced(10, 10) = 0;
  ResampleReduced(reduced.view(), band, 2, toa.view(), valid.view());
  EXPECT_EQ(valid(6, 6), 0);
}

TEST(SpreadMasks, CarriesMasksOverTheEdgeOfTheData) {
  Image<uint8_t> valid(6, 1);
  valid(0, 0) = 1;
  CoarseMasks masks;
  for (Image<uint8_t>* m : {&masks.clouds.cloud_percent, &masks.clouds.cloud, &masks.clouds.cirrus, &masks.clouds.snow,
                            &masks.clouds.water, &masks.shadow, &masks.near_cloud}) {
    *m = Image<uint8_t>(6, 1);
  }
  masks.clouds.cloud(0, 0) = 1;
  SpreadMasks(valid, masks);
  EXPECT_EQ(masks.clouds.cloud(4, 0), 1);
  EXPECT_EQ(masks.clouds.cloud(5, 0), 0);
}

}  // namespace
}  // namespace arpent::stages
