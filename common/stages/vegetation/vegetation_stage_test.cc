#include "common/stages/vegetation/vegetation_stage.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "common/product/l2a_fixture.h"
#include "common/stages/catalog.h"
#include "common/stages/parts_for_test.h"

namespace arpent::stages {
namespace {

using product::FakeL2a;
using raster::Image;

class VegetationStageTest : public product::OutputStoreTest {
 protected:
  absl::StatusOr<TaskResult> Run(const std::string& uri, const std::string& indices, const std::string& role = "l2a") {
    return RunTask(Task(uri, indices, role));
  }

  static TaskSpec Task(const std::string& uri, const std::string& indices, const std::string& role = "l2a") {
    TaskSpec task;
    task.stage = "vegetation";
    task.algorithm_version = 1;
    task.tile = "33TVL";
    task.acquisition = "S2A_20210610T100008_R122_T33TVL";
    task.parameters.Set("indices", indices);
    task.inputs = {{role, Sha256Of(uri), uri}};
    return task;
  }

  absl::StatusOr<TaskResult> RunTask(const TaskSpec& task) {
    StageContext context;
    context.stores = stores_;
    context.scratch = NewScratch();
    context.threads = 2;
    return RunVegetation(task, context);
  }
};

constexpr char kAll[] = "ndvi,evi2,ndwi,brightness,ndre,s2rep,psri";

TEST_F(VegetationStageTest, ValuesFollowTheFormulas) {
  auto date = FakeL2a::Constant(absl::CivilDay(2021, 6, 10), 0);
  const std::map<std::string, int> values = {{"B02", 300},  {"B03", 600},  {"B04", 400},  {"B05", 1000}, {"B06", 2500},
                                             {"B07", 3200}, {"B08", 3600}, {"B8A", 3700}, {"B11", 1800}, {"B12", 900}};
  for (auto& [name, image] : date.bands) std::fill_n(image.data(), image.size(), static_cast<int16_t>(values.at(name)));
  date.bands["B04"](10, 10) = raster::kReflectanceNoData;
  date.scl(20, 20) = raster::kSclCloudHigh;
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(Publish(date), kAll));
  const auto at = [&](const char* asset, int x, int y) { return ReadAsset<int16_t>(result.product.uri, asset)(x, y); };
  EXPECT_EQ(at("NDVI", 5, 5), 8000);
  EXPECT_NEAR(at("EVI2", 5, 5), 1e4 * 2.5 * 0.32 / (0.36 + 2.4 * 0.04 + 1), 1);
  EXPECT_NEAR(at("NDWI", 5, 5), 1e4 * (0.18 - 0.36) / 0.54, 1);
  EXPECT_NEAR(at("BRIGHTNESS", 5, 5), 1e4 * std::sqrt(0.06 * 0.06 + 0.04 * 0.04 + 0.36 * 0.36 + 0.18 * 0.18), 1);
  EXPECT_NEAR(at("NDRE", 5, 5), 1e4 * 0.11 / 0.61, 1);
  EXPECT_NEAR(at("S2REP", 5, 5) * 0.01 + 700, 705 + 35 * (0.5 * (0.32 + 0.04) - 0.1) / 0.15, 0.006);
  EXPECT_NEAR(at("PSRI", 5, 5), 1e4 * 0.01 / 0.1, 1);
  EXPECT_EQ(at("NDVI", 10, 10), raster::kIndexNoData);
  EXPECT_EQ(at("NDVI", 11, 10), 8000);
  EXPECT_EQ(at("NDVI", 41, 40), raster::kIndexNoData);  // under the cloud
  EXPECT_EQ(at("PSRI", 20, 20), raster::kIndexNoData);
}

TEST_F(VegetationStageTest, BlocksDoNotShow) {
  // Wider than one block: the bicubic enlargement must not see the seam.
  const geo::Grid grid = {32633, 399960, 5000040, 10, 1092, 60};
  auto date = FakeL2a::Constant(absl::CivilDay(2021, 6, 10), 0, grid);
  std::mt19937 random(5);
  for (auto& [name, image] : date.bands) {
    for (size_t i = 0; i < image.size(); ++i) image.data()[i] = static_cast<int16_t>(100 + random() % 4000);
  }
  ASSERT_OK_AND_ASSIGN(const TaskResult whole, Run(Publish(date), "ndwi"));
  geo::Grid shifted = grid;
  shifted.west += 40 * 10;
  shifted.width -= 40;
  shifted.width -= shifted.width % 6;
  auto part = FakeL2a::Constant(absl::CivilDay(2021, 6, 10), 0, shifted);
  for (auto& [name, image] : part.bands) {
    const int offset = 40 * image.width() / shifted.width;
    for (int y = 0; y < image.height(); ++y) {
      for (int x = 0; x < image.width(); ++x) image(x, y) = date.bands[name](x + offset, y);
    }
  }
  ASSERT_OK_AND_ASSIGN(const TaskResult cut, Run(Publish(part), "ndwi"));
  const auto a = ReadAsset<int16_t>(whole.product.uri, "NDWI"), b = ReadAsset<int16_t>(cut.product.uri, "NDWI");
  for (int y = 0; y < 60; ++y) {
    for (int x = 6; x < shifted.width - 6; ++x) ASSERT_EQ(a(x + 40, y), b(x, y)) << x << "," << y;
  }
}

TEST_F(VegetationStageTest, AnyCutGivesTheSameBytes) {
  // Indices at 10 and 20 m; unequal parts, and more parts than blocks.
  auto date = FakeL2a::Constant(absl::CivilDay(2021, 6, 10), 0, {32633, 399960, 5000040, 10, 1176, 1116});
  std::mt19937 random(6);
  for (auto& [name, image] : date.bands) {
    for (size_t i = 0; i < image.size(); ++i) image.data()[i] = static_cast<int16_t>(100 + random() % 4000);
  }
  for (int y = 500; y < 540; ++y) std::fill_n(date.scl.row(y).begin() + 490, 60, raster::kSclCloudHigh);
  ExpectTheSameFromParts([this](const TaskSpec& task) { return RunTask(task); }, *stores_, Task(Publish(date), "ndwi,ndre"),
                         {2, 3, 4});
}

TEST_F(VegetationStageTest, NamesWhatIsWrong) {
  auto date = FakeL2a::Constant(absl::CivilDay(2021, 6, 10), 1000);
  date.bands.erase("B06");
  const std::string uri = Publish(date);
  EXPECT_THAT(Run(uri, "ndvi,savi"), testing::StatusIs(absl::StatusCode::kInvalidArgument, "'savi' is none of ndvi"));
  EXPECT_THAT(Run(uri, "ndre"), testing::StatusIs(absl::StatusCode::kInvalidArgument, "no band B06"));
  EXPECT_THAT(Run(uri, "ndvi", "samples"),
              testing::StatusIs(absl::StatusCode::kInvalidArgument, "'composite' or 'l2a'"));
  EXPECT_OK(Run(uri, "ndvi"));
}

}  // namespace
}  // namespace arpent::stages
