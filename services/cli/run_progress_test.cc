#include "services/cli/run_progress.h"

#include <gtest/gtest.h>

#include <sstream>

#include "services/cli/output.h"

namespace arpent::cli {
namespace {

using arpent::run::v1::WatchRunResponse;

WatchRunResponse OneFailure() {
  WatchRunResponse response;
  auto& run = *response.mutable_run();
  run.set_run_id("r1");
  run.set_state(arpent::run::v1::RUN_STATE_DEGRADED);
  auto& stage = *run.add_stages();
  stage.set_stage("l2a");
  stage.set_expected(2);
  stage.set_done(1);
  stage.set_failed(1);
  auto& cell = *response.add_cells();
  cell.set_cell_id("c1");
  cell.set_stage("l2a");
  cell.set_unit("S2A_X");
  cell.set_outcome(arpent::run::v1::CELL_OUTCOME_FAILED);
  cell.set_error_code("DATA_LOSS");
  cell.set_error_message("B02.jp2 ends too soon");
  return response;
}

TEST(RunProgress, ShowsAFailureOnceAndAgainInTheSummary) {
  std::ostringstream out;
  RunProgress progress(out, /*terminal=*/false);
  progress.Update(OneFailure(), absl::FromUnixSeconds(1));
  progress.Update(OneFailure(), absl::FromUnixSeconds(2));
  EXPECT_EQ(out.str(), "FAILED   l2a S2A_X: DATA_LOSS: B02.jp2 ends too soon\n");
  progress.Finish(OneFailure().run());
  EXPECT_NE(out.str().find("DEGRADED"), std::string::npos);
  EXPECT_EQ(ExitCodeOf(OneFailure().run().state()), kDegraded);
}

TEST(RunProgress, RedrawsInPlaceOnATerminal) {
  std::ostringstream out;
  RunProgress progress(out, /*terminal=*/true);
  progress.Update(OneFailure(), absl::FromUnixSeconds(1));
  EXPECT_NE(out.str().find("2/2"), std::string::npos);
  progress.Update(OneFailure(), absl::FromUnixSeconds(2));
  EXPECT_NE(out.str().find("\033[2A\033[J"), std::string::npos);
}

TEST(Output, TableColumnsLineUp) {
  Table table({"a", "b"});
  table.Add({"wide", "x"});
  EXPECT_EQ(table.ToString(), "A     B\nwide  x\n");
}

TEST(Output, HumanFigures) {
  EXPECT_EQ(HumanBytes(1530), "1.5 kB");
  EXPECT_EQ(HumanSeconds(245), "4 min 05 s");
}

}  // namespace
}  // namespace arpent::cli
