#include "services/cli/run_progress.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "services/cli/output.h"

namespace arpent::cli {
namespace {

using arpent::run::v1::Cell;
using arpent::run::v1::CellOutcome;
using arpent::run::v1::Run;
using arpent::run::v1::RunState;
using arpent::run::v1::StageCounts;

int64_t Terminal(const StageCounts& stage) {
  return stage.done() + stage.skipped() + stage.failed() + stage.missing_input() + stage.cancelled();
}

// A sentence about a cell that has ended, or "" for one that has not.
std::string EndOf(const Cell& cell) {
  const std::string unit = absl::StrCat(cell.stage(), " ", cell.unit());
  switch (cell.outcome()) {
    case arpent::run::v1::CELL_OUTCOME_DONE:
      if (cell.reused()) return absl::StrCat("reused   ", unit);
      return absl::StrCat("done     ", unit, cell.degraded() ? " (degraded: an expected input is missing)" : "", " (",
                          HumanSeconds(google::protobuf::util::TimeUtil::DurationToMilliseconds(cell.duration()) / 1e3),
                          ")");
    case arpent::run::v1::CELL_OUTCOME_SKIPPED:
      return absl::StrCat("skipped  ", unit, ": ", cell.reason());
    case arpent::run::v1::CELL_OUTCOME_FAILED:
      return absl::StrCat("FAILED   ", unit, ": ", cell.error_code(), ": ", cell.error_message());
    case arpent::run::v1::CELL_OUTCOME_MISSING_INPUT:
      return absl::StrCat("MISSING  ", unit, ": ", cell.reason());
    case arpent::run::v1::CELL_OUTCOME_CANCELLED:
      return absl::StrCat("cancelled ", unit);
    default:
      return "";
  }
}

bool IsFailure(const Cell& cell) {
  return cell.outcome() == arpent::run::v1::CELL_OUTCOME_FAILED ||
         cell.outcome() == arpent::run::v1::CELL_OUTCOME_MISSING_INPUT;
}

}  // namespace

std::string StateName(RunState state) {
  return std::string(absl::StripPrefix(arpent::run::v1::RunState_Name(state), "RUN_STATE_"));
}

std::string OutcomeName(CellOutcome outcome) {
  return std::string(absl::StripPrefix(arpent::run::v1::CellOutcome_Name(outcome), "CELL_OUTCOME_"));
}

int ExitCodeOf(RunState state) {
  switch (state) {
    case arpent::run::v1::RUN_STATE_SUCCEEDED:
    case arpent::run::v1::RUN_STATE_PLANNED:
      return kDone;
    case arpent::run::v1::RUN_STATE_DEGRADED:
      return kDegraded;
    default:
      return kFailed;
  }
}

std::string StageLine(const StageCounts& stage, int bar_width) {
  const int64_t ended = Terminal(stage);
  const int filled = stage.expected() == 0 ? 0 : static_cast<int>(ended * bar_width / stage.expected());
  std::string bar;
  for (int i = 0; i < bar_width; ++i) bar += i < filled ? "█" : "░";
  std::string line = absl::StrFormat("%-11s %s %5d/%-5d", stage.stage(), bar, ended, stage.expected());
  if (stage.running() > 0) absl::StrAppend(&line, "  ", stage.running(), " running");
  if (stage.reused() > 0) absl::StrAppend(&line, "  ", stage.reused(), " reused");
  if (stage.skipped() > 0) absl::StrAppend(&line, "  ", stage.skipped(), " skipped");
  if (stage.failed() > 0) absl::StrAppend(&line, "  ", stage.failed(), " FAILED");
  if (stage.missing_input() > 0) absl::StrAppend(&line, "  ", stage.missing_input(), " missing input");
  return line;
}

void RunProgress::PrintLine(const std::string& line) {
  EraseBars();
  out_ << line << "\n";
}

void RunProgress::EraseBars() {
  if (drawn_lines_ == 0) return;
  out_ << "\033[" << drawn_lines_ << "A\033[J";
  drawn_lines_ = 0;
}

void RunProgress::DrawBars(const Run& run, absl::Time now) {
  int64_t ended = 0, expected = 0, computed = 0;
  for (const StageCounts& stage : run.stages()) {
    out_ << StageLine(stage, std::clamp(width_ - 70, 10, 40)) << "\n";
    ++drawn_lines_;
    ended += Terminal(stage);
    expected += stage.expected();
    computed += stage.done() - stage.reused();
  }
  const double seconds = absl::ToDoubleSeconds(now - started_);
  std::string line = absl::StrFormat("%s  %d of %d", StateName(run.state()), ended, expected);
  if (computed > 0 && seconds > 0) {
    absl::StrAppend(&line, absl::StrFormat("  %.1f tasks/min", computed * 60.0 / seconds), "  about ",
                    HumanSeconds(seconds / computed * (expected - ended)), " to go");
  }
  out_ << line << "\n";
  ++drawn_lines_;
}

void RunProgress::Update(const arpent::run::v1::WatchRunResponse& response, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (started_ == absl::InfinitePast()) started_ = now;
  last_ = response.run();
  EraseBars();
  for (const Cell& cell : response.cells()) {
    CellOutcome& shown = shown_[cell.cell_id()];
    if (shown == cell.outcome()) continue;
    shown = cell.outcome();
    const std::string sentence = EndOf(cell);
    if (sentence.empty()) continue;
    if (IsFailure(cell)) failures_.insert(sentence);
    if (!terminal_ || IsFailure(cell)) PrintLine(sentence);
  }
  if (terminal_) DrawBars(response.run(), now);
  out_.flush();
}

std::string LedgerTable(const Run& run) {
  Table table({"stage", "expected", "done", "reused", "degraded", "skipped", "failed", "missing", "cancelled", "open",
               "core-s"});
  for (const StageCounts& stage : run.stages()) {
    const int64_t open = stage.waiting() + stage.ready() + stage.running();
    table.Add({stage.stage(), absl::StrCat(stage.expected()), absl::StrCat(stage.done()), absl::StrCat(stage.reused()),
               absl::StrCat(stage.degraded()), absl::StrCat(stage.skipped()), absl::StrCat(stage.failed()),
               absl::StrCat(stage.missing_input()), absl::StrCat(stage.cancelled()), absl::StrCat(open),
               absl::StrFormat("%.1f", stage.used_core_seconds())});
  }
  return table.ToString();
}

void RunProgress::Note(const std::string& line) {
  absl::MutexLock lock(&mutex_);
  PrintLine(line);
  if (terminal_) DrawBars(last_, absl::Now());
  out_.flush();
}

void RunProgress::Finish(const Run& run) {
  absl::MutexLock lock(&mutex_);
  EraseBars();
  out_ << "\nRun " << run.run_id() << " of " << run.site() << " " << run.season() << ": " << StateName(run.state())
       << "\n"
       << LedgerTable(run);
  int64_t computed = 0;
  for (const StageCounts& stage : run.stages()) {
    if (stage.stage() != "discover") computed += stage.expected() - stage.reused() - stage.skipped();
  }
  if (run.state() == arpent::run::v1::RUN_STATE_SUCCEEDED && computed == 0) {
    out_ << "Nothing to do: every product is there already.\n";
  }
  if (!failures_.empty()) out_ << "\n";
  for (const std::string& failure : failures_) out_ << failure << "\n";
  for (const std::string& warning : run.warnings()) out_ << "warning: " << warning << "\n";
  out_.flush();
}

}  // namespace arpent::cli
