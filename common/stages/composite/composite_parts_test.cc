// Composites made part by part.
#include <algorithm>
#include <random>

#include "common/product/l2a_fixture.h"
#include "common/stages/catalog.h"
#include "common/stages/composite/composite_stage.h"
#include "common/stages/parts_for_test.h"

namespace arpent::stages {
namespace {

using product::FakeL2a;
using ::arpent::testing::StatusIs;

// Two blocks of 1024 pixels each way, the second ones small.
constexpr geo::Grid kGrid = {32633, 399960, 5000040, 10, 1176, 1116};

class CompositePartsTest : public product::OutputStoreTest {
 protected:
  void SetUp() override {
    OutputStoreTest::SetUp();
    std::mt19937 random(8);
    for (int d = 0; d < 3; ++d) {
      auto date = FakeL2a::Constant(absl::CivilDay(2021, 6, 3) + 9 * d, 1000, kGrid);
      for (const char* const band : {"B03", "B08", "B05", "B06", "B07", "B12"}) date.bands.erase(band);
      for (auto& [name, image] : date.bands) {
        for (size_t i = 0; i < image.size(); ++i) image.data()[i] = static_cast<int16_t>(500 + random() % 2000);
      }
      // Clouds everywhere, some on the borders of parts at 512, some just beyond them.
      for (int cloud = 0; cloud < 9; ++cloud) {
        const int x0 = cloud % 3 == 0 ? 490 : static_cast<int>(random() % 540), y0 = static_cast<int>(random() % 520);
        for (int y = y0; y < std::min(y0 + 40, date.scl.height()); ++y) {
          std::fill_n(date.scl.row(y).begin() + x0, 40, raster::kSclCloudHigh);
        }
      }
      if (d == 1) std::fill_n(date.scl.row(530).begin(), date.scl.width(), raster::kSclSnow);
      inputs_.push_back(Publish(date));
    }
    task_.stage = "composite";
    task_.algorithm_version = 1;
    task_.tile = "33TVL";
    task_.period = "2021-06";
    task_.parameters = (*FindStage("composite"))->defaults;
    for (const std::string& uri : inputs_) task_.inputs.push_back({"l2a", Sha256Of(uri), uri});
  }

  absl::StatusOr<TaskResult> Run(const TaskSpec& task) {
    StageContext context;
    context.stores = stores_;
    context.scratch = NewScratch();
    context.threads = 2;
    return RunComposite(task, context);
  }

  const RunForTest run_ = [this](const TaskSpec& task) { return Run(task); };
  std::vector<std::string> inputs_;
  TaskSpec task_;
};

TEST_F(CompositePartsTest, AnyCutGivesTheSameBytes) { ExpectTheSameFromParts(run_, *stores_, task_, {2, 3}); }

TEST_F(CompositePartsTest, OfEveryMethod) {
  for (const char* const method : {"median", "geometric-median", "best-pixel"}) {
    SCOPED_TRACE(method);
    task_.parameters.Set("method", method);
    ExpectTheSameFromParts(run_, *stores_, task_, {2});
  }
}

TEST_F(CompositePartsTest, WithoutAPartTheAssemblyMakesTheWhole) {
  ASSERT_OK_AND_ASSIGN(const TaskResult whole, Run(task_));
  const auto expected = BytesOf(*stores_, whole.product.uri);
  RemoveAll(*stores_, whole.product.uri);
  MakeParts(run_, task_, 2);
  RemoveAll(*stores_, ProductUri(product::PartFolder(task_.Key(), 2, 3)));
  task_.part = {.across = 2};
  ASSERT_OK_AND_ASSIGN(const TaskResult assembled, Run(task_));
  EXPECT_EQ(assembled.pixels, whole.pixels);
  EXPECT_EQ(BytesOf(*stores_, whole.product.uri), expected);
  EXPECT_FALSE(stores_->List("output:/work", true).ok());
}

TEST_F(CompositePartsTest, AFileThatIsGoneIsTriedAgain) {
  MakeParts(run_, task_, 2);
  ASSERT_OK((*stores_->Find("output"))->Delete(product::PartFolder(task_.Key(), 2, 1) + "/B04.tif"));
  task_.part = {.across = 2};
  EXPECT_THAT(Run(task_), StatusIs(absl::StatusCode::kUnavailable, "B04.tif"));
  EXPECT_FALSE(stores_->List("output:/composite", true).ok()) << "nothing is published half-done";
}

TEST_F(CompositePartsTest, APartOfNothingIsSkippedAsTheWholeIs) {
  task_.inputs.clear();
  task_.part = {.across = 2, .index = 1};
  ASSERT_OK_AND_ASSIGN(const TaskResult part, Run(task_));
  EXPECT_EQ(part.outcome, TaskResult::Outcome::kSkipped);
  EXPECT_EQ(part.skip_reason, "no-data");
}

}  // namespace
}  // namespace arpent::stages
