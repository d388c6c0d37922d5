#include "services/cli/run_explain.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "services/cli/output.h"
#include "services/cli/run_progress.h"

namespace arpent::cli {
namespace {

using arpent::run::v1::Cell;
using arpent::run::v1::Run;
using arpent::run::v1::StageCounts;

constexpr const char* kKinds[] = {"cpu", "run_queue", "cache_wait", "storage_wait", "disk_wait", "other"};
constexpr int kSlowestShown = 5;
constexpr int kRunningShown = 20;
constexpr size_t kReasonsShown = 20;

double Seconds(const Cell& cell) {
  return google::protobuf::util::TimeUtil::DurationToMilliseconds(cell.duration()) / 1e3;
}

std::string TimeTable(const Run& run) {
  Table table({"stage", "thread time", "cpu", "run queue", "cache wait", "storage wait", "disk wait", "other"});
  for (const StageCounts& stage : run.stages()) {
    double total = 0;
    for (const auto& [kind, seconds] : stage.time_seconds()) total += seconds;
    if (total <= 0) continue;
    std::vector<std::string> row = {stage.stage(), HumanSeconds(total)};
    for (const char* kind : kKinds) {
      const auto found = stage.time_seconds().find(kind);
      const double share = found == stage.time_seconds().end() ? 0 : found->second / total;
      row.push_back(absl::StrFormat("%.0f %%", share * 100));
    }
    table.Add(std::move(row));
  }
  return table.ToString();
}

std::string Heading(const Run& run) {
  return absl::StrCat("Run ", run.run_id(), " of ", run.site(), " ", run.season(), ": ", StateName(run.state()),
                      run.trace_id().empty() ? "" : absl::StrCat(", trace ", run.trace_id()));
}

std::string RunningNow(const std::vector<const Cell*>& cells) {
  Table table({"stage", "unit", "done", "attempt", "worker"});
  int running = 0;
  for (const Cell* cell : cells) {
    if (cell->outcome() != arpent::run::v1::CELL_OUTCOME_RUNNING || ++running > kRunningShown) continue;
    const std::string parts = cell->parts() == 0 ? "" : absl::StrCat(", ", cell->parts_done(), " of ", cell->parts(), " parts");
    table.Add({cell->stage(), cell->unit(), absl::StrFormat("%.0f %%%s", cell->progress() * 100, parts),
               absl::StrCat(cell->attempts()), cell->worker()});
  }
  if (running == 0) return "";
  return absl::StrCat("\nRunning now\n", table.ToString(),
                      running > kRunningShown ? absl::StrCat("... and ", running - kRunningShown, " more\n") : "");
}

// Cells that wait for the same are one line: a country has thousands of them.
std::string WhyCellsWait(const std::vector<const Cell*>& cells) {
  std::map<std::string, std::vector<const Cell*>> by_reason;
  for (const Cell* cell : cells) {
    if (!cell->waiting_for().empty()) by_reason[absl::StrCat(cell->stage(), ": for ", cell->waiting_for())].push_back(cell);
  }
  std::vector<std::pair<size_t, std::string>> lines;
  for (const auto& [reason, waiting] : by_reason) {
    const std::string who = waiting.size() == 1 ? absl::StrCat(" (", waiting.front()->unit(), ")") : "";
    lines.emplace_back(waiting.size(), absl::StrCat(waiting.size(), " of ", reason, who));
  }
  std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text = lines.empty() ? "" : "\nWhy cells wait\n";
  for (size_t i = 0; i < lines.size() && i < kReasonsShown; ++i) absl::StrAppend(&text, "  ", lines[i].second, "\n");
  if (lines.size() > kReasonsShown) absl::StrAppend(&text, "  ... and ", lines.size() - kReasonsShown, " more reasons\n");
  return text;
}

}  // namespace

std::string PlanSummary(const Run& run, const std::vector<Cell>& cells) {
  std::set<std::string> tiles;
  for (const Cell& cell : cells) {
    if (!cell.tile().empty()) tiles.insert(cell.tile());
  }
  Table table({"stage", "cells", "new", "there already", "skipped", "core-hours", "output"});
  double hours = 0, bytes = 0;
  for (const StageCounts& stage : run.stages()) {
    const int64_t fresh = stage.expected() - stage.reused() - stage.skipped() - stage.failed() - stage.missing_input();
    hours += stage.expected_core_seconds() / 3600;
    bytes += stage.expected_output_bytes();
    table.Add({stage.stage(), absl::StrCat(stage.expected()), absl::StrCat(stage.stage() == "discover" ? 0 : fresh),
               absl::StrCat(stage.reused()), absl::StrCat(stage.skipped()),
               absl::StrFormat("%.3f", stage.expected_core_seconds() / 3600), HumanBytes(stage.expected_output_bytes())});
  }
  return absl::StrCat("\nPlan: ", tiles.size(), tiles.size() == 1 ? " tile (" : " tiles (", absl::StrJoin(tiles, " "), ")\n", table.ToString(), absl::StrFormat("Expected: %.2f core-hours, %s\n", hours, HumanBytes(bytes)));
}

std::string ExplainRun(const Run& run, const std::vector<Cell>& cells, const std::string& unit) {
  std::string text = absl::StrCat(Heading(run), "\n\nWhere the time went\n", TimeTable(run));
  std::vector<const Cell*> chosen;
  for (const Cell& cell : cells) {
    if (unit.empty() || absl::StrContains(cell.unit(), unit) || cell.cell_id() == unit) chosen.push_back(&cell);
  }
  std::stable_sort(chosen.begin(), chosen.end(), [](const Cell* a, const Cell* b) { return Seconds(*a) > Seconds(*b); });
  Table slowest({"stage", "unit", "outcome", "attempts", "seconds", "worker"});
  for (size_t i = 0; i < chosen.size() && (i < kSlowestShown || !unit.empty()); ++i) {
    const Cell& cell = *chosen[i];
    slowest.Add({cell.stage(), cell.unit(), OutcomeName(cell.outcome()), absl::StrCat(cell.attempts()),
                 absl::StrFormat("%.2f", Seconds(cell)), cell.worker()});
  }
  absl::StrAppend(&text, unit.empty() ? "\nSlowest cells\n" : "\nCells\n", slowest.ToString());
  absl::StrAppend(&text, RunningNow(chosen), WhyCellsWait(chosen));
  for (const Cell* cell : chosen) {
    if (cell->outcome() != arpent::run::v1::CELL_OUTCOME_FAILED) continue;
    absl::StrAppend(&text, "failed: ", cell->stage(), " ", cell->unit(), ": ", cell->error_code(), ": ",
                    cell->error_message(), "\n");
  }
  for (const std::string& warning : run.warnings()) absl::StrAppend(&text, "warning: ", warning, "\n");
  return text;
}

}  // namespace arpent::cli
