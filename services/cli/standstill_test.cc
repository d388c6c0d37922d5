#include "services/cli/standstill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/notification.h"

namespace arpent::cli {
namespace {

using arpent::run::v1::Cell;

Cell CellOf(const std::string& stage, arpent::run::v1::CellOutcome outcome, const std::string& waiting_for) {
  Cell cell;
  cell.set_stage(stage);
  cell.set_unit("33UXP");
  cell.set_outcome(outcome);
  cell.set_waiting_for(waiting_for);
  return cell;
}

TEST(Standstill, NamesTheCellThatNothingElseHolds) {
  std::vector<Cell> cells = {CellOf("composite", arpent::run::v1::CELL_OUTCOME_WAITING, "l2a 33UXP")};
  cells[0].add_waits_for_cells("l2a/33UXP");
  EXPECT_EQ(WhatIsAwaited(cells), "");
  cells.push_back(CellOf("l2a", arpent::run::v1::CELL_OUTCOME_WAITING, "a worker that offers l2a@2; none has come yet"));
  EXPECT_EQ(WhatIsAwaited(cells), "l2a 33UXP waits for a worker that offers l2a@2; none has come yet");
  cells.push_back(CellOf("train", arpent::run::v1::CELL_OUTCOME_READY, "8000 MB; the largest has 4000 MB"));
  EXPECT_EQ(WhatIsAwaited(cells), "train 33UXP waits for 8000 MB; the largest has 4000 MB");
}

TEST(Standstill, TellsOnceAndOnlyWhileNothingRuns) {
  std::atomic<int> looks = 0;
  std::vector<std::string> told;
  absl::Notification looked_often;
  arpent::run::v1::Run run;
  run.add_stages()->set_running(1);
  {
    Standstill standstill(
        absl::Milliseconds(5),
        [&]() -> absl::StatusOr<std::vector<Cell>> {
          if (++looks == 3) looked_often.Notify();
          return std::vector<Cell>{CellOf("l2a", arpent::run::v1::CELL_OUTCOME_READY, "a worker")};
        },
        [&](const std::string& awaited) { told.push_back(awaited); });
    standstill.Heard(run);
    absl::SleepFor(absl::Milliseconds(50));
    EXPECT_EQ(looks, 0) << "a task is running";
    run.mutable_stages(0)->set_running(0);
    standstill.Heard(run);
    looked_often.WaitForNotification();
  }
  EXPECT_THAT(told, testing::ElementsAre("l2a 33UXP waits for a worker"));
}

}  // namespace
}  // namespace arpent::cli
