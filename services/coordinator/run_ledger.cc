#include "services/coordinator/run_ledger.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/stages/catalog.h"

namespace arpent::coordinator {
namespace {

using run::v1::Cell;
using run::v1::StageCounts;

constexpr int kNamesShown = 3;

void AddOutcome(StageCounts* counts, run::v1::CellOutcome outcome, int sign) {
  switch (outcome) {
    case run::v1::CELL_OUTCOME_READY:
      return counts->set_ready(counts->ready() + sign);
    case run::v1::CELL_OUTCOME_RUNNING:
      return counts->set_running(counts->running() + sign);
    case run::v1::CELL_OUTCOME_DONE:
      return counts->set_done(counts->done() + sign);
    case run::v1::CELL_OUTCOME_SKIPPED:
      return counts->set_skipped(counts->skipped() + sign);
    case run::v1::CELL_OUTCOME_FAILED:
      return counts->set_failed(counts->failed() + sign);
    case run::v1::CELL_OUTCOME_MISSING_INPUT:
      return counts->set_missing_input(counts->missing_input() + sign);
    case run::v1::CELL_OUTCOME_CANCELLED:
      return counts->set_cancelled(counts->cancelled() + sign);
    default:
      return counts->set_waiting(counts->waiting() + sign);
  }
}

}  // namespace

run::v1::Run RunLedger::ToProto() const {
  run::v1::Run run = record_.run();
  if (counts_.empty()) return run;
  run.clear_stages();
  for (const stages::StageInfo& stage : stages::StageCatalog()) {
    const auto counts = counts_.find(stage.name);
    if (counts != counts_.end() && counts->second.expected() > 0) *run.add_stages() = counts->second;
  }
  return run;
}

int RunLedger::StageVersion(const std::string& stage) const {
  const auto pinned = record_.stage_versions().find(stage);
  return pinned != record_.stage_versions().end() ? pinned->second : (*stages::FindStage(stage))->algorithm_version;
}

void RunLedger::ChangeRun(absl::Time now, const std::function<void(state::v1::RunRecord*)>& change) {
  change(&record_);
  Touch(-1, now);
}

void RunLedger::SetPlan(Plan plan, absl::Time now) {
  plan_ = std::move(plan);
  const int before = size();
  cells_.resize(plan_.cells.size());
  changed_.resize(plan_.cells.size());
  core_seconds_.resize(plan_.cells.size());
  output_bytes_.resize(plan_.cells.size());
  for (int i = before; i < size(); ++i) {
    const PlannedCell& planned = plan_.cells[i];
    Cell& cell = cells_[i];
    cell.set_cell_id(planned.cell_id);
    cell.set_stage(planned.task.stage);
    cell.set_unit(planned.unit);
    cell.set_tile(planned.task.tile);
    cell.set_outcome(run::v1::CELL_OUTCOME_WAITING);
    by_id_[planned.cell_id] = i;
    core_seconds_[i] = planned.core_seconds;
    Count(i, 1);
    Touch(i, now);
  }
}

void RunLedger::SetCells(std::vector<Cell> cells, absl::Time now) {
  std::map<std::string, int> order;
  for (const stages::StageInfo& stage : stages::StageCatalog()) order.emplace(stage.name, order.size());
  std::sort(cells.begin(), cells.end(), [&](const Cell& a, const Cell& b) {
    return std::make_pair(order[a.stage()], a.cell_id()) < std::make_pair(order[b.stage()], b.cell_id());
  });
  cells_ = std::move(cells);
  changed_.resize(cells_.size());
  core_seconds_.resize(cells_.size());
  output_bytes_.resize(cells_.size());
  for (int i = 0; i < size(); ++i) {
    by_id_[cells_[i].cell_id()] = i;
    Count(i, 1);
    Touch(i, now);
  }
}

void RunLedger::SetExpectations(const std::function<double(const PlannedCell&)>& core_seconds,
                                const std::function<double(const PlannedCell&)>& output_bytes) {
  for (size_t i = 0; i < plan_.cells.size(); ++i) {
    Count(static_cast<int>(i), -1);
    core_seconds_[i] = core_seconds(plan_.cells[i]);
    output_bytes_[i] = output_bytes(plan_.cells[i]);
    Count(static_cast<int>(i), 1);
  }
}

int RunLedger::Find(const std::string& cell_id) const {
  const auto found = by_id_.find(cell_id);
  return found == by_id_.end() ? -1 : found->second;
}

CellResult RunLedger::ResultOf(int index) const {
  const Cell& cell = cells_[index];
  return {.outcome = cell.outcome(), .reason = cell.reason(), .key = cell.key(), .uri = cell.product_uri()};
}

void RunLedger::Change(int index, absl::Time now, const std::function<void(Cell*)>& change) {
  Count(index, -1);
  change(&cells_[index]);
  Count(index, 1);
  Touch(index, now);
}

int RunLedger::OpenUpstream(int index) const {
  return static_cast<int>(std::count_if(plan_.cells[index].slots.begin(), plan_.cells[index].slots.end(), [&](const Slot& slot) {
    return slot.upstream >= 0 && !IsTerminal(cells_[slot.upstream].outcome());
  }));
}

std::vector<std::string> RunLedger::OpenUpstreamIds(int index, size_t most) const {
  std::vector<std::string> ids;
  if (index >= static_cast<int>(plan_.cells.size())) return ids;  // the cells of a run that ended
  for (const Slot& slot : plan_.cells[index].slots) {
    if (ids.size() == most) break;
    if (slot.upstream >= 0 && !IsTerminal(cells_[slot.upstream].outcome())) ids.push_back(cells_[slot.upstream].cell_id());
  }
  return ids;
}

std::string RunLedger::OpenUpstreamNames(int index) const {
  const std::vector<std::string> ids = OpenUpstreamIds(index, kNamesShown);
  if (ids.empty()) return "";
  const int more = OpenUpstream(index) - static_cast<int>(ids.size());
  return absl::StrCat(absl::StrJoin(ids, ", "), more > 0 ? absl::StrCat(" and ", more, " more") : "");
}

std::vector<int> RunLedger::ChangedAfter(int64_t after, size_t limit, int64_t* upto) const {
  std::vector<int> changed;
  auto change = changes_.upper_bound(after);
  for (; change != changes_.end() && changed.size() < limit; ++change) {
    *upto = change->first;
    changed.push_back(change->second);
  }
  if (change == changes_.end()) *upto = std::max(after, sequence_);
  return changed;
}

void RunLedger::Count(int index, int sign) {
  const Cell& cell = cells_[index];
  StageCounts& counts = counts_[cell.stage()];
  counts.set_stage(cell.stage());
  counts.set_expected(counts.expected() + sign);
  AddOutcome(&counts, cell.outcome(), sign);
  if (cell.outcome() == run::v1::CELL_OUTCOME_DONE) {
    if (cell.reused()) counts.set_reused(counts.reused() + sign);
    if (cell.degraded()) counts.set_degraded(counts.degraded() + sign);
  }
  if (!IsTerminal(cell.outcome())) {
    open_cells_ += sign;
    // What is left of adding and taking away again is no work.
    const double core_seconds = counts.expected_core_seconds() + sign * core_seconds_[index];
    counts.set_expected_core_seconds(core_seconds > 1e-9 ? core_seconds : 0);
    counts.set_expected_output_bytes(counts.expected_output_bytes() + sign * static_cast<int64_t>(output_bytes_[index]));
  }
  for (const auto& [kind, seconds] : cell.time_seconds()) {
    (*counts.mutable_time_seconds())[kind] += sign * seconds;
    if (kind == "cpu") counts.set_used_core_seconds(counts.used_core_seconds() + sign * seconds);
  }
}

void RunLedger::Touch(int index, absl::Time now) {
  sequence_ = std::max(sequence_ + 1, absl::ToUnixMicros(now));
  if (index < 0) return;
  changes_.erase(changed_[index]);
  changed_[index] = sequence_;
  changes_[sequence_] = index;
}

}  // namespace arpent::coordinator
