#include "common/stages/composite/composite_stage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "common/geo/period.h"
#include "common/product/l2a_fixture.h"
#include "common/stages/catalog.h"

namespace arpent::stages {
namespace {

using product::FakeL2a;
using raster::Image;

class CompositeStageTest : public product::OutputStoreTest {
 protected:
  absl::StatusOr<TaskResult> Run(const std::vector<std::string>& inputs, const std::string& period,
                                 const std::string& method = "weighted-average", int threads = 2,
                                 int64_t memory_bytes = int64_t{1} << 30, bool brdf = false) {
    TaskSpec task;
    task.stage = "composite";
    task.algorithm_version = 1;
    task.tile = "33TVL";
    task.period = period;
    task.parameters = (*FindStage("composite"))->defaults;
    task.parameters.Set("method", method);
    task.parameters.Set("brdf", brdf);
    for (const std::string& uri : inputs) task.inputs.push_back({"l2a", Sha256Of(uri), uri});
    StageContext context;
    context.stores = stores_;
    context.scratch = NewScratch();
    context.threads = threads;
    context.memory_bytes = memory_bytes;
    return RunComposite(task, context);
  }
};

TEST_F(CompositeStageTest, WeighsDatesAcrossNewYear) {
  const auto december = FakeL2a::Constant(absl::CivilDay(2021, 12, 27), 1000);
  auto january = FakeL2a::Constant(absl::CivilDay(2022, 1, 16), 2000);
  std::fill_n(january.aot.data(), january.aot.size(), 400);
  const std::string a = Publish(december), b = Publish(january);
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run({a, b}, "20211222_20220120"));
  EXPECT_EQ(result.outcome, TaskResult::Outcome::kDone);
  // The middle is 2022-01-05 12:00: distances 9.5 (or 9) and 10.5 days by the period's own rule.
  const double middle = geo::Period::Parse("20211222_20220120")->MiddleDay();
  const int first = geo::DayNumber(december.day), second = geo::DayNumber(january.day);
  const double w1 = (1 - std::abs(first - middle) / 25 * 0.5) * (0.33 + 0.67 * (1 - 0.1 / 0.8));
  const double w2 = (1 - std::abs(second - middle) / 25 * 0.5) * (0.33 + 0.67 * (1 - 0.4 / 0.8));
  for (const char* band : {"B02", "B8A"}) {
    const auto pixels = ReadAsset<int16_t>(result.product.uri, band);
    EXPECT_NEAR(pixels(20, 20), (w1 * 1000 + w2 * 2000) / (w1 + w2), 0.51) << band;
  }
  EXPECT_NEAR(ReadAsset<uint16_t>(result.product.uri, "DATE")(7, 7), (w1 * first + w2 * second) / (w1 + w2), 0.51);
  EXPECT_EQ(ReadAsset<uint8_t>(result.product.uri, "OBS")(7, 7), 2);
  EXPECT_EQ(ReadAsset<uint8_t>(result.product.uri, "FLAGS")(7, 7), raster::kFlagLand);
}

TEST_F(CompositeStageTest, CloudsLeaveNoTraceWhereADateIsClear) {
  auto cloudy = FakeL2a::Constant(absl::CivilDay(2021, 6, 10), 7000);
  std::fill_n(cloudy.scl.data(), cloudy.scl.size(), raster::kSclCloudHigh);
  auto half = FakeL2a::Constant(absl::CivilDay(2021, 6, 14), 6000);
  for (int y = 0; y < 48; ++y) std::fill_n(half.scl.row(y).begin(), 24, raster::kSclCloudMedium);
  for (int y = 0; y < 96; ++y) std::fill_n(half.bands["B02"].row(y).begin() + 48, 48, 900);
  const auto clear = FakeL2a::Constant(absl::CivilDay(2021, 6, 24), 800);
  const std::vector<std::string> inputs = {Publish(cloudy), Publish(half), Publish(clear)};
  for (const char* method : {"weighted-average", "median", "medoid", "geometric-median", "best-pixel"}) {
    ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(inputs, "2021-06", method));
    const auto blue = ReadAsset<int16_t>(result.product.uri, "B02");
    const auto observations = ReadAsset<uint8_t>(result.product.uri, "OBS");
    for (int y = 0; y < 96; ++y) {
      for (int x = 0; x < 96; ++x) {
        ASSERT_GE(blue(x, y), 800) << method;
        ASSERT_LE(blue(x, y), x < 58 ? 800 : 900)
            << method << " " << x << "," << y;  // 5 pixels of 20 m beside the cloud
        ASSERT_EQ(observations(x / 2, y / 2), x < 58 ? 1 : 2);
      }
    }
  }
}

TEST_F(CompositeStageTest, UnderCloudAloneItTakesTheDarkest) {
  auto a = FakeL2a::Constant(absl::CivilDay(2021, 6, 10), 7000),
       b = FakeL2a::Constant(absl::CivilDay(2021, 6, 20), 5000);
  std::fill_n(a.scl.data(), a.scl.size(), raster::kSclCloudHigh);
  std::fill_n(b.scl.data(), b.scl.size(), raster::kSclCloudHigh);
  b.scl(10, 10) = raster::kSclNoData;
  a.scl(10, 10) = raster::kSclNoData;
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run({Publish(a), Publish(b)}, "2021-06"));
  const auto red = ReadAsset<int16_t>(result.product.uri, "B04");
  const auto flags = ReadAsset<uint8_t>(result.product.uri, "FLAGS");
  EXPECT_EQ(red(50, 50), 5000);
  EXPECT_EQ(flags(25, 25), raster::kFlagCloud);
  EXPECT_EQ(flags(10, 10), raster::kFlagNoData);
  EXPECT_EQ(red(20, 21), raster::kReflectanceNoData);
  EXPECT_EQ(ReadAsset<uint16_t>(result.product.uri, "DATE")(10, 10), 65535);
  EXPECT_EQ(ReadAsset<uint8_t>(result.product.uri, "OBS")(25, 25), 0);
}

TEST_F(CompositeStageTest, ScenesOfDifferentExtentsMakeOne) {
  const auto west = FakeL2a::Constant(absl::CivilDay(2021, 6, 10), 1000);
  geo::Grid grid = west.grid;
  grid.west += 600;
  grid.north -= 300;
  const auto east = FakeL2a::Constant(absl::CivilDay(2021, 6, 20), 3000, grid);
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run({Publish(west), Publish(east)}, "2021-06", "median"));
  ASSERT_OK_AND_ASSIGN(const auto reader, product::RasterReader::Open(stores_, result.product.uri + "/B03.tif"));
  EXPECT_EQ(reader->grid(), (geo::Grid{32633, 399960, 5000040, 10, 156, 126}));
  const auto green = ReadAsset<int16_t>(result.product.uri, "B03");
  EXPECT_EQ(green(10, 10), 1000);
  EXPECT_EQ(green(70, 40), 2000);
  EXPECT_EQ(green(150, 120), 3000);
  EXPECT_EQ(green(150, 5), raster::kReflectanceNoData);
}

TEST_F(CompositeStageTest, BlocksThreadsAndOrderDoNotMatter) {
  std::mt19937 random(8);
  std::vector<std::string> inputs;
  const geo::Grid grid = {32633, 399960, 5000040, 10, 1128, 324};
  for (int d = 0; d < 5; ++d) {
    auto date = FakeL2a::Constant(absl::CivilDay(2021, 6, 3) + 5 * d, 1000, grid);
    for (auto& [name, image] : date.bands) {
      for (size_t i = 0; i < image.size(); ++i) image.data()[i] = static_cast<int16_t>(500 + random() % 2000);
    }
    for (int cloud = 0; cloud < 12; ++cloud) {
      const int x0 = static_cast<int>(random() % 510), y0 = static_cast<int>(random() % 110);
      for (int y = y0; y < y0 + 50; ++y) std::fill_n(date.scl.row(y).begin() + x0, 50, raster::kSclCloudHigh);
    }
    inputs.push_back(Publish(date));
  }
  for (const char* method : {"weighted-average", "median", "medoid", "geometric-median", "best-pixel"}) {
    ASSERT_OK_AND_ASSIGN(const TaskResult whole, Run(inputs, "2021-06", method, 1));
    ASSERT_OK_AND_ASSIGN(const TaskResult parts, Run(inputs, "2021-06", method, 3, 8 << 20));
    std::vector<std::string> reversed(inputs.rbegin(), inputs.rend());
    ASSERT_OK_AND_ASSIGN(const TaskResult turned, Run(reversed, "2021-06", method, 2));
    EXPECT_EQ(PixelDigests(whole.product), PixelDigests(parts.product)) << method;
    EXPECT_EQ(PixelDigests(whole.product), PixelDigests(turned.product)) << method;
    EXPECT_EQ(PixelDigests(whole.product).size(), 13u);
  }
}

TEST_F(CompositeStageTest, LandsatFillsTheBandsThatItHas) {
  auto landsat = FakeL2a::Constant(absl::CivilDay(2021, 6, 15), 1000);
  landsat.platform = "LC08";
  for (const char* band : {"B05", "B06", "B07"}) landsat.bands.erase(band);
  const auto sentinel = FakeL2a::Constant(absl::CivilDay(2021, 6, 16), 2000);
  ASSERT_OK_AND_ASSIGN(const TaskResult both, Run({Publish(landsat), Publish(sentinel)}, "2021-06"));
  EXPECT_EQ(ReadAsset<int16_t>(both.product.uri, "B06")(5, 5), 2000);
  EXPECT_NEAR(ReadAsset<int16_t>(both.product.uri, "B11")(5, 5), (0.33 * 1000 + 2000) / 1.33,
              8);  // dates differ a little
  ASSERT_OK_AND_ASSIGN(const TaskResult alone, Run({Publish(landsat)}, "2021-06"));
  EXPECT_EQ(PixelDigests(alone.product).count("B06"), 0u);
}

TEST_F(CompositeStageTest, SkipsAPeriodWithoutInput) {
  const std::string july = Publish(FakeL2a::Constant(absl::CivilDay(2021, 7, 25), 1000));
  ASSERT_OK_AND_ASSIGN(const TaskResult none, Run({}, "2021-06"));
  EXPECT_EQ(none.outcome, TaskResult::Outcome::kSkipped);
  EXPECT_EQ(none.skip_reason, "no-data");
  ASSERT_OK_AND_ASSIGN(const TaskResult outside, Run({july}, "2021-06", "median"));
  EXPECT_EQ(outside.outcome, TaskResult::Outcome::kSkipped);
}

TEST_F(CompositeStageTest, NamesWhatIsWrong) {
  const std::string good = Publish(FakeL2a::Constant(absl::CivilDay(2021, 6, 5), 1000));
  EXPECT_THAT(Run({good}, "June"), testing::StatusIs(absl::StatusCode::kInvalidArgument, "June"));
  EXPECT_THAT(Run({good}, "2021-06", "mean"), testing::StatusIs(absl::StatusCode::kInvalidArgument, "'mean'"));
  EXPECT_THAT(Run({"output:/l2a/none"}, "2021-06"), testing::StatusIs(absl::StatusCode::kNotFound, "l2a/none"));
  geo::Grid other = product::kFakeGrid;
  other.epsg = 32634;
  const std::string foreign = Publish(FakeL2a::Constant(absl::CivilDay(2021, 6, 6), 1000, other));
  EXPECT_THAT(Run({good, foreign}, "2021-06"), testing::StatusIs(absl::StatusCode::kInvalidArgument, "S2A_20210606"));
}

TEST_F(CompositeStageTest, BrdfScalesLand) {
  const std::string date = Publish(FakeL2a::Constant(absl::CivilDay(2021, 6, 15), 2000));
  ASSERT_OK_AND_ASSIGN(const TaskResult plain, Run({date}, "2021-06"));
  ASSERT_OK_AND_ASSIGN(const TaskResult corrected, Run({date}, "2021-06", "weighted-average", 1, 1 << 30, true));
  EXPECT_EQ(ReadAsset<int16_t>(plain.product.uri, "B04")(9, 9), 2000);
  const int value = ReadAsset<int16_t>(corrected.product.uri, "B04")(9, 9);
  EXPECT_NE(value, 2000);
  EXPECT_NEAR(value, 2000, 100);  // 8 degrees off nadir
}

// When this fails, pixels have moved: raise the stage's version in catalog.cc, then set the new digests here.
TEST_F(CompositeStageTest, PixelsMoveOnlyWithTheVersion) {
  std::vector<std::string> inputs;
  for (uint32_t d = 0; d < 4; ++d) {
    auto date = FakeL2a::Constant(absl::CivilDay(2021, 6, 4) + 7 * d, 0);
    uint32_t band = 0;
    for (auto& [name, image] : date.bands) {
      ++band;
      for (uint32_t i = 0; i < image.size(); ++i) {
        image.data()[i] = static_cast<int16_t>(300 + 40 * band + (i * 2654435761u + d * 40503u + band * 97u) % 900);
      }
    }
    for (int y = 8; y < 20; ++y) std::fill_n(date.scl.row(y).begin() + 9 * d, 12, raster::kSclCloudHigh);
    for (int y = 30; y < 34; ++y) std::fill_n(date.scl.row(y).begin(), 48, raster::kSclWater);
    std::fill_n(date.aot.row(40).begin(), 48, static_cast<uint16_t>(300 * d));
    inputs.push_back(Publish(date));
  }
  ASSERT_EQ((*FindStage("composite"))->algorithm_version, 1);
  const std::map<std::string, std::string> golden = {{"weighted-average", "d811e7264b20bdf0"},
                                                     {"median", "52215d21c0429fee"},
                                                     {"medoid", "6e6a813ae5455907"},
                                                     {"geometric-median", "8aefa1dd0ad1ece8"},
                                                     {"best-pixel", "3323331e8f322b44"}};
  for (const auto& [method, expected] : golden) {
    ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(inputs, "2021-06", method));
    Sha256 all;
    for (const auto& [asset, digest] : PixelDigests(result.product)) all.UpdateField(asset).UpdateField(digest);
    EXPECT_EQ(all.Finish().substr(0, 16), expected) << method;
  }
}

}  // namespace
}  // namespace arpent::stages
