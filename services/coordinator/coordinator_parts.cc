// Products that are made in parts: when a task is cut, what becomes of its parts.
#include <algorithm>

#include "common/base/status.h"
#include "common/rpc/convert.h"
#include "common/stages/catalog.h"
#include "services/coordinator/coordinator.h"

namespace arpent::coordinator {
namespace {

void AddUsage(const worker::v1::TaskUsage& usage, worker::v1::TaskUsage* sum) {
  *sum->mutable_duration() = rpc::ToProto(rpc::FromProto(sum->duration()) + rpc::FromProto(usage.duration()));
  for (const auto& [kind, seconds] : usage.time_seconds()) (*sum->mutable_time_seconds())[kind] += seconds;
}

}  // namespace

TaskDemand Coordinator::DemandOf(const ActiveTask& task, int part) const {
  TaskDemand demand = task.demand;
  if (!task.parts.cut()) return demand;
  const stages::StageInfo& stage = **stages::FindStage(task.spec.stage);
  demand.core_seconds = std::max(0.01, demand.core_seconds / (task.parts.count() + 1));
  const double share = static_cast<double>(stage.part_memory_bytes) / static_cast<double>(stage.memory_bytes);
  if (part >= 0) demand.memory_bytes = static_cast<int64_t>(static_cast<double>(demand.memory_bytes) * share);
  return demand;
}

// Puts what can be worked on into the queue, where it stood before a restart.
void Coordinator::Enqueue(const std::string& task_id) {
  ActiveTask& task = tasks_.at(task_id);
  for (const int part : task.parts.Open()) {
    const std::string id = TaskName{task_id, part}.ToString();
    const auto recovered = recovered_tasks_.find(id);
    queue_.Add(id, DemandOf(task, part), recovered == recovered_tasks_.end() ? 0 : recovered->second.attempts());
    if (recovered == recovered_tasks_.end()) continue;
    const state::v1::TaskRecord& record = recovered->second;
    if (record.fencing_token() != 0 && !policy_.workers_died_with_us) {
      // The worker had no chance to prolong it while the coordinator was away.
      queue_.Restore({.task_id = id,
                      .worker_id = record.worker_id(),
                      .token = record.fencing_token(),
                      .attempt = record.attempts() + 1,
                      .expiry = clock_.Now() + policy_.queue.lease,
                      .start = rpc::FromProto(record.lease_start()),
                      .memory_bytes = record.memory_bytes()});
    }
    recovered_tasks_.erase(recovered);
  }
  recovered_tasks_.erase(task_id);
  news_.SignalAll();
}

// Of a new task: as its site wants it, or as it was before a restart.
void Coordinator::ChooseParts(const std::string& task_id, const site::v1::Site& site) {
  ActiveTask& task = tasks_.at(task_id);
  const auto recovered = recovered_tasks_.find(task_id);
  if (recovered != recovered_tasks_.end()) {
    if (recovered->second.parts_across() > 1) task.parts.Cut(recovered->second.parts_across());
    for (const int part : recovered->second.parts_done()) {
      if (part < task.parts.count()) task.parts.SetDone(part);
    }
    task.spent = recovered->second.spent();
    return;
  }
  if (site.limits().parts() <= 1 || !CanBeCut(task)) return;
  task.parts.Cut(site.limits().parts());
  PutTask(task_id);
}

bool Coordinator::CanBeCut(const ActiveTask& task) const {
  const auto stage = stages::FindStage(task.spec.stage);
  return !task.parts.cut() && stage.ok() && (*stage)->part_memory_bytes > 0;
}

// The long tail: when slots would idle for want of ready tasks, those that are worth it are cut.
void Coordinator::CutForIdleSlots() {
  const int ready = static_cast<int>(queue_.ready());
  const int idle = roster_.slots() - static_cast<int>(queue_.leased());
  if (ready == 0 || ready >= idle) return;
  for (const std::string& task_id : queue_.ReadyIds()) {
    const auto found = tasks_.find(task_id);
    if (found == tasks_.end() || found->second.waiters.empty()) continue;  // a part
    ActiveTask& task = found->second;
    if (!CanBeCut(task) || queue_.AttemptsOf(task_id) > 0) continue;  // what failed is tried again as it was
    const site::v1::Limits& limits = ledgers_.at(task.waiters.begin()->run_id)->record().site().limits();
    if (limits.parts() == 1 || limits.tasks_at_once() == 1) continue;
    const int across = PartsAcross(idle, ready, task.demand.core_seconds, policy_.least_part_seconds);
    if (across == 1) continue;
    queue_.Remove(task_id);
    task.parts.Cut(across);
    PutTask(task_id);
    Enqueue(task_id);
    ShowTask(task_id);
  }
}

void Coordinator::TakePart(const TaskName& name, const worker::v1::TaskUsage& usage) {
  ActiveTask& task = tasks_.at(name.task);
  task.parts.SetDone(name.part);
  AddUsage(usage, &task.spent);
  Erase(Table::kTasks, name.ToString());
  if (task.parts.done() == task.parts.count()) Enqueue(name.task);
  PutTask(name.task);
  ShowTask(name.task);
}

worker::v1::TaskUsage Coordinator::WithParts(const ActiveTask& task, const worker::v1::TaskUsage& usage) const {
  worker::v1::TaskUsage sum = task.spent;
  AddUsage(usage, &sum);
  return sum;
}

// Whether any task of it is leased.
run::v1::CellOutcome Coordinator::OutcomeNow(const std::string& task_id) const {
  const std::vector<int> open = tasks_.at(task_id).parts.Open();
  return std::any_of(open.begin(), open.end(),
                     [&](int part) { return queue_.LeaseOf(TaskName{task_id, part}.ToString()).has_value(); })
             ? run::v1::CELL_OUTCOME_RUNNING
             : run::v1::CELL_OUTCOME_READY;
}

// What its cells say of it while it goes on.
void Coordinator::ShowTask(const std::string& task_id) {
  const TaskParts& parts = tasks_.at(task_id).parts;
  const run::v1::CellOutcome outcome = OutcomeNow(task_id);
  ForEachWaiter(task_id, [&](const Ledger& ledger, int index) {
    ledger->Change(index, clock_.Now(), [&](run::v1::Cell* cell) {
      cell->set_outcome(outcome);
      cell->set_progress(parts.Progress());
      cell->set_parts(parts.count());
      cell->set_parts_done(parts.done());
    });
  });
}

}  // namespace arpent::coordinator
