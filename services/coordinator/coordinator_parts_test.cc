// Products that are made in parts: fanned out, lost, failed, recovered, and one cell of the ledger all the while.
#include "services/coordinator/coordinator.h"
#include "services/coordinator/coordinator_for_test.h"

namespace arpent::coordinator {
namespace {

using TaskCounts = std::map<std::string, int>;

const std::string kCut = std::string(kSite) + "limits: {parts: 2}\n";

class CoordinatorPartsTest : public CoordinatorTest {
 protected:
  static constexpr char kCell[] = "composite/33TVL/2021-05";

  static SynchronizeRequest Worker(const std::string& id, const std::vector<std::string>& stages, int slots) {
    SynchronizeRequest request;
    request.set_worker_id(id);
    for (const std::string& stage : stages) {
      request.add_stages((*stages::FindStage(stage))->Versioned() + (stage == "l2a" ? "#tables1" : ""));
    }
    request.set_slots(slots);
    request.set_memory_bytes(int64_t{64} << 30);
    return request;
  }

  // One call; what begins is held from then on.
  std::vector<Task> Call(SynchronizeRequest& request, SynchronizeResponse* whole = nullptr) {
    const absl::StatusOr<SynchronizeResponse> response = coordinator_->Synchronize(request);
    EXPECT_OK(response.status());
    request.clear_finished();
    for (const Task& task : response->begin()) {
      auto* const held = request.add_running();
      held->set_task_id(task.task_id());
      held->set_fencing_token(task.fencing_token());
    }
    if (whole != nullptr) *whole = *response;
    return {response->begin().begin(), response->begin().end()};
  }

  void Report(const TaskOutcome& outcome, SynchronizeRequest& request) {
    auto* const running = request.mutable_running();
    for (int i = 0; i < running->size(); ++i) {
      if (running->Get(i).task_id() == outcome.task_id()) running->DeleteSubrange(i--, 1);
    }
    *request.add_finished() = outcome;
  }
  void Finish(const Task& task, SynchronizeRequest& request) { Report(Outcome(task), request); }

  TaskOutcome Failure(const Task& task, const std::string& code, const std::string& message) {
    TaskOutcome outcome = Outcome(task);
    outcome.mutable_failed()->set_code(code);
    outcome.mutable_failed()->set_message(message);
    return outcome;
  }

  // A run of one composite, up to where that is ready.
  RunMessage StartComposite(const std::string& yaml) {
    Apply(yaml);
    scenes_ = {Scene("33TVL", "20210510")};
    const RunMessage run = Start();
    SynchronizeRequest early = Worker("early", {"discover", "l2a"}, 1);
    for (std::vector<Task> tasks = Call(early); !tasks.empty(); tasks = Call(early)) {
      for (const Task& task : tasks) Finish(task, early);
    }
    return run;
  }

  Cell CellOf(const RunMessage& run) { return Cells(run).at(kCell); }
};

TEST_F(CoordinatorPartsTest, AProductIsOneCellWithOneKeyHoweverItIsCut) {
  Apply(std::string(kSite) + "limits: {parts: 1}\n");
  RunMessage whole = Start();
  EXPECT_EQ(Work().at("composite"), 4);
  std::map<std::string, std::string> keys;
  for (const auto& [id, cell] : Cells(whole)) keys[id] = cell.key();

  std::string next_page;
  ASSERT_OK_AND_ASSIGN(const auto products, coordinator_->ListProducts({}, &next_page));
  for (const product::v1::Product& product : products) ASSERT_OK(coordinator_->DeleteProduct(product.key()));
  Apply(kCut);
  RunMessage run = Start();
  EXPECT_EQ(Work(), (TaskCounts{{"discover", 2}, {"l2a", 5}, {"composite", 4 * 5}, {"vegetation", 4 * 5}, {"samples", 2},
                                {"train", 2}, {"crop-mask", 2 * 5}, {"crop-type", 2 * 5}, {"validate", 2}, {"map", 1}}));
  run = Get(run);
  EXPECT_EQ(run.state(), RUN_STATE_SUCCEEDED);
  ExpectSums(run);
  EXPECT_EQ(Counts(run, "composite").expected(), 4);
  for (const auto& [id, cell] : Cells(run)) {
    EXPECT_EQ(cell.key(), keys.at(id)) << id;
    if (cell.stage() != "composite") continue;
    EXPECT_EQ(cell.parts(), 4);
    EXPECT_EQ(cell.parts_done(), 4);
    EXPECT_EQ(cell.time_seconds().at("cpu"), 5) << "of four parts and of putting them together";
  }
  int rows = 0;
  ASSERT_OK(store_.Scan(Table::kTasks, "", [&](const std::string&, const std::string&) { ++rows; }));
  EXPECT_EQ(rows, 0);

  Apply(kSite);
  Start();
  EXPECT_EQ(Work(), (TaskCounts{{"discover", 2}})) << "how it was cut does not matter to what is there";
}

TEST_F(CoordinatorPartsTest, WorkersShareThePartsAndAKilledOneLosesOnlyItsOwn) {
  const RunMessage run = StartComposite(kCut);
  SynchronizeRequest a = Worker("a", {"composite"}, 1), b = Worker("b", {"composite"}, 2);
  const std::vector<Task> of_a = Call(a), of_b = Call(b);
  ASSERT_EQ(of_a.size(), 1u);
  ASSERT_EQ(of_b.size(), 2u);
  EXPECT_EQ(of_a[0].parts_across(), 2);
  EXPECT_EQ((std::set<int>{of_a[0].part(), of_b[0].part(), of_b[1].part()}).size(), 3u);
  EXPECT_EQ(CellOf(run).outcome(), CELL_OUTCOME_RUNNING);
  Finish(of_b[0], b);
  EXPECT_EQ(Call(b).size(), 1u) << "the fourth part";
  EXPECT_EQ(CellOf(run).parts_done(), 1);
  EXPECT_NEAR(CellOf(run).progress(), 0.9 / 4, 1e-9);

  // b dies; a goes on and does what b held, not what b had done.
  clock_.Advance(policy_.queue.lease / 2);
  Call(a);
  clock_.Advance(policy_.queue.lease * 0.6);
  ASSERT_OK(coordinator_->Tick());
  EXPECT_EQ(CellOf(run).outcome(), CELL_OUTCOME_RUNNING) << "a has its part";
  clock_.Advance(absl::Seconds(3));
  std::vector<int> done;
  std::vector<Task> tasks = of_a;
  while (!tasks.empty() && tasks[0].part() > 0) {
    done.push_back(tasks[0].part());
    Finish(tasks[0], a);
    tasks = Call(a);
  }
  EXPECT_EQ(done.size(), 3u);
  EXPECT_EQ(std::count(done.begin(), done.end(), of_b[0].part()), 0);
  ASSERT_EQ(tasks.size(), 1u) << "now they are put together";
  EXPECT_EQ(tasks[0].part(), 0);
  EXPECT_EQ(tasks[0].parts_across(), 2);
  EXPECT_EQ(tasks[0].task_id(), CellOf(run).key());
  EXPECT_LT(of_a[0].memory_bytes(), tasks[0].memory_bytes());

  // What b says later is of no use to anybody.
  Finish(of_b[1], b);
  SynchronizeResponse late;
  Call(b, &late);
  ASSERT_EQ(late.acknowledged_size(), 1);
  EXPECT_TRUE(late.acknowledged(0).stale());
  Finish(tasks[0], a);
  Call(a);
  EXPECT_EQ(CellOf(run).outcome(), CELL_OUTCOME_DONE);
  EXPECT_EQ(CellOf(run).attempts(), 2);
}

TEST_F(CoordinatorPartsTest, OnePartThatCannotBeMadeEndsTheCellWithItsCause) {
  const RunMessage run = StartComposite(kCut);
  SynchronizeRequest a = Worker("a", {"composite"}, 2), b = Worker("b", {"composite"}, 2);
  const std::vector<Task> of_a = Call(a), of_b = Call(b);
  Report(Failure(of_a[0], "UNAVAILABLE", "the store is away"), a);
  Call(a);
  EXPECT_EQ(CellOf(run).outcome(), CELL_OUTCOME_RUNNING) << "others go on; it is tried again";
  EXPECT_THAT(CellOf(run).error_message(), HasSubstr("the store is away"));
  Report(Failure(of_b[1], "INVALID_ARGUMENT", "B04.tif lies on another grid"), b);
  SynchronizeResponse stop;
  Call(b, &stop);
  EXPECT_THAT(stop.stop_task_ids(), ::testing::ElementsAre(of_b[0].task_id()));
  EXPECT_EQ(CellOf(run).outcome(), CELL_OUTCOME_FAILED);
  EXPECT_EQ(CellOf(run).error_code(), "INVALID_ARGUMENT");
  EXPECT_EQ(CellOf(run).error_message(), absl::StrCat("part ", of_b[1].part(), " of 4: B04.tif lies on another grid"));
  Call(a, &stop);
  EXPECT_THAT(stop.stop_task_ids(), ::testing::ElementsAre(of_a[1].task_id()));
  clock_.Advance(absl::Hours(1));
  SynchronizeRequest c = Worker("c", {"composite"}, 9);
  EXPECT_TRUE(Call(c).empty()) << "nothing of it is left in the queue";
  Work();
  EXPECT_EQ(Get(run).state(), RUN_STATE_DEGRADED);
  ExpectSums(Get(run));
}

TEST_F(CoordinatorPartsTest, ARestartKeepsWhatIsDoneAndWhatIsHeld) {
  const RunMessage run = StartComposite(kCut);
  SynchronizeRequest a = Worker("a", {"composite"}, 2);
  const std::vector<Task> first = Call(a);
  ASSERT_EQ(first.size(), 2u);
  Finish(first[0], a);
  const std::vector<Task> third = Call(a);
  ASSERT_EQ(third.size(), 1u);
  Restart();
  EXPECT_EQ(CellOf(run).parts_done(), 1);
  EXPECT_EQ(CellOf(run).outcome(), CELL_OUTCOME_RUNNING);
  SynchronizeResponse kept;
  Call(a, &kept);
  EXPECT_EQ(kept.extended_size(), 2) << "the leases are as they were";
  EXPECT_EQ(kept.begin_size(), 0);
  Finish(first[1], a);
  Finish(third[0], a);
  const std::vector<Task> fourth = Call(a);
  ASSERT_EQ(fourth.size(), 1u) << "only what was never begun";
  Finish(fourth[0], a);
  const std::vector<Task> last = Call(a);
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].part(), 0);
  Restart();
  Finish(last[0], a);
  Call(a);
  EXPECT_EQ(CellOf(run).outcome(), CELL_OUTCOME_DONE);
  EXPECT_EQ(CellOf(run).time_seconds().at("cpu"), 5) << "what was spent before the restarts, too";
}

TEST_F(CoordinatorPartsTest, ASkippedPartSkipsTheCell) {
  const RunMessage run = StartComposite(kCut);
  SynchronizeRequest a = Worker("a", {"composite"}, 2);
  const std::vector<Task> tasks = Call(a);
  TaskOutcome skipped = Outcome(tasks[0]);
  skipped.mutable_skipped()->set_reason("no-data");
  Report(skipped, a);
  SynchronizeResponse stop;
  Call(a, &stop);
  EXPECT_THAT(stop.stop_task_ids(), ::testing::ElementsAre(tasks[1].task_id()));
  EXPECT_EQ(CellOf(run).outcome(), CELL_OUTCOME_SKIPPED);
  EXPECT_EQ(CellOf(run).reason(), "no-data");
}

TEST_F(CoordinatorPartsTest, AWorkerThatKnowsNoPartsMakesTheWhole) {
  const RunMessage run = StartComposite(kCut);
  SynchronizeRequest a = Worker("a", {"composite"}, 2);
  const std::vector<Task> tasks = Call(a);
  TaskOutcome whole = Outcome(tasks[0]);
  whole.mutable_done()->mutable_product()->set_key(CellOf(run).key());
  whole.mutable_done()->mutable_product()->set_uri("output:/composite/33TVL/2021-05_x");
  Report(whole, a);
  SynchronizeResponse stop;
  Call(a, &stop);
  EXPECT_EQ(stop.stop_task_ids_size(), 1);
  EXPECT_EQ(CellOf(run).outcome(), CELL_OUTCOME_DONE);
  EXPECT_EQ(CellOf(run).product_uri(), "output:/composite/33TVL/2021-05_x");
}

TEST_F(CoordinatorPartsTest, ACancelledRunStopsEveryPartAndADrainGivesThemBack) {
  const RunMessage run = StartComposite(kCut);
  SynchronizeRequest a = Worker("a", {"composite"}, 2);
  const std::vector<Task> tasks = Call(a);
  for (const Task& task : tasks) {
    TaskOutcome returned = Outcome(task);
    returned.mutable_returned();
    Report(returned, a);
  }
  a.set_draining(true);
  Call(a);
  EXPECT_EQ(CellOf(run).outcome(), CELL_OUTCOME_READY);
  EXPECT_THAT(CellOf(run).waiting_for(), HasSubstr("composite@"));
  SynchronizeRequest b = Worker("b", {"composite"}, 9);
  EXPECT_EQ(Call(b).size(), 4u);
  ASSERT_OK(coordinator_->CancelRun(run.run_id()).status());
  SynchronizeResponse stop;
  Call(b, &stop);
  EXPECT_EQ(stop.stop_task_ids_size(), 4);
}

TEST_F(CoordinatorPartsTest, TasksAreCutWhenSlotsWouldIdleAndNotElse) {
  const RunMessage run = StartComposite(kSite);
  SynchronizeRequest small = Worker("small", {"composite"}, 1);
  EXPECT_EQ(Call(small).at(0).parts_across(), 0) << "a task for the slot";
  coordinator_->CancelRun(run.run_id()).IgnoreError();

  policy_.least_part_seconds = 0.001;
  Restart();
  const RunMessage second = Start();
  SynchronizeRequest early = Worker("early", {"discover", "l2a"}, 1);
  for (std::vector<Task> tasks = Call(early); !tasks.empty(); tasks = Call(early)) {
    for (const Task& task : tasks) Finish(task, early);
  }
  // Ready are the composite and the samples, which nobody here takes.
  SynchronizeRequest wide = Worker("wide", {"composite"}, 12);
  const std::vector<Task> tasks = Call(wide);
  ASSERT_EQ(tasks.size(), 9u);
  EXPECT_EQ(tasks[0].parts_across(), 3);
  EXPECT_EQ(CellOf(second).parts(), 9);
}

TEST_F(CoordinatorPartsTest, ShortTasksAreLeftWhole) {
  StartComposite(kSite);  // of one date: no work for ten seconds a part
  policy_.least_part_seconds = 1e6;
  Restart();
  SynchronizeRequest wide = Worker("wide", {"composite"}, 6);
  EXPECT_EQ(Call(wide).size(), 1u);
}

}  // namespace
}  // namespace arpent::coordinator
