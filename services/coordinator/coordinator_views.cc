// What people see of the coordinator beside the ledger itself: why something waits, and the gauges.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/rpc/convert.h"
#include "common/stages/catalog.h"
#include "services/coordinator/coordinator.h"

namespace arpent::coordinator {
namespace {

absl::string_view NameOf(TaskQueue::State state) {
  switch (state) {
    case TaskQueue::State::kReady:
      return "ready";
    case TaskQueue::State::kBackoff:
      return "backoff";
    case TaskQueue::State::kLeased:
      return "leased";
  }
  return "unknown";
}

}  // namespace

std::string Coordinator::WaitingFor(const RunLedger& ledger, int index, const QueuePicture& queue) {
  const run::v1::Cell& cell = ledger.cell(index);
  if (cell.outcome() == run::v1::CELL_OUTCOME_WAITING) {
    const std::string upstream = ledger.OpenUpstreamNames(index);
    if (!upstream.empty()) return upstream;
    if (index >= static_cast<int>(ledger.plan().cells.size())) return "";  // a run that ended
    if (!ledger.plan().cells[index].UsesTables() || ledger.record().has_tables_digest()) {
      return "the storage sweep, which is removing an earlier product of its key";
    }
    return absl::StrCat("a worker that offers ", OfferFor(ledger, index), "; none has come yet");
  }
  if (cell.outcome() != run::v1::CELL_OUTCOME_READY || ledger.record().run().plan_only()) return "";
  const std::string task_id =
      cell.stage() == "discover" ? absl::StrCat(ledger.run_id(), "/", cell.cell_id()) : cell.key();
  const auto active = tasks_.find(task_id);
  if (active == tasks_.end()) return "";
  // Of parts, the first that waits stands for the others.
  const auto task = queue_.Find(TaskName{task_id, active->second.parts.Open().front()}.ToString());
  if (!task) return "";
  if (task->state == TaskQueue::State::kReady && queue_.AtLimit(task->demand.share)) {
    return absl::StrCat("its turn: the site's limits.tasks_at_once (", ledger.record().site().limits().tasks_at_once(),
                        ") is reached");
  }
  return queue.WhyItWaits(*task, cell.attempts(), cell.error_code());
}

void Coordinator::ShowGauges() {
  absl::MutexLock lock(&mutex_);
  counters_.ledger_cells.Clear();
  counters_.ledger_expected.Clear();
  counters_.leader.With({}).Set(1);
  const absl::Time now = clock_.Now();
  for (const stages::StageInfo& stage : stages::StageCatalog()) {
    // An empty queue reads as 0, not as nothing: scaling and alerts depend on it.
    for (const char* const state : {"ready", "backoff", "leased"}) counters_.queue_tasks.With({stage.name, state}).Set(0);
    counters_.queue_expected.With({stage.name}).Set(0);
    counters_.queue_oldest.With({stage.name}).Set(0);
    counters_.oldest_running.With({stage.name}).Set(0);
    counters_.ledger_remaining.With({stage.name}).Set(0);
  }
  std::map<std::string, double> oldest, running;
  queue_.ForEach([&](const TaskQueue::View& task) {
    const std::string& stage = task.demand.stage;
    counters_.queue_tasks.With({stage, NameOf(task.state)}).Add(1);
    counters_.queue_expected.With({stage}).Add(task.demand.core_seconds);
    const double age = absl::ToDoubleSeconds(now - task.since);
    double& longest = task.state == TaskQueue::State::kLeased ? running[stage] : oldest[stage];
    if (task.state != TaskQueue::State::kBackoff) longest = std::max(longest, age);
  });
  for (const auto& [stage, age] : oldest) counters_.queue_oldest.With({stage}).Set(age);
  for (const auto& [stage, age] : running) counters_.oldest_running.With({stage}).Set(age);

  std::map<std::string, run::v1::Run> newest;  // by site
  const auto consider = [&](const run::v1::Run& run) {
    run::v1::Run& kept = newest[run.site()];
    if (kept.run_id().empty() || rpc::FromProto(kept.start_time()) <= rpc::FromProto(run.start_time())) kept = run;
  };
  for (const auto& [run_id, record] : ended_runs_) {
    if (!record.run().plan_only()) consider(record.run());
  }
  for (const auto& [site, run_id] : active_run_of_site_) {
    if (const Ledger& ledger = ledgers_.at(run_id); !ledger->record().run().plan_only()) consider(ledger->ToProto());
  }
  for (const auto& [site, run] : newest) {
    const bool open = !run.has_end_time();
    for (const run::v1::StageCounts& counts : run.stages()) {
      const auto show = [&](const char* outcome, int64_t count) {
        counters_.ledger_cells.With({site, counts.stage(), outcome}).Set(static_cast<double>(count));
      };
      show("waiting", counts.waiting());
      show("ready", counts.ready());
      show("running", counts.running());
      show("done", counts.done());
      show("skipped", counts.skipped());
      show("failed", counts.failed());
      show("missing_input", counts.missing_input());
      show("cancelled", counts.cancelled());
      counters_.ledger_expected.With({site, counts.stage()}).Set(static_cast<double>(counts.expected()));
      if (open) counters_.ledger_remaining.With({counts.stage()}).Add(counts.expected_core_seconds());
    }
  }
}

}  // namespace arpent::coordinator
