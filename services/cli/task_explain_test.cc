#include "services/cli/task_explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/cli/run_explain.h"

namespace arpent::cli {
namespace {

using namespace arpent::run::v1;  // NOLINT: the messages of one package
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Cell MakeCell(const std::string& id, CellOutcome outcome) {
  Cell cell;
  cell.set_cell_id(id);
  cell.set_stage(id.substr(0, id.find('/')));
  cell.set_unit(id.substr(id.find('/') + 1));
  cell.set_outcome(outcome);
  return cell;
}

// map <- composite <- two scenes, one of which runs, the other waits for its next attempt.
std::vector<Cell> Cells() {
  std::vector<Cell> cells = {MakeCell("l2a/A", CELL_OUTCOME_RUNNING), MakeCell("l2a/B", CELL_OUTCOME_READY),
                             MakeCell("composite/33TVL/2021-06", CELL_OUTCOME_WAITING), MakeCell("map/s", CELL_OUTCOME_WAITING)};
  cells[0].set_progress(0.4);
  cells[0].set_worker("w1");
  cells[0].set_key("4b6af5110d5e09eeeae438be3769fb00d18c6b7559a0af0d7301ec9f9195b718");
  cells[1].set_waiting_for("attempt 2 in 5s");
  cells[1].set_attempts(1);
  cells[1].set_error_code("UNAVAILABLE");
  cells[1].set_error_message("storage");
  cells[2].set_waiting_for("l2a/A, l2a/B");
  cells[2].add_waits_for_cells("l2a/A");
  cells[2].add_waits_for_cells("l2a/B");
  cells[3].set_waiting_for("composite/33TVL/2021-06");
  cells[3].add_waits_for_cells("composite/33TVL/2021-06");
  return cells;
}

TEST(ExplainTask, FollowsTheChainToWhatHoldsItUp) {
  arpent::run::v1::Run run;
  run.set_run_id("s-1");
  run.set_trace_id("892bbf9d234260be21d4c4b1f6d33f97");
  const std::vector<Cell> cells = Cells();
  const std::string text = ExplainTask(run, cells, cells[3]);
  EXPECT_THAT(text, AllOf(HasSubstr("Task map/s of run s-1: WAITING"), HasSubstr("trace   892bbf9d"),
                          HasSubstr("\n  composite/33TVL/2021-06: WAITING\n"),
                          HasSubstr("\n    l2a/A: RUNNING, 40 % done on w1\n"),
                          HasSubstr("\n    l2a/B: READY; last failure UNAVAILABLE: storage; waits for attempt 2 in 5s\n")));
  EXPECT_THAT(ExplainTask(run, cells, cells[0]), AllOf(HasSubstr("1 task waits for it"), Not(HasSubstr("It waits"))));
}

TEST(ExplainTask, ShowsTimeByKind) {
  Cell cell = MakeCell("l2a/A", CELL_OUTCOME_DONE);
  (*cell.mutable_time_seconds())["cpu"] = 3;
  (*cell.mutable_time_seconds())["cache_wait"] = 1;
  const std::string text = ExplainTask(arpent::run::v1::Run(), {cell}, cell);
  EXPECT_THAT(text, AllOf(HasSubstr("75 %"), HasSubstr("25 %"), HasSubstr("cache_wait")));
  EXPECT_THAT(ExplainTask(arpent::run::v1::Run(), {}, MakeCell("l2a/B", CELL_OUTCOME_READY)), Not(HasSubstr("Where the time went")));
}

TEST(ExplainTask, TasksAreFoundByIdKeyAndUnit) {
  const Cell cell = Cells()[0];
  EXPECT_TRUE(IsTask(cell, "l2a/A"));
  EXPECT_TRUE(IsTask(cell, "A"));
  EXPECT_TRUE(IsTask(cell, "4b6af5110d5e"));
  EXPECT_TRUE(IsTask(cell, cell.key() + "#3")) << "as workers log a part";
  EXPECT_FALSE(IsTask(cell, "4b6a")) << "too short to mean one";
  EXPECT_FALSE(IsTask(cell, "l2a/B"));
}

TEST(ExplainRun, GathersWhatWaitsForTheSame) {
  std::vector<Cell> cells = Cells();
  for (const char* const id : {"l2a/C", "l2a/D", "l2a/E"}) {
    cells.push_back(MakeCell(id, CELL_OUTCOME_READY));
    cells.back().set_waiting_for("its turn: all 2 slots for l2a are busy");
  }
  const std::string text = ExplainRun(arpent::run::v1::Run(), cells, "");
  EXPECT_THAT(text, AllOf(HasSubstr("Why cells wait\n  3 of l2a: for its turn: all 2 slots for l2a are busy\n"),
                          HasSubstr("1 of l2a: for attempt 2 in 5s (B)"), HasSubstr("Running now")));
}

}  // namespace
}  // namespace arpent::cli
