// Shows a run as it goes: bars that redraw on a terminal, one line per finished cell elsewhere. Failures are shown as they
// occur in both.
#ifndef ARPENT_SERVICES_CLI_RUN_PROGRESS_H_
#define ARPENT_SERVICES_CLI_RUN_PROGRESS_H_

#include <map>
#include <ostream>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "arpent/run/v1/run_service.pb.h"

namespace arpent::cli {

class RunProgress {
 public:
  // `terminal`: redraw in place with ANSI codes; `width` is the terminal's.
  RunProgress(std::ostream& out, bool terminal, int width = 100) : out_(out), terminal_(terminal), width_(width) {}

  // Shows what changed. `now` gives rates and the expected end.
  void Update(const arpent::run::v1::WatchRunResponse& response, absl::Time now);

  // A line between the others, from any thread.
  void Note(const std::string& line);

  // Ends the display and prints the run's summary: the table of stages, failures with their causes, warnings.
  void Finish(const arpent::run::v1::Run& run);

  // The failures seen, "stage unit: CODE: message", sorted.
  const std::set<std::string>& failures() const { return failures_; }

 private:
  void PrintLine(const std::string& line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EraseBars() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DrawBars(const arpent::run::v1::Run& run, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::ostream& out_;
  const bool terminal_;
  const int width_;
  absl::Mutex mutex_;  // of all that follows, and of the display
  arpent::run::v1::Run last_;
  int drawn_lines_ = 0;
  absl::Time started_ = absl::InfinitePast();
  std::map<std::string, arpent::run::v1::CellOutcome> shown_;  // last outcome shown, by cell
  std::set<std::string> failures_;
};

// "l2a       ██████░░░░  6/10 | 2 running | 1 failed".
std::string StageLine(const arpent::run::v1::StageCounts& stage, int bar_width);

// The ledger's table, one row per stage, and whether the counts add up to what was expected.
std::string LedgerTable(const arpent::run::v1::Run& run);

// Exit code of a finished run: 0 success, 3 degraded, 1 cancelled.
int ExitCodeOf(arpent::run::v1::RunState state);

// "RUNNING" of RUN_STATE_RUNNING, "DONE" of CELL_OUTCOME_DONE.
std::string StateName(arpent::run::v1::RunState state);
std::string OutcomeName(arpent::run::v1::CellOutcome outcome);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_RUN_PROGRESS_H_
