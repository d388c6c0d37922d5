// What a coordinator does by itself, and what it keeps over a restart beside runs: learned costs, inputs that are looked at
// again, cells of old runs, a site's limits, stage versions that nobody offers.
#include <cmath>

#include "services/coordinator/coordinator.h"
#include "services/coordinator/coordinator_for_test.h"

namespace arpent::coordinator {
namespace {

using TaskCounts = std::map<std::string, int>;

class CoordinatorUpkeepTest : public CoordinatorTest {
 protected:
  void Tick(absl::Duration after = absl::Seconds(1)) {
    clock_.Advance(after);
    ASSERT_OK(coordinator_->Tick());
  }
  std::vector<RunMessage> Runs() { return coordinator_->ListRuns("north", 0, 1000); }

  // One call of a worker that finishes what it holds in the next one.
  SynchronizeResponse Synchronize(SynchronizeRequest& request) {
    absl::StatusOr<SynchronizeResponse> response = coordinator_->Synchronize(request);
    EXPECT_OK(response.status());
    request.clear_finished();
    return *std::move(response);
  }
  // Does the tasks of `request`'s next response, without asking for more than it.
  void Finish(const SynchronizeResponse& response, SynchronizeRequest& request) {
    for (const Task& task : response.begin()) *request.add_finished() = Outcome(task);
  }
  // A worker that offers `version` of the stage instead of the newest.
  static SynchronizeRequest WithVersion(SynchronizeRequest request, const std::string& stage, const std::string& version) {
    for (std::string& offered : *request.mutable_stages()) {
      if (absl::StartsWith(offered, stage + "@")) offered = version;
    }
    return request;
  }
  int RowsOf(Table table, const std::string& prefix = "") {
    int rows = 0;
    EXPECT_OK(store_.Scan(table, prefix, [&](const std::string&, const std::string&) { ++rows; }));
    return rows;
  }
};

// --- costs ---

TEST_F(CoordinatorUpkeepTest, LearnedCostsOutliveARestart) {
  const auto expected_l2a = [this] {
    const RunMessage plan = Start(/*plan_only=*/true);
    Work();
    return Counts(Get(plan), "l2a").expected_core_seconds();
  };
  const double declared = expected_l2a();
  Start();
  Work();  // each task takes one CPU second: far less than is declared
  Apply(std::string(kSite) + "l2a: {cloud_limit: 0.5}\n");  // everything is to be done again
  const double learned = expected_l2a();
  EXPECT_GT(std::abs(learned - declared), 0.01 * declared);
  EXPECT_GT(RowsOf(Table::kCosts), 5);
  Restart();
  Apply(std::string(kSite) + "l2a: {cloud_limit: 0.4}\n");
  EXPECT_DOUBLE_EQ(expected_l2a(), learned);
}

TEST_F(CoordinatorUpkeepTest, CostsAreWrittenWithTheTickNotWithEachTask) {
  Start();
  SynchronizeRequest request = Request();
  Finish(Synchronize(request), request);
  Synchronize(request);
  EXPECT_EQ(RowsOf(Table::kCosts), 0);
  Tick();
  EXPECT_EQ(RowsOf(Table::kCosts), 1);
}

TEST_F(CoordinatorUpkeepTest, WhatRanOutOfMemoryIsGivenMoreAlsoAfterARestart) {
  Start();
  SynchronizeRequest request = Request();
  request.set_slots(1);
  Finish(Synchronize(request), request);  // one discover
  Finish(Synchronize(request), request);  // the other
  SynchronizeResponse response = Synchronize(request);
  ASSERT_EQ(response.begin_size(), 1);
  ASSERT_EQ(response.begin(0).stage(), "l2a");
  const int64_t declared = response.begin(0).memory_bytes();
  TaskOutcome failed = Outcome(response.begin(0));
  failed.mutable_failed()->set_code("RESOURCE_EXHAUSTED");
  failed.mutable_failed()->set_message("l2a: out of memory");
  *request.add_finished() = failed;
  response = Synchronize(request);
  ASSERT_EQ(response.begin_size(), 1) << "another one, queued before";
  EXPECT_EQ(response.begin(0).memory_bytes(), declared * 3 / 2);
  Tick();
  Restart();
  int others = 0;
  while (true) {
    Finish(response, request);
    response = Synchronize(request);
    ASSERT_EQ(response.begin_size(), 1);
    if (response.begin(0).stage() == "l2a") break;
    ASSERT_LT(++others, 10);
  }
  EXPECT_EQ(response.begin(0).memory_bytes(), declared * 3 / 2);
}

TEST_F(CoordinatorUpkeepTest, NoTaskIsGivenMoreMemoryThanAnyWorkerHas) {
  Start();
  SynchronizeRequest request = Request();
  request.set_slots(1);
  Finish(Synchronize(request), request);
  Finish(Synchronize(request), request);
  SynchronizeResponse response = Synchronize(request);
  ASSERT_EQ(response.begin_size(), 1);
  const int64_t declared = response.begin(0).memory_bytes();
  request.set_memory_bytes(declared * 5 / 4);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(response.begin_size(), 1) << i;
    TaskOutcome failed = Outcome(response.begin(0));
    failed.mutable_failed()->set_code("RESOURCE_EXHAUSTED");
    failed.mutable_failed()->set_message("l2a: out of memory");
    *request.add_finished() = failed;
    response = Synchronize(request);
  }
  ASSERT_EQ(response.begin_size(), 1);
  EXPECT_EQ(response.begin(0).memory_bytes(), declared * 5 / 4);
}

// --- limits ---

TEST_F(CoordinatorUpkeepTest, ASiteTakesNoMoreTasksAtOnceThanItsLimit) {
  Apply(std::string(kSite) + "limits: {tasks_at_once: 2, threads_per_task: 3}\n");
  std::string other = kSite;
  other.replace(other.find("north"), 5, "south");
  other.replace(other.find("method: median"), 14, "method: medoid");
  Apply(other + "l2a: {cloud_limit: 0.1}\n");
  const RunMessage run = Start();
  SynchronizeRequest request = Request();
  request.set_slots(40);
  Finish(Synchronize(request), request);
  SynchronizeResponse response = Synchronize(request);
  ASSERT_EQ(response.begin_size(), 2) << "of five scenes";
  for (const Task& task : response.begin()) EXPECT_EQ(task.threads(), 3);
  int waiting = 0;
  for (const auto& [id, cell] : Cells(run)) {
    waiting += absl::StrContains(cell.waiting_for(), "limits.tasks_at_once (2) is reached");
  }
  EXPECT_EQ(waiting, 3);
  EXPECT_TRUE(Synchronize(request).begin().size() == 2) << "told again what it holds, and nothing new";

  // Another site is not held back by it.
  StartRunRequest start;
  start.set_request_id("south");
  start.set_site("south");
  ASSERT_OK(coordinator_->StartRun(start).status());
  SynchronizeRequest second = Request("second");
  second.set_slots(40);
  Finish(Synchronize(second), second);
  EXPECT_EQ(Synchronize(second).begin_size(), 5);

  // A restart counts the leases that it finds.
  Restart();
  SynchronizeRequest third = Request("third");
  EXPECT_TRUE(Synchronize(third).begin().empty());
  Finish(response, request);
  EXPECT_EQ(Synchronize(request).begin_size(), 2) << "as two have ended";
}

// --- versions ---

TEST_F(CoordinatorUpkeepTest, AfterTenMinutesARunTakesTheVersionThatIsOffered) {
  const RunMessage run = Start();
  SynchronizeRequest old = WithVersion(WithVersion(Request(), "l2a", "l2a@77#others"), "composite", "composite@78");
  Finish(Synchronize(old), old);
  EXPECT_TRUE(Synchronize(old).begin().empty());
  for (int minute = 0; minute <= 10; ++minute) {
    Tick(absl::Seconds(59));
    EXPECT_TRUE(Synchronize(old).begin().empty()) << minute;
  }
  EXPECT_TRUE(Get(run).warnings().empty());
  EXPECT_THAT(Cells(run).at("l2a/" + scenes_[0].acquisition()).waiting_for(), HasSubstr("a worker that offers l2a@"));
  Tick(absl::Seconds(59));
  const SynchronizeResponse response = Synchronize(old);
  ASSERT_EQ(response.begin_size(), 4);
  for (const Task& task : response.begin()) EXPECT_EQ(task.algorithm_version(), 77);
  ASSERT_EQ(Get(run).warnings_size(), 1);
  EXPECT_THAT(Get(run).warnings(0), HasSubstr("uses l2a@77"));

  // What it took over outlives a restart; the other stage has its own ten minutes.
  Restart();
  Finish(response, old);
  std::set<std::string> begun;
  for (int round = 0; round < 40; ++round) {
    Tick(absl::Seconds(5));
    const SynchronizeResponse next = Synchronize(old);
    for (const Task& task : next.begin()) begun.insert(task.stage());
    Finish(next, old);
  }
  EXPECT_EQ(begun.count("composite"), 0u) << "of the newest version, which nobody offers";
  for (int round = 0; round < 140; ++round) {
    Tick(absl::Seconds(5));
    Finish(Synchronize(old), old);
  }
  const RunMessage ended = Get(run);
  EXPECT_EQ(ended.state(), RUN_STATE_SUCCEEDED) << ended.DebugString();
  EXPECT_EQ(ended.warnings_size(), 2);
  ExpectSums(ended);
}

TEST_F(CoordinatorUpkeepTest, ARunStaysWithTheVersionsItBeganWith) {
  const RunMessage run = Start();
  Restart();
  ASSERT_OK_AND_ASSIGN(const auto row, store_.Get(Table::kRuns, run.run_id()));
  state::v1::RunRecord record;
  ASSERT_TRUE(record.ParseFromString(*row));
  for (const stages::StageInfo& stage : stages::StageCatalog()) {
    EXPECT_EQ(record.stage_versions().at(stage.name), stage.algorithm_version) << stage.name;
  }
  // As an older coordinator began it, before an upgrade that knows a newer version.
  (*record.mutable_stage_versions())["vegetation"] = 0;
  ASSERT_OK(store_.WaitDurable(store_.Append({{Table::kRuns, run.run_id(), record.SerializeAsString()}})));
  Restart();
  for (int i = 0; i < 10; ++i) Work();
  EXPECT_EQ(Counts(Get(run), "vegetation").done(), 4) << "after ten minutes, with what workers offer";
  EXPECT_THAT(Get(run).warnings(), ::testing::Contains(HasSubstr("no worker offered vegetation@0")));
}

TEST_F(CoordinatorUpkeepTest, WhenNobodyOffersTheStageItWaits) {
  const RunMessage run = Start();
  SynchronizeRequest none = Request();
  none.mutable_stages()->RemoveLast();  // l2a
  Finish(Synchronize(none), none);
  for (int minute = 0; minute < 30; ++minute) {
    EXPECT_TRUE(Synchronize(none).begin().empty());
    Tick(absl::Seconds(59));
  }
  EXPECT_EQ(Get(run).state(), RUN_STATE_RUNNING);
  EXPECT_TRUE(Get(run).warnings().empty());
  Work();
  EXPECT_EQ(Get(run).state(), RUN_STATE_SUCCEEDED);
}

// --- kept cells ---

TEST_F(CoordinatorUpkeepTest, OldRunsKeepTheirCountsOnly) {
  policy_.runs_with_cells = 2;
  policy_.ended_runs_in_memory = 1;
  Restart();
  std::vector<RunMessage> runs;
  for (int i = 0; i < 5; ++i) {
    clock_.Advance(absl::Minutes(1));
    runs.push_back(Start());
    Work();
  }
  for (int i = 0; i < 5; ++i) Tick();
  for (int i = 0; i < 5; ++i) {
    const RunMessage run = Get(runs[i]);
    EXPECT_EQ(run.state(), RUN_STATE_SUCCEEDED);
    ExpectSums(run);
    EXPECT_EQ(Counts(run, "l2a").done(), 5) << "the ledger still adds up";
    const bool pruned = i < 3;
    EXPECT_EQ(RowsOf(Table::kCells, run.run_id() + "/") == 0, pruned) << i;
    EXPECT_EQ(Cells(run).empty(), pruned);
    EXPECT_EQ(run.warnings_size(), pruned ? 1 : 0);
    // Who watches it hears what there is, and its end.
    const auto seen = coordinator_->WatchRun(run.run_id(), 0, absl::ZeroDuration());
    ASSERT_OK(seen.status());
    EXPECT_TRUE(seen->any && seen->ended);
    EXPECT_EQ(seen->response.run().run_id(), run.run_id());
    if (pruned) {
      EXPECT_THAT(seen->response.run().warnings(0), HasSubstr("cells were removed to save room"));
    }
  }
  // Products stay, and the run can be done again.
  RetryRunRequest retry;
  retry.set_run_id(runs[0].run_id());
  retry.set_request_id("again");
  ASSERT_OK(coordinator_->RetryRun(retry).status());
  EXPECT_EQ(Work(), (TaskCounts{{"discover", 2}}));
}

TEST_F(CoordinatorUpkeepTest, ASmallerBoundIsActedOnAfterARestart) {
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(absl::Minutes(1));
    Start();
    Work();
  }
  policy_.runs_with_cells = 1;
  Restart();
  for (int i = 0; i < 3; ++i) Tick();
  const std::vector<RunMessage> runs = Runs();
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_FALSE(Cells(runs[0]).empty());
  EXPECT_TRUE(Cells(runs[1]).empty());
  EXPECT_TRUE(Cells(runs[2]).empty());
}

// --- polls ---

class PolledSiteTest : public CoordinatorUpkeepTest {
 protected:
  PolledSiteTest() {
    std::string site = kSite;
    const std::string input = "uri: \"input:/l1c\"";
    site.replace(site.find(input), input.size(), input + ", poll: 1h");
    Apply(site);
  }
};

TEST_F(PolledSiteTest, ANewSceneIsFoundByItselfAndOnlyWhatDependsIsDone) {
  Tick(absl::Hours(48));
  EXPECT_TRUE(Runs().empty()) << "somebody starts the first run";
  Start();
  Work();
  Tick(absl::Minutes(30));
  EXPECT_EQ(Runs().size(), 1u);

  // Nothing new: a look, and nothing else.
  Tick(absl::Hours(1));
  ASSERT_EQ(Runs().size(), 2u);
  EXPECT_EQ(Work(), (TaskCounts{{"discover", 2}}));

  scenes_.push_back(Scene("33TVL", "20210620"));
  Tick(absl::Hours(1));
  EXPECT_EQ(Work(), (TaskCounts{{"discover", 2}, {"l2a", 1}, {"composite", 1}, {"vegetation", 1}, {"samples", 1},
                                {"train", 2}, {"crop-mask", 2}, {"crop-type", 2}, {"validate", 2}, {"map", 1}}));
  EXPECT_EQ(Runs().front().state(), RUN_STATE_SUCCEEDED);
}

TEST_F(PolledSiteTest, OfPollsThatFoundNothingTheNewestIsKept) {
  const RunMessage first = Start();
  Work();
  for (int hour = 0; hour < 6; ++hour) {
    Tick(absl::Hours(1));
    EXPECT_EQ(Work(), (TaskCounts{{"discover", 2}}));
  }
  std::vector<RunMessage> runs = Runs();
  ASSERT_EQ(runs.size(), 2u) << "the first, and the newest poll";
  EXPECT_EQ(runs[1].run_id(), first.run_id());
  EXPECT_EQ(RowsOf(Table::kRuns), 2);
  EXPECT_FALSE(Cells(first).empty());
  // One that found something is kept beside it, over a restart too.
  scenes_.push_back(Scene("33TVL", "20210620"));
  Tick(absl::Hours(1));
  Work();
  Restart();
  Tick(absl::Hours(1));
  Work();
  EXPECT_EQ(Runs().size(), 3u);
}

TEST_F(PolledSiteTest, AClockThatJumpedAheadDoesNotEndThePolls) {
  Start();
  Work();
  clock_.Advance(absl::Hours(24 * 365));
  Tick();
  Work();
  clock_.Advance(-absl::Hours(24 * 365));
  Tick(absl::Hours(1));
  EXPECT_EQ(Work(), (TaskCounts{{"discover", 2}}));
}

TEST_F(PolledSiteTest, ADeletedSiteIsNotPolled) {
  Start();
  Work();
  ASSERT_OK(coordinator_->DeleteSite("north"));
  Tick(absl::Hours(2));
  EXPECT_TRUE(Runs().empty());
  EXPECT_EQ(RowsOf(Table::kRuns) + RowsOf(Table::kCells), 0);
}

}  // namespace
}  // namespace arpent::coordinator
