// Sweeps by the coordinator itself: what it removes, what it never does, and that nothing comes into use while it goes.
#include "services/coordinator/storage_sweeper.h"

#include "common/product/publication.h"
#include "common/storage/file_store.h"
#include "common/testing/temporary_folder.h"
#include "services/coordinator/coordinator_for_test.h"

namespace arpent::coordinator {
namespace {

// The fake worker's products really are in a store, each made of the inputs of its task.
class StorageSweeperTest : public CoordinatorTest {
 protected:
  StorageSweeperTest() {
    output_ = *storage::FileStore::Open(folder_.path());
    stores_->Add("output", output_);
  }

  // Does and publishes what the coordinator gives.
  void WorkAndPublish() {
    SynchronizeRequest request = Request();
    request.set_slots(40);
    for (int idle = 0; idle < 5;) {
      const absl::StatusOr<SynchronizeResponse> response = coordinator_->Synchronize(request);
      ASSERT_OK(response.status());
      request.clear_finished();
      for (const Task& task : response->begin()) *request.add_finished() = Publish(task);
      idle = response->begin().empty() ? idle + 1 : 0;
    }
  }
  TaskOutcome Publish(const Task& task) {
    TaskOutcome outcome = Outcome(task);
    if (task.stage() == "discover") return outcome;
    product::ProductDescription description;
    description.stage = task.stage();
    description.key = task.task_id();
    std::string purpose;
    for (const auto& parameter : task.parameters()) {
      if (parameter.name() == "purpose") purpose = parameter.value();
    }
    const std::string kind = task.stage() == "train" ? "models" : task.stage() == "validate" ? "validation" : task.stage();
    description.folder = absl::StrCat(kind, "/", task.tile(), "+/", task.acquisition(), task.period(), task.stratum(), purpose,
                                      "_", task.task_id().substr(0, 12));
    for (const auto& input : task.inputs()) description.inputs.push_back({input.role(), input.key(), input.uri()});
    product::Publication publication(stores_, scratch_.path(), description);
    EXPECT_OK(publication.AddFile("data", "data.json", "application/json", "data", task.task_id()));
    EXPECT_OK(publication.Publish());
    outcome.mutable_done()->mutable_product()->set_uri("output:/" + description.folder);
    return outcome;
  }
  SweepResult Sweep() {
    const absl::StatusOr<SweepResult> result = SweepOutput(*coordinator_, counters_, *stores_, stop_);
    EXPECT_OK(result.status());
    return result.value_or(SweepResult());
  }
  std::vector<product::v1::Product> Products(bool old) {
    product::v1::ListProductsRequest request;
    request.set_include_old(old);
    std::string next;
    return *coordinator_->ListProducts(request, &next);
  }
  // A run, a changed option, another run: the plan that removes the four versions that this left behind.
  void PlanAfterAChange(SweepPlan* plan) {
    Start();
    WorkAndPublish();
    Apply(std::string(kSite) + "vegetation: {indices: [ndvi]}\n");
    Start();
    WorkAndPublish();
    SweepState state = coordinator_->ViewForSweep();
    state.products = Products(/*old=*/true);
    ASSERT_OK_AND_ASSIGN(*plan, PlanSweep(*stores_, state));
    ASSERT_EQ(plan->removals.size(), 4u);
  }
  bool IsThere(const product::v1::Product& product) { return stores_->Stat(product.uri() + "/item.json").ok(); }

  testing::TemporaryFolder folder_, scratch_;
  std::shared_ptr<storage::ObjectStore> output_;
  std::shared_ptr<storage::StoreSet> stores_ = std::make_shared<storage::StoreSet>();
  absl::Notification stop_;
};

TEST_F(StorageSweeperTest, OldVersionsGoAndWhatKeptProductsWereMadeOfStays) {
  Start();
  WorkAndPublish();
  EXPECT_EQ(Sweep().removed, 0);
  Apply(std::string(kSite) + "vegetation: {indices: [ndvi]}\n");
  Start();
  WorkAndPublish();
  ASSERT_EQ(Products(/*old=*/true).size(), Products(/*old=*/false).size() + 4);
  const SweepResult swept = Sweep();
  EXPECT_EQ(swept.removed, 4);
  EXPECT_GT(swept.bytes, 0);
  EXPECT_EQ(Products(/*old=*/true).size(), Products(/*old=*/false).size());
  for (const auto& product : Products(/*old=*/true)) EXPECT_TRUE(IsThere(product)) << product.uri();
  EXPECT_THAT(metrics_.Text(), HasSubstr("arpent_swept_folders_total{reason=\"old_version\"} 4"));
  EXPECT_EQ(Sweep().removed, 0);

  // Forgotten for good: the earlier options make the earlier versions again.
  Restart();
  Apply(kSite);
  Start();
  EXPECT_EQ(Work()["vegetation"], 4);
}

TEST_F(StorageSweeperTest, WhatARunInProgressUsesStays) {
  Start();
  WorkAndPublish();
  Apply(std::string(kSite) + "vegetation: {indices: [ndvi]}\n");
  Start();
  WorkAndPublish();
  // A run that found the earlier versions again, and has not ended.
  Apply(std::string(kSite) + "train: {trees: 7}\n");
  const RunMessage run = Start();
  SynchronizeRequest request = Request();
  request.set_slots(40);
  ASSERT_OK_AND_ASSIGN(SynchronizeResponse response, coordinator_->Synchronize(request));
  for (const Task& task : response.begin()) *request.add_finished() = Publish(task);
  ASSERT_OK(coordinator_->Synchronize(request).status());
  ASSERT_FALSE(Get(run).has_end_time());
  for (const auto& product : Products(/*old=*/true)) {
    if (product.stage() != "vegetation") continue;
    const SweepPlan::Removal removal{.folder = product.uri().substr(8), .key = product.key(), .reason = kOldVersion};
    if (product.current()) {
      EXPECT_THAT(coordinator_->BeginRemoval(removal), StatusIs(absl::StatusCode::kFailedPrecondition, "uses it"));
      EXPECT_THAT(coordinator_->DeleteProduct(product.key()),
                  StatusIs(absl::StatusCode::kFailedPrecondition, run.run_id()));
    }
  }
  Sweep();
  for (const auto& product : Products(/*old=*/false)) EXPECT_TRUE(IsThere(product)) << product.uri();
}

TEST_F(StorageSweeperTest, APlanThatIsLateSparesWhatCameIntoUseMeanwhile) {
  SweepPlan plan;
  ASSERT_NO_FATAL_FAILURE(PlanAfterAChange(&plan));
  Apply(kSite);
  Start();
  WorkAndPublish();  // takes the earlier versions: they are current again
  for (const SweepPlan::Removal& removal : plan.removals) {
    EXPECT_THAT(coordinator_->BeginRemoval(removal), StatusIs(absl::StatusCode::kFailedPrecondition, "is current again"));
  }
}

TEST_F(StorageSweeperTest, WhatIsBeingRemovedIsNotMadeAgainBeforeItIsGone) {
  SweepPlan plan;
  ASSERT_NO_FATAL_FAILURE(PlanAfterAChange(&plan));
  ASSERT_OK(coordinator_->BeginRemoval(plan.removals[0]));
  Apply(kSite);
  const RunMessage run = Start();
  WorkAndPublish();
  EXPECT_FALSE(Get(run).has_end_time());
  int waiting = 0;
  for (const auto& [id, cell] : Cells(run)) waiting += absl::StrContains(cell.waiting_for(), "the storage sweep");
  EXPECT_EQ(waiting, 1);
  ASSERT_OK(Remove(*output_, plan.removals[0]));
  ASSERT_OK(coordinator_->EndRemoval(plan.removals[0]));
  WorkAndPublish();
  EXPECT_EQ(Get(run).state(), RUN_STATE_SUCCEEDED);
  EXPECT_EQ(Counts(Get(run), "vegetation").reused(), 3);
  for (const auto& product : Products(/*old=*/false)) EXPECT_TRUE(IsThere(product)) << product.uri();
}

TEST_F(StorageSweeperTest, ASweepIsDueByTheClockAlsoAfterARestartAndAJump) {
  EXPECT_TRUE(coordinator_->IsSweepDue(absl::Hours(24)));
  ASSERT_OK(coordinator_->NoteSweep());
  EXPECT_FALSE(coordinator_->IsSweepDue(absl::Hours(24)));
  clock_.Advance(absl::Hours(23));
  Restart();
  EXPECT_FALSE(coordinator_->IsSweepDue(absl::Hours(24)));
  clock_.Advance(absl::Hours(1));
  EXPECT_TRUE(coordinator_->IsSweepDue(absl::Hours(24)));
  clock_.Advance(-absl::Hours(24 * 30));
  EXPECT_TRUE(coordinator_->IsSweepDue(absl::Hours(24))) << "the last one lies ahead";
}

TEST_F(StorageSweeperTest, TheThreadSweepsByItself) {
  Start();
  WorkAndPublish();
  Apply(std::string(kSite) + "vegetation: {indices: [ndvi]}\n");
  Start();
  WorkAndPublish();
  {
    const std::shared_ptr<Coordinator> shared(coordinator_.get(), [](Coordinator*) {});
    const StorageSweeper sweeper(shared, counters_, output_, absl::Hours(24));
    for (int i = 0; i < 100 && Products(true).size() > Products(false).size(); ++i) absl::SleepFor(absl::Milliseconds(50));
  }
  EXPECT_EQ(Products(/*old=*/true).size(), Products(/*old=*/false).size());
}

}  // namespace
}  // namespace arpent::coordinator
