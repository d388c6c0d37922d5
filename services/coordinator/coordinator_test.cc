#include "services/coordinator/coordinator.h"

#include "services/coordinator/coordinator_for_test.h"

namespace arpent::coordinator {
namespace {

using TaskCounts = std::map<std::string, int>;

TEST_F(CoordinatorTest, TheWholeChainThenNothingThenOnlyWhatDepends) {
  RunMessage run = Start();
  EXPECT_EQ(run.state(), RUN_STATE_PLANNING);
  EXPECT_EQ(Work(), (TaskCounts{{"discover", 2}, {"l2a", 5}, {"composite", 4}, {"vegetation", 4}, {"samples", 2},
                                {"train", 2}, {"crop-mask", 2}, {"crop-type", 2}, {"validate", 2}, {"map", 1}}));
  run = Get(run);
  EXPECT_EQ(run.state(), RUN_STATE_SUCCEEDED) << run.DebugString();
  ExpectSums(run);

  // An unchanged site: only the look at its inputs.
  run = Start();
  EXPECT_EQ(Work(), (TaskCounts{{"discover", 2}}));
  run = Get(run);
  EXPECT_EQ(run.state(), RUN_STATE_SUCCEEDED);
  EXPECT_EQ(Counts(run, "l2a").reused(), 5);
  EXPECT_EQ(Counts(run, "map").reused(), 1);

  // A new scene of one tile in June.
  scenes_.push_back(Scene("33TVL", "20210620"));
  Start();
  EXPECT_EQ(Work(), (TaskCounts{{"discover", 2}, {"l2a", 1}, {"composite", 1}, {"vegetation", 1}, {"samples", 1},
                                {"train", 2}, {"crop-mask", 2}, {"crop-type", 2}, {"validate", 2}, {"map", 1}}));

  // Options re-key the stages that read them and what depends on those.
  Apply(std::string(kSite) + "vegetation: {indices: [ndvi]}\n");
  Start();
  EXPECT_EQ(Work(), (TaskCounts{{"discover", 2}, {"vegetation", 4}}));
  Apply(std::string(kSite) + "train: {trees: 7}\n");
  Start();
  EXPECT_EQ(Work(), (TaskCounts{
                        {"discover", 2}, {"train", 2}, {"crop-mask", 2}, {"crop-type", 2}, {"validate", 2}, {"map", 1}}));
}

TEST_F(CoordinatorTest, BadInputsAreNamedAndTheRestIsDone) {
  rejected_ = {"input:/l1c/error.SAFE"};
  failures_[scenes_[0].acquisition()] = absl::StatusCode::kDataLoss;
  failures_[scenes_[3].acquisition()] = absl::StatusCode::kInvalidArgument;
  cloudy_.insert(scenes_[4].acquisition());
  RunMessage run = Start();
  EXPECT_EQ(Work()["l2a"], 6) << "damaged data is read twice";
  run = Get(run);
  EXPECT_EQ(run.state(), RUN_STATE_DEGRADED);
  ExpectSums(run);
  const std::map<std::string, Cell> cells = Cells(run);
  const Cell& rejected = cells.at("discover/input:/l1c/error.SAFE");
  EXPECT_EQ(rejected.outcome(), CELL_OUTCOME_FAILED);
  EXPECT_EQ(rejected.error_code(), "INVALID_ARGUMENT");
  const Cell& damaged = cells.at("l2a/" + scenes_[0].acquisition());
  EXPECT_EQ(damaged.outcome(), CELL_OUTCOME_FAILED);
  EXPECT_EQ(damaged.attempts(), 2);
  EXPECT_EQ(damaged.error_code(), "DATA_LOSS");
  EXPECT_THAT(damaged.error_message(), HasSubstr("B02.jp2"));
  EXPECT_EQ(damaged.time_seconds().at("cpu"), 2);
  // One scene of two is left in May, none of 33TWL.
  EXPECT_EQ(cells.at("composite/33TVL/2021-05").outcome(), CELL_OUTCOME_DONE);
  EXPECT_TRUE(cells.at("composite/33TVL/2021-05").degraded());
  EXPECT_FALSE(cells.at("composite/33TVL/2021-06").degraded());
  EXPECT_EQ(cells.at("composite/33TWL/2021-05").outcome(), CELL_OUTCOME_MISSING_INPUT);
  EXPECT_THAT(cells.at("composite/33TWL/2021-05").reason(), HasSubstr(scenes_[3].acquisition()));
  EXPECT_EQ(cells.at("composite/33TWL/2021-06").outcome(), CELL_OUTCOME_SKIPPED);
  EXPECT_THAT(cells.at("composite/33TWL/2021-06").reason(), HasSubstr("cloudy"));
  EXPECT_EQ(cells.at("vegetation/33TWL/2021-05").outcome(), CELL_OUTCOME_MISSING_INPUT);
  EXPECT_EQ(cells.at("map").outcome(), CELL_OUTCOME_DONE);

  // The data are repaired: what was made without them is made again, the cloudy one is not looked at again.
  failures_.clear();
  rejected_.clear();
  run = Start();
  EXPECT_EQ(Work()["l2a"], 2);
  EXPECT_EQ(Get(run).state(), RUN_STATE_SUCCEEDED);
  EXPECT_FALSE(Cells(run).at("composite/33TVL/2021-05").reused());
}

TEST_F(CoordinatorTest, SkipsAloneAreSuccess) {
  scenes_.push_back(Scene("33TVL", "20210510", "02.14"));
  cloudy_.insert(scenes_[1].acquisition());
  const RunMessage run = Start();
  Work();
  EXPECT_EQ(Get(run).state(), RUN_STATE_SUCCEEDED);
  const std::map<std::string, Cell> cells = Cells(run);
  const auto superseded = std::find_if(cells.begin(), cells.end(), [](const auto& cell) {
    return cell.second.reason() == "superseded by S2A_20210510T100000_R122_T33TVL_N04.00";
  });
  ASSERT_NE(superseded, cells.end());
  EXPECT_EQ(superseded->second.unit(), "S2A_20210510T100000_R122_T33TVL_N02.14");
}

TEST_F(CoordinatorTest, OneActiveRunPerSiteAndRequestsAreIdempotent) {
  StartRunRequest request;
  request.set_request_id("one");
  request.set_site("north");
  ASSERT_OK_AND_ASSIGN(const RunMessage run, coordinator_->StartRun(request));
  ASSERT_OK_AND_ASSIGN(const RunMessage again, coordinator_->StartRun(request));
  EXPECT_EQ(again.run_id(), run.run_id());
  request.set_request_id("two");
  EXPECT_THAT(coordinator_->StartRun(request), StatusIs(absl::StatusCode::kAlreadyExists, run.run_id()));
  EXPECT_THAT(coordinator_->DeleteSite("north"), StatusIs(absl::StatusCode::kFailedPrecondition, run.run_id()));
  Work();
  ASSERT_OK(coordinator_->StartRun(request).status());
  request.set_request_id("three");
  request.set_site("south");
  EXPECT_THAT(coordinator_->StartRun(request), StatusIs(absl::StatusCode::kNotFound, "south"));
  request.set_site("north");
  request.set_season("2020");
  EXPECT_THAT(coordinator_->StartRun(request), StatusIs(absl::StatusCode::kNotFound, "it has 2021"));
}

TEST_F(CoordinatorTest, APlanBeginsNothingButTheLookAtTheInputs) {
  const RunMessage run = Start(/*plan_only=*/true);
  EXPECT_EQ(Work(), (TaskCounts{{"discover", 2}}));
  const RunMessage planned = Get(run);
  EXPECT_EQ(planned.state(), RUN_STATE_PLANNED);
  EXPECT_EQ(Counts(planned, "l2a").ready(), 5);
  EXPECT_EQ(Counts(planned, "composite").waiting(), 4);
  EXPECT_GT(Counts(planned, "l2a").expected_core_seconds(), 0);
  EXPECT_GT(Counts(planned, "l2a").expected_output_bytes(), 0);
  ExpectSums(planned);
}

TEST_F(CoordinatorTest, CancellingStopsWhatNobodyElseNeeds) {
  const RunMessage run = Start();
  SynchronizeRequest request = Request();
  ASSERT_OK_AND_ASSIGN(SynchronizeResponse response, coordinator_->Synchronize(request));
  for (const Task& task : response.begin()) *request.add_finished() = Outcome(task);
  ASSERT_OK_AND_ASSIGN(response, coordinator_->Synchronize(request));
  request.clear_finished();
  ASSERT_EQ(response.begin_size(), 4);
  for (const Task& task : response.begin()) {
    auto* const running = request.add_running();
    running->set_task_id(task.task_id());
    running->set_fencing_token(task.fencing_token());
  }
  ASSERT_OK_AND_ASSIGN(const RunMessage cancelled, coordinator_->CancelRun(run.run_id()));
  EXPECT_EQ(cancelled.state(), RUN_STATE_CANCELLED);
  ExpectSums(cancelled);
  ASSERT_OK_AND_ASSIGN(response, coordinator_->Synchronize(request));
  EXPECT_EQ(response.stop_task_ids_size(), 4);
  EXPECT_TRUE(response.begin().empty());
  ASSERT_OK(coordinator_->CancelRun(run.run_id()).status());
  EXPECT_EQ(Work(), TaskCounts());
  // What was done stays done.
  Start();
  EXPECT_EQ(Work()["l2a"], 5);
}

TEST_F(CoordinatorTest, TwoSitesShareTheirWork) {
  std::string other = kSite;
  other.replace(other.find("north"), 5, "south");
  Apply(other);
  Start();
  StartRunRequest request;
  request.set_request_id("south");
  request.set_site("south");
  ASSERT_OK_AND_ASSIGN(const RunMessage south, coordinator_->StartRun(request));
  const TaskCounts done = Work();
  EXPECT_EQ(done.at("l2a"), 5);
  EXPECT_EQ(done.at("composite"), 4);
  EXPECT_EQ(done.at("map"), 2) << "a map bears its site's name";
  EXPECT_EQ(Get(south).state(), RUN_STATE_SUCCEEDED);
}

TEST_F(CoordinatorTest, ASilentWorkerLosesItsTaskAndALostResponseIsRepeated) {
  const RunMessage run = Start();
  ASSERT_OK_AND_ASSIGN(const SynchronizeResponse first, coordinator_->Synchronize(Request("a")));
  ASSERT_EQ(first.begin_size(), 2);
  ASSERT_OK_AND_ASSIGN(const SynchronizeResponse repeated, coordinator_->Synchronize(Request("a")));
  ASSERT_EQ(repeated.begin_size(), 2);
  EXPECT_EQ(repeated.begin(0).fencing_token(), first.begin(0).fencing_token());

  clock_.Advance(policy_.queue.lease);
  ASSERT_OK(coordinator_->Tick());
  EXPECT_THAT(Cells(run).at("discover/inputs[0]").waiting_for(), HasSubstr("attempt 2 in "));
  EXPECT_THAT(Cells(run).at("discover/inputs[0]").error_message(), HasSubstr("worker a was not heard of"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("arpent_leases_expired_total{stage=\"discover\"} 2"));
  SynchronizeRequest late = Request("a");
  *late.add_finished() = Outcome(first.begin(0));
  ASSERT_OK_AND_ASSIGN(const SynchronizeResponse answer, coordinator_->Synchronize(late));
  ASSERT_EQ(answer.acknowledged_size(), 1);
  EXPECT_TRUE(answer.acknowledged(0).stale());
  Work();
  EXPECT_EQ(Get(run).state(), RUN_STATE_SUCCEEDED);
}

TEST_F(CoordinatorTest, AWorkerCannotEndOrKeepWhatAnotherLeases) {
  const RunMessage run = Start();
  ASSERT_OK_AND_ASSIGN(const SynchronizeResponse leased, coordinator_->Synchronize(Request("a")));
  ASSERT_EQ(leased.begin_size(), 2);
  SynchronizeRequest foreign = Request("b");
  *foreign.add_finished() = Outcome(leased.begin(0));  // with the right token
  TaskOutcome failed = Outcome(leased.begin(1));
  failed.mutable_failed()->set_code("INVALID_ARGUMENT");
  *foreign.add_finished() = failed;
  auto* const running = foreign.add_running();
  running->set_task_id(leased.begin(0).task_id());
  running->set_fencing_token(leased.begin(0).fencing_token());
  ASSERT_OK_AND_ASSIGN(const SynchronizeResponse answer, coordinator_->Synchronize(foreign));
  ASSERT_EQ(answer.acknowledged_size(), 2);
  EXPECT_TRUE(answer.acknowledged(0).stale());
  EXPECT_TRUE(answer.acknowledged(1).stale());
  EXPECT_THAT(answer.stop_task_ids(), ::testing::ElementsAre(leased.begin(0).task_id()));
  EXPECT_EQ(Counts(Get(run), "discover").running(), 2) << "both are still the holder's";

  SynchronizeRequest own = Request("a");
  *own.add_finished() = Outcome(leased.begin(0));
  ASSERT_OK_AND_ASSIGN(const SynchronizeResponse taken, coordinator_->Synchronize(own));
  EXPECT_FALSE(taken.acknowledged(0).stale());
}

TEST_F(CoordinatorTest, WhatWaitsSaysWhy) {
  const RunMessage run = Start();
  SynchronizeRequest request = Request();
  request.mutable_stages()->RemoveLast();  // no l2a
  ASSERT_OK_AND_ASSIGN(SynchronizeResponse response, coordinator_->Synchronize(request));
  for (const Task& task : response.begin()) *request.add_finished() = Outcome(task);
  ASSERT_OK_AND_ASSIGN(response, coordinator_->Synchronize(request));
  EXPECT_TRUE(response.begin().empty());
  std::map<std::string, Cell> cells = Cells(run);
  EXPECT_THAT(cells.at("l2a/" + scenes_[0].acquisition()).waiting_for(), HasSubstr("a worker that offers l2a@"));
  EXPECT_THAT(cells.at("composite/33TVL/2021-06").waiting_for(), HasSubstr("l2a/" + scenes_[2].acquisition()));
  SynchronizeRequest small = Request("small");
  small.set_memory_bytes(1000);
  ASSERT_OK_AND_ASSIGN(response, coordinator_->Synchronize(small));
  EXPECT_TRUE(response.begin().empty());
  EXPECT_THAT(Cells(run).at("l2a/" + scenes_[0].acquisition()).waiting_for(), HasSubstr("MB; the largest has 0 MB"));
}

TEST_F(CoordinatorTest, AWatchShowsEveryChangeAndResumes) {
  const RunMessage run = Start();
  std::map<std::string, Cell> seen;
  int64_t after = 0;
  const auto watch = [&] {
    while (true) {
      const auto changes = coordinator_->WatchRun(run.run_id(), after, absl::ZeroDuration());
      ASSERT_OK(changes.status());
      if (changes->any) {
        EXPECT_GT(changes->response.sequence(), after);
        after = changes->response.sequence();
        for (const Cell& cell : changes->response.cells()) seen[cell.cell_id()] = cell;
      }
      if (!changes->any || changes->ended) return;
    }
  };
  watch();
  EXPECT_EQ(seen.size(), 2u);
  Restart();
  Work();
  watch();
  const auto cells = Cells(run);
  EXPECT_EQ(seen.size(), cells.size());
  for (const auto& [id, cell] : cells) EXPECT_EQ(seen[id].outcome(), cell.outcome()) << id;
  EXPECT_THAT(coordinator_->WatchRun("none", 0, absl::ZeroDuration()).status(),
              StatusIs(absl::StatusCode::kNotFound, "none"));
}

TEST_F(CoordinatorTest, ProductsAreListedAndForgotten) {
  Start();
  Work();
  product::v1::ListProductsRequest request;
  request.set_stage("l2a");
  request.set_tile("33TVL");
  request.set_page_size(2);
  std::string token;
  ASSERT_OK_AND_ASSIGN(auto page, coordinator_->ListProducts(request, &token));
  EXPECT_EQ(page.size(), 2u);
  request.set_page_token(token);
  ASSERT_OK_AND_ASSIGN(page, coordinator_->ListProducts(request, &token));
  ASSERT_EQ(page.size(), 1u);
  EXPECT_EQ(token, "");
  ASSERT_OK_AND_ASSIGN(const auto product, coordinator_->GetProduct(page[0].key().substr(0, 12)));
  EXPECT_EQ(product.key(), page[0].key());
  ASSERT_OK(coordinator_->DeleteProduct(product.key()));
  EXPECT_THAT(coordinator_->GetProduct(product.key()), StatusIs(absl::StatusCode::kNotFound, product.key()));
  Start();
  EXPECT_EQ(Work()["l2a"], 1);
}

// A coordinator that is killed again and again, workers that vanish: every run ends as it would have, and nothing that was
// acknowledged is done twice.
TEST_F(CoordinatorTest, KilledAtAnyMomentItGoesOn) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 random(seed);
    Apply(absl::StrCat(kSite, "train: {seed: ", seed, "}\nvegetation: {indices: [ndvi]}\nl2a: {cloud_limit: 0.", seed, "5}\n"));
    const RunMessage run = Start();
    std::map<std::string, int> completed;  // acknowledged outcomes by task
    std::map<std::string, SynchronizeRequest> workers;
    for (int step = 0; step < 2000 && !Get(run).has_end_time(); ++step) {
      if (random() % 10 == 0) Restart();
      if (random() % 10 == 0) clock_.Advance(absl::Seconds(random() % 40));
      ASSERT_OK(coordinator_->Tick());
      const std::string name = absl::StrCat("w", random() % 3);
      if (workers.count(name) == 0) workers[name] = Request(absl::StrCat(name, "-", step));
      if (random() % 40 == 0) {
        workers.erase(name);  // killed
        continue;
      }
      SynchronizeRequest& request = workers[name];
      ASSERT_OK_AND_ASSIGN(const SynchronizeResponse response, coordinator_->Synchronize(request));
      for (const auto& acknowledged : response.acknowledged()) {
        if (!acknowledged.stale()) ++completed[acknowledged.task_id()];
      }
      request.clear_finished();
      for (const Task& task : response.begin()) *request.add_finished() = Outcome(task);
    }
    const RunMessage ended = Get(run);
    ExpectSums(ended);
    ASSERT_TRUE(ended.has_end_time());
    for (const auto& [task, times] : completed) EXPECT_EQ(times, 1) << task;
    if (ended.state() == RUN_STATE_DEGRADED) {
      for (const auto& [id, cell] : Cells(run)) {
        if (cell.outcome() != CELL_OUTCOME_FAILED) continue;
        EXPECT_EQ(cell.attempts(), policy_.queue.attempts) << id;
      }
    } else {
      EXPECT_EQ(ended.state(), RUN_STATE_SUCCEEDED);
    }
  }
}

}  // namespace
}  // namespace arpent::coordinator
