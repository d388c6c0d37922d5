// What workers say and hear: outcomes, leases, extensions, what to stop.
#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/convert.h"
#include "common/telemetry/log.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/run_log.h"
#include "services/coordinator/worker_report.h"

namespace arpent::coordinator {
namespace {

using worker::v1::SynchronizeRequest;
using worker::v1::SynchronizeResponse;
using worker::v1::TaskOutcome;
using worker::v1::TaskUsage;

constexpr absl::Duration kLongestWait = absl::Seconds(60);
constexpr int kMostLeasesPerCall = 64;
// Room for other fields in a response of at most 4 MB.
constexpr size_t kMostBytesPerCall = 3 << 20;

// What discover looks for: one file, not the scenes of an input.
bool IsFile(const std::string& kind) { return kind == "file" || kind == "area" || kind == "strata"; }

double CpuSeconds(const TaskUsage& usage) {
  const auto cpu = usage.time_seconds().find("cpu");
  return cpu == usage.time_seconds().end() ? 0 : cpu->second;
}

}  // namespace

absl::StatusOr<SynchronizeResponse> Coordinator::Synchronize(const SynchronizeRequest& request) {
  ARPENT_RETURN_IF_ERROR(CheckCaller(request));
  const absl::Time give_up = absl::Now() + std::min(kLongestWait, rpc::FromProto(request.max_wait()));
  SynchronizeResponse response;
  uint64_t number;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return absl::UnavailableError("the coordinator is stopping");
    if (roster_.Hear(request, clock_.Now())) {
      FitMemoryToWorkers();
      const std::map<std::string, Ledger> active = ledgers_;
      for (const auto& [run_id, ledger] : active) {
        if (ended_runs_.count(run_id) > 0 || ledger->record().has_tables_digest()) continue;
        ResolveReady(ledger);
        MoveOn(ledger);
      }
    }
    for (const TaskOutcome& outcome : request.finished()) TakeOutcome(request.worker_id(), outcome, &response);
    ExtendLeases(request, &response);
    GiveAgain(request, &response);
    GiveLeases(request, &response);
    while (response.begin().empty() && response.stop_task_ids().empty() && response.acknowledged().empty() &&
           !request.draining() && !stopping_ && absl::Now() < give_up) {
      news_.WaitWithDeadline(&mutex_, give_up);
      for (const auto& progress : request.running()) {
        if (!Holds(request.worker_id(), progress.task_id(), progress.fencing_token())) {
          response.add_stop_task_ids(progress.task_id());
        }
      }
      GiveLeases(request, &response);
    }
    number = Flush();
  }
  ARPENT_RETURN_IF_ERROR(store_.WaitDurable(number));
  return response;
}

// Tokens can be guessed: the lease must also be this worker's.
bool Coordinator::Holds(const std::string& worker_id, const std::string& task_id, int64_t token) const {
  const auto lease = queue_.LeaseOf(task_id);
  return lease && lease->token == token && lease->worker_id == worker_id;
}

void Coordinator::TakeOutcome(const std::string& worker_id, const TaskOutcome& outcome, SynchronizeResponse* response) {
  const absl::Status status = Holds(worker_id, outcome.task_id(), outcome.fencing_token())
                                  ? ApplyOutcome(outcome)
                                  : absl::AbortedError("the worker does not hold this lease");
  auto* const acknowledged = response->add_acknowledged();
  acknowledged->set_task_id(outcome.task_id());
  acknowledged->set_fencing_token(outcome.fencing_token());
  acknowledged->set_stale(absl::IsAborted(status));
}

absl::Status Coordinator::ApplyOutcome(const TaskOutcome& outcome) {
  const std::string& task_id = outcome.task_id();
  const TaskName name = TaskName::Parse(task_id);
  const int64_t token = outcome.fencing_token();
  if (outcome.has_returned()) {
    ARPENT_RETURN_IF_ERROR(queue_.Return(task_id, token));
    PutTask(task_id);
    if (const auto task = tasks_.find(name.task); task != tasks_.end()) {
      task->second.parts.SetProgress(name.part, 0);
      ShowTask(name.task);
    }
    ForEachWaiter(name.task, [&](const Ledger& ledger, int index) {
      ledger->Change(index, clock_.Now(), [](run::v1::Cell* cell) { cell->clear_worker(); });
    });
    news_.SignalAll();
    return absl::OkStatus();
  }
  absl::Status failure;
  if (outcome.has_failed()) {
    const absl::StatusCode code = CodeFromName(outcome.failed().code());
    failure = absl::Status(code == absl::StatusCode::kOk ? absl::StatusCode::kUnknown : code, Clipped(outcome.failed().message()));
  } else if (outcome.has_done()) {
    failure = CheckDone(name, outcome.done());
  } else if (!outcome.has_skipped()) {
    failure = absl::InternalError("the worker reported an outcome that says nothing");
  }
  if (!failure.ok()) {
    ARPENT_ASSIGN_OR_RETURN(const AttemptEnd end, queue_.Fail(task_id, token, failure));
    TakeEnd(end, &outcome.usage());
    return absl::OkStatus();
  }
  ARPENT_ASSIGN_OR_RETURN(const Lease lease, queue_.Complete(task_id, token));
  if (name.is_part() && outcome.has_done() && !outcome.done().has_product() && tasks_.count(name.task) > 0) {
    TakePart(name, outcome.usage());
  } else {
    TakeDone(name.task, lease, outcome);
  }
  return absl::OkStatus();
}

absl::Status Coordinator::CheckDone(const TaskName& name, const worker::v1::TaskDone& done) const {
  const auto task = tasks_.find(name.task);
  if (task == tasks_.end()) return absl::OkStatus();  // nobody's any more; the queue answers
  if (task->second.spec.stage == "discover") {
    const auto kind = task->second.spec.parameters.GetString("kind");
    if (kind.ok() && IsFile(*kind) && done.scenes().empty()) {
      return absl::InternalError("discover of a file returned no digest");
    }
    return absl::OkStatus();
  }
  if (name.is_part() && !done.has_product()) return absl::OkStatus();
  // Also of a part: a worker that knows no parts makes the whole product.
  return CheckProduct(name.task, done);
}

void Coordinator::TakeDone(const std::string& task_id, const Lease& lease, const TaskOutcome& outcome) {
  const auto found = tasks_.find(task_id);
  if (found == tasks_.end()) return;
  const ActiveTask task = found->second;
  const TaskUsage usage = WithParts(task, outcome.usage());
  ForgetTask(task_id);
  const bool is_discover = task.spec.stage == "discover";
  std::string key, uri;
  if (outcome.has_skipped()) {
    skips_[task_id] = Clipped(outcome.skipped().reason());
    Put(Table::kSkips, task_id, skips_[task_id]);
  } else if (is_discover) {
    if (!outcome.done().scenes().empty()) key = outcome.done().scenes(0).digest();
    uri = task.spec.inputs.front().uri;
  } else {
    product::v1::Product product = outcome.done().product();
    product.set_stage(task.spec.stage);
    product.set_tile(task.spec.tile);
    product.set_site(task.spec.site);
    product.set_unit(rpc::UnitOf(task.spec));
    product.set_degraded(task.spec.degraded);
    key = task_id;
    uri = product.uri();
    products_[key] = {uri, product.stage(), product.tile(), product.site(), product.degraded()};
    Put(Table::kProducts, key, product.SerializeAsString());
  }
  bool first = true;
  std::set<Ledger> ledgers;
  for (const Waiter& waiter : task.waiters) {
    const Ledger ledger = ledgers_.at(waiter.run_id);
    if (is_discover) {
      discoveries_[waiter.run_id][ledger->cell(waiter.cell).cell_id()] = outcome.done();
      Put(Table::kDiscoveries, absl::StrCat(waiter.run_id, "/", ledger->cell(waiter.cell).cell_id()),
          outcome.done().SerializeAsString());
    }
    if (first && outcome.has_done()) {
      double bytes = 0;
      for (const auto& asset : outcome.done().product().assets()) bytes += static_cast<double>(asset.size_bytes());
      costs_.Learn(ledger->plan().cells[waiter.cell], CpuSeconds(usage), bytes);
      learned_.insert(task.spec.stage);
    }
    EndCell(ledger, waiter.cell, [&](run::v1::Cell* cell) {
      cell->set_outcome(outcome.has_skipped() ? run::v1::CELL_OUTCOME_SKIPPED : run::v1::CELL_OUTCOME_DONE);
      cell->set_reason(Clipped(outcome.skipped().reason()));
      cell->clear_error_code();
      cell->clear_error_message();
      cell->set_attempts(std::max(lease.attempt, task.parts.cut() ? cell->attempts() : 0));
      cell->set_parts_done(cell->parts());
      cell->set_worker(lease.worker_id);
      if (outcome.has_done()) cell->set_key(key);
      cell->set_product_uri(uri);
      // The work was done once, whoever else waited for it.
      cell->set_reused(!first);
      if (first) AddUsage(usage, cell);
    });
    first = false;
    ledgers.insert(ledger);
  }
  for (const Ledger& ledger : ledgers) MoveOn(ledger);
}

void Coordinator::TakeEnd(const AttemptEnd& end, const TaskUsage* usage) {
  counters_.task_failures.With({end.stage, CodeName(end.status.code())}).Increment();
  if (absl::IsResourceExhausted(end.status) && absl::StrContains(end.status.message(), "out of memory")) {
    costs_.LearnMemory(end.stage);
    learned_.insert(end.stage);
    GiveMoreMemory(end.stage);
  }
  const TaskName name = TaskName::Parse(end.task_id);
  std::set<Waiter> waiters;
  std::string where;
  TaskUsage spent;
  bool has_spent = usage != nullptr;
  if (const auto found = tasks_.find(name.task); found != tasks_.end()) {
    ActiveTask& task = found->second;
    waiters = task.waiters;
    if (name.is_part()) where = absl::StrCat("part ", name.part + 1, " of ", task.parts.count(), ": ");
    if (usage != nullptr) spent = *usage;
    task.parts.SetProgress(name.part, 0);
    if (end.final) {
      has_spent = has_spent || task.parts.done() > 0;
      spent = WithParts(task, spent);
      ForgetTask(name.task);  // one part that cannot be made is the end of all
    } else {
      PutTask(end.task_id);
      ShowTask(name.task);
    }
  }
  std::set<Ledger> ledgers;
  bool first = true;
  for (const Waiter& waiter : waiters) {
    const Ledger ledger = ledgers_.at(waiter.run_id);
    const auto change = [&](run::v1::Cell* cell) {
      if (end.final) {
        cell->set_outcome(absl::IsNotFound(end.status) ? run::v1::CELL_OUTCOME_MISSING_INPUT : run::v1::CELL_OUTCOME_FAILED);
        if (absl::IsNotFound(end.status)) cell->set_reason(std::string(end.status.message()));
      }
      cell->set_error_code(std::string(CodeName(end.status.code())));
      cell->set_error_message(absl::StrCat(where, end.status.message()));
      cell->set_attempts(end.attempts);
      cell->set_worker(end.worker_id);
      if (has_spent && first) AddUsage(spent, cell);
    };
    if (end.final) {
      EndCell(ledger, waiter.cell, change);
      ledgers.insert(ledger);
    } else {
      ledger->Change(waiter.cell, clock_.Now(), change);
    }
    first = false;
  }
  if (!waiters.empty()) {
    telemetry::LogFields fields = LogFieldsOf(*ledgers_.at(waiters.begin()->run_id));
    fields.insert(fields.end(), {{"task", end.task_id},
                                 {"attempt", absl::StrCat(end.attempts)},
                                 {"stage", end.stage},
                                 {"worker", end.worker_id},
                                 {"code", std::string(CodeName(end.status.code()))},
                                 {"error", std::string(end.status.message())}});
    telemetry::Log(end.final ? telemetry::LogLevel::kWarning : telemetry::LogLevel::kInfo,
                   end.final ? "a task failed for good" : "an attempt failed; it is tried again", fields);
  }
  for (const Ledger& ledger : ledgers) MoveOn(ledger);
}

// What is queued already, the task that ran out among it, would run out as well.
void Coordinator::GiveMoreMemory(const std::string& stage) {
  for (auto& [task_id, task] : tasks_) {
    if (task.spec.stage != stage || task.waiters.empty()) continue;
    const Waiter& waiter = *task.waiters.begin();
    const Ledger& ledger = ledgers_.at(waiter.run_id);
    task.demand.memory_bytes = MemoryFor(ledger->plan().cells[waiter.cell], OfferFor(*ledger, waiter.cell));
    for (const int part : task.parts.Open()) {
      queue_.SetMemory(TaskName{task_id, part}.ToString(), DemandOf(task, part).memory_bytes);
    }
  }
}

void Coordinator::ForEachWaiter(const std::string& task_id, const std::function<void(const Ledger&, int)>& visit) {
  const auto task = tasks_.find(task_id);
  if (task == tasks_.end()) return;
  for (const Waiter& waiter : task->second.waiters) visit(ledgers_.at(waiter.run_id), waiter.cell);
}

void Coordinator::ExtendLeases(const SynchronizeRequest& request, SynchronizeResponse* response) {
  for (const auto& progress : request.running()) {
    if (!Holds(request.worker_id(), progress.task_id(), progress.fencing_token())) {
      response->add_stop_task_ids(progress.task_id());
      continue;
    }
    const absl::StatusOr<Lease> lease = queue_.Extend(progress.task_id(), progress.fencing_token());
    if (!lease.ok()) continue;
    auto* const extension = response->add_extended();
    extension->set_task_id(progress.task_id());
    extension->set_fencing_token(progress.fencing_token());
    *extension->mutable_remaining() = rpc::ToProto(lease->expiry - clock_.Now());
    const TaskName name = TaskName::Parse(progress.task_id());
    const auto task = tasks_.find(name.task);
    if (task == tasks_.end()) continue;
    task->second.parts.SetProgress(name.part, Fraction(progress.done_fraction()));
    const double done = task->second.parts.Progress();
    ForEachWaiter(name.task, [&](const Ledger& ledger, int index) {
      if (ledger->cell(index).progress() == done) return;
      ledger->Change(index, clock_.Now(), [&](run::v1::Cell* cell) { cell->set_progress(done); });
    });
  }
  if (!response->extended().empty()) news_.SignalAll();
}

// A response that got lost may have carried leases: the worker does not know of them.
void Coordinator::GiveAgain(const SynchronizeRequest& request, SynchronizeResponse* response) {
  std::set<std::string> known;
  for (const auto& progress : request.running()) known.insert(progress.task_id());
  for (const TaskOutcome& outcome : request.finished()) known.insert(outcome.task_id());
  for (const Lease& lease : queue_.LeasesOf(request.worker_id())) {
    if (known.count(lease.task_id) == 0) *response->add_begin() = TaskOf(lease);
  }
}

void Coordinator::GiveLeases(const SynchronizeRequest& request, SynchronizeResponse* response) {
  if (request.draining() || stopping_) return;
  const WorkerOffer offer{.worker_id = request.worker_id(),
                          .stage_versions = {request.stages().begin(), request.stages().end()},
                          .slots = request.slots(),
                          .memory_bytes = request.memory_bytes()};
  if (request.running_size() < request.slots()) CutForIdleSlots();
  size_t bytes = response->ByteSizeLong();
  for (int given = 0; given < kMostLeasesPerCall && bytes < kMostBytesPerCall; ++given) {
    const std::vector<Lease> leases = queue_.LeaseFor(offer, 1);
    if (leases.empty()) break;
    const Lease& lease = leases.front();
    *response->add_begin() = TaskOf(lease);
    bytes += response->begin(response->begin_size() - 1).ByteSizeLong();
    PutTask(lease.task_id);
    const TaskName name = TaskName::Parse(lease.task_id);
    ForEachWaiter(name.task, [&](const Ledger& ledger, int index) {
      ledger->Change(index, clock_.Now(), [&](run::v1::Cell* cell) {
        cell->set_outcome(run::v1::CELL_OUTCOME_RUNNING);
        cell->set_attempts(cell->parts() > 0 ? std::max(cell->attempts(), lease.attempt) : lease.attempt);
        cell->set_worker(lease.worker_id);
      });
    });
  }
}

worker::v1::Task Coordinator::TaskOf(const Lease& lease) {
  const TaskName name = TaskName::Parse(lease.task_id);
  const ActiveTask& active = tasks_.at(name.task);
  stages::TaskSpec spec = active.spec;
  spec.part = {.across = active.parts.across(), .index = name.part};
  worker::v1::Task task;
  rpc::SetSpec(spec, &task);
  task.set_task_id(lease.task_id);
  task.set_fencing_token(lease.token);
  *task.mutable_lease_expiry() = rpc::ToProto(lease.expiry);
  task.set_attempt(lease.attempt);
  if (!active.waiters.empty()) {
    task.set_run_id(active.waiters.begin()->run_id);
    task.set_trace_id(ledgers_.at(task.run_id())->record().run().trace_id());
  }
  task.set_memory_bytes(lease.memory_bytes);
  if (!active.waiters.empty()) {
    const site::v1::Site& site = ledgers_.at(active.waiters.begin()->run_id)->record().site();
    task.set_threads(site.limits().threads_per_task());
  }
  return task;
}

void Coordinator::PutTask(const std::string& task_id) {
  state::v1::TaskRecord record;
  record.set_task_id(task_id);
  record.set_attempts(queue_.AttemptsOf(task_id));
  if (const auto lease = queue_.LeaseOf(task_id)) {
    record.set_fencing_token(lease->token);
    record.set_worker_id(lease->worker_id);
    *record.mutable_lease_start() = rpc::ToProto(lease->start);
    *record.mutable_lease_expiry() = rpc::ToProto(lease->expiry);
    record.set_memory_bytes(lease->memory_bytes);
    Put(Table::kCounters, kLastToken, absl::StrCat(queue_.last_token()));
  }
  if (const auto task = tasks_.find(task_id); task != tasks_.end() && task->second.parts.cut()) {
    const TaskParts& parts = task->second.parts;
    record.set_parts_across(parts.across());
    for (int part = 0; part < parts.count(); ++part) {
      if (parts.IsDone(part)) record.add_parts_done(part);
    }
    *record.mutable_spent() = task->second.spent;
  }
  Put(Table::kTasks, task_id, record.SerializeAsString());
}

std::vector<worker::v1::WorkerStatus> Coordinator::ListWorkers() {
  absl::MutexLock lock(&mutex_);
  std::vector<worker::v1::WorkerStatus> workers;
  for (const auto& [id, worker] : roster_.all()) {
    workers.push_back(worker.status);
    workers.back().set_busy_slots(static_cast<int>(queue_.LeasesOf(id).size()));
    workers.back().set_silent_seconds(absl::ToDoubleSeconds(clock_.Now() - worker.heard));
  }
  return workers;
}

}  // namespace arpent::coordinator
