// How a run moves on: cells that can begin are queued or found done, cells that end set others free.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/rpc/convert.h"
#include "common/rpc/site_rules.h"
#include "common/stages/catalog.h"
#include "common/telemetry/log.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/run_log.h"

namespace arpent::coordinator {
namespace {

bool UsesTables(const PlannedCell& cell) {
  return std::any_of(cell.slots.begin(), cell.slots.end(), [](const Slot& slot) { return slot.role == "tables"; });
}

std::string VersionOf(const std::string& stage) { return (*stages::FindStage(stage))->Versioned(); }

std::string WithTables(const std::string& version, const std::string& digest) {
  return digest.empty() ? version : absl::StrCat(version, "#", digest);
}

}  // namespace

void Coordinator::ResolveReady(const Ledger& ledger) {
  for (int i = 0; i < ledger->size(); ++i) {
    if (ledger->cell(i).outcome() == run::v1::CELL_OUTCOME_WAITING && ledger->OpenUpstream(i) == 0) {
      ResolveCell(ledger, i);
    }
  }
}

void Coordinator::ResolveCell(const Ledger& ledger, int index) {
  if (ledger->record().run().state() == run::v1::RUN_STATE_CANCELLED) return;
  const PlannedCell& planned = ledger->plan().cells[index];
  if (planned.known) {
    EndCell(ledger, index, [&](run::v1::Cell* cell) {
      cell->set_outcome(planned.known->outcome);
      cell->set_reason(planned.known->reason);
      cell->set_error_code(planned.known->error_code);
      cell->set_error_message(planned.known->error_message);
      cell->set_key(planned.known->key);
      cell->set_product_uri(planned.known->uri);
      cell->set_reused(planned.known->outcome == run::v1::CELL_OUTCOME_DONE);
    });
    return;
  }
  std::string version = VersionOf(planned.task.stage);
  if (UsesTables(planned)) {
    if (!PinTables(ledger)) return;  // stays WAITING until a worker comes that offers the stage
    version = WithTables(version, ledger->record().tables_digest());
  }
  const Resolution resolution = Resolve(
      ledger->plan(), index, [&](int upstream) { return ledger->ResultOf(upstream); }, ledger->record().tables_digest());
  if (resolution.kind != Resolution::Kind::kReady) {
    const bool missing = resolution.kind == Resolution::Kind::kMissingInput;
    EndCell(ledger, index, [&](run::v1::Cell* cell) {
      cell->set_outcome(missing ? run::v1::CELL_OUTCOME_MISSING_INPUT : run::v1::CELL_OUTCOME_SKIPPED);
      cell->set_reason(resolution.reason);
    });
    return;
  }
  if (planned.task.stage == "discover") {
    QueueCell(ledger, index, absl::StrCat(ledger->run_id(), "/", planned.cell_id), resolution.task, version);
    return;
  }
  const HexDigest key = resolution.task.Key();
  if (const auto product = products_.find(key); product != products_.end()) {
    EndCell(ledger, index, [&](run::v1::Cell* cell) {
      cell->set_outcome(run::v1::CELL_OUTCOME_DONE);
      cell->set_reused(true);
      cell->set_degraded(resolution.task.degraded);
      cell->set_key(key);
      cell->set_product_uri(product->second.uri);
    });
    return;
  }
  if (const auto skip = skips_.find(key); skip != skips_.end()) {
    EndCell(ledger, index, [&](run::v1::Cell* cell) {
      cell->set_outcome(run::v1::CELL_OUTCOME_SKIPPED);
      cell->set_reason(skip->second);
      cell->set_key(key);
    });
    return;
  }
  QueueCell(ledger, index, key, resolution.task, version);
}

void Coordinator::QueueCell(const Ledger& ledger, int index, const std::string& task_id, const stages::TaskSpec& spec,
                            const std::string& stage_version) {
  const PlannedCell& planned = ledger->plan().cells[index];
  const bool is_discover = spec.stage == "discover";
  const auto show = [&](run::v1::CellOutcome outcome) {
    ledger->Change(index, clock_.Now(), [&](run::v1::Cell* cell) {
      cell->set_outcome(outcome);
      cell->set_degraded(spec.degraded);
      if (!is_discover) cell->set_key(task_id);
    });
  };
  // A plan looks at its inputs and begins nothing else.
  if (ledger->record().run().plan_only() && !is_discover) return show(run::v1::CELL_OUTCOME_READY);

  ActiveTask& task = tasks_[task_id];
  task.spec = spec;
  task.waiters.insert({ledger->run_id(), index});
  task.priority = std::max(task.priority, ledger->record().priority());
  const auto recovered = recovered_tasks_.find(task_id);
  queue_.Add(task_id,
             {.stage = spec.stage,
              .stage_version = stage_version,
              .share = absl::StrCat(ledger->record().run().site(), "/", planned.sensor),
              .priority = ledger->record().priority(),
              .core_seconds = costs_.CoreSeconds(planned),
              .path_seconds = planned.path_seconds,
              .memory_bytes = planned.memory_bytes},
             recovered == recovered_tasks_.end() ? 0 : recovered->second.attempts());
  if (recovered != recovered_tasks_.end()) {
    const state::v1::TaskRecord& record = recovered->second;
    if (record.fencing_token() != 0) {
      // The worker had no chance to prolong it while the coordinator was away.
      queue_.Restore({.task_id = task_id,
                      .worker_id = record.worker_id(),
                      .token = record.fencing_token(),
                      .attempt = record.attempts() + 1,
                      .expiry = clock_.Now() + policy_.queue.lease,
                      .start = rpc::FromProto(record.lease_start()),
                      .memory_bytes = record.memory_bytes()});
    }
    recovered_tasks_.erase(recovered);
  }
  show(queue_.LeaseOf(task_id) ? run::v1::CELL_OUTCOME_RUNNING : run::v1::CELL_OUTCOME_READY);
  news_.SignalAll();
}

void Coordinator::SetCurrent(const run::v1::Cell& cell) {
  const auto product = products_.find(cell.key());
  if (product == products_.end()) return;  // a scene, or somebody else's product that is only an input
  std::string& current = current_[product->second.place()];
  if (current == cell.key()) return;
  current = cell.key();
  Put(Table::kCurrent, product->second.place(), cell.key());
  ++product_version_;
}

void Coordinator::EndCell(const Ledger& ledger, int index, const std::function<void(run::v1::Cell*)>& change) {
  ledger->Change(index, clock_.Now(), [&](run::v1::Cell* cell) {
    cell->set_progress(0);
    change(cell);
  });
  Put(Table::kCells, absl::StrCat(ledger->run_id(), "/", ledger->cell(index).cell_id()),
      ledger->cell(index).SerializeAsString());
  if (ledger->cell(index).outcome() == run::v1::CELL_OUTCOME_DONE) SetCurrent(ledger->cell(index));
  if (ledger->record().run().state() == run::v1::RUN_STATE_CANCELLED) return;
  for (const int dependent : ledger->plan().cells[index].dependents) {
    if (ledger->cell(dependent).outcome() == run::v1::CELL_OUTCOME_WAITING && ledger->OpenUpstream(dependent) == 0) {
      ResolveCell(ledger, dependent);
    }
  }
}

void Coordinator::MoveOn(const Ledger& ledger) {
  const run::v1::RunState state = ledger->record().run().state();
  if (state == run::v1::RUN_STATE_PLANNING && ledger->open_cells() == 0) PlanWork(ledger);
  if (ledger->record().run().state() != run::v1::RUN_STATE_RUNNING) return;
  if (ledger->record().run().plan_only()) return EndRun(ledger, run::v1::RUN_STATE_PLANNED);
  if (ledger->open_cells() > 0) return;
  bool degraded = false;
  for (int i = 0; i < ledger->size(); ++i) {
    const run::v1::Cell& cell = ledger->cell(i);
    degraded = degraded || cell.outcome() == run::v1::CELL_OUTCOME_FAILED ||
               cell.outcome() == run::v1::CELL_OUTCOME_MISSING_INPUT ||
               (cell.outcome() == run::v1::CELL_OUTCOME_DONE && cell.degraded());
  }
  EndRun(ledger, degraded ? run::v1::RUN_STATE_DEGRADED : run::v1::RUN_STATE_SUCCEEDED);
}

void Coordinator::PlanWork(const Ledger& ledger) {
  const absl::Time now = clock_.Now();
  ledger->ChangeRun(now, [&](state::v1::RunRecord* record) {
    record->mutable_run()->set_state(run::v1::RUN_STATE_RUNNING);
    if (!record->has_plan_time()) *record->mutable_plan_time() = rpc::ToProto(now);
  });
  site::v1::Site site = ledger->record().site();
  rpc::FillSiteDefaults(&site);
  const int before = ledger->size();
  const Discoveries discoveries = std::move(discoveries_[ledger->run_id()]);
  discoveries_.erase(ledger->run_id());
  absl::StatusOr<Plan> plan = [&]() -> absl::StatusOr<Plan> {
    ARPENT_ASSIGN_OR_RETURN(const site::v1::Season season, FindSeason(site, ledger->record().run().season()));
    return PlanRun(site, season, discoveries, rpc::FromProto(ledger->record().plan_time()));
  }();
  if (plan.ok()) {
    ledger->SetPlan(*std::move(plan), now);
    ledger->SetExpectations([this](const PlannedCell& cell) { return costs_.CoreSeconds(cell); },
                            [this](const PlannedCell& cell) { return costs_.OutputBytes(cell); });
  }
  const bool no_work = std::none_of(ledger->plan().cells.begin() + before, ledger->plan().cells.end(),
                                    [](const PlannedCell& cell) { return cell.task.stage != "discover"; });
  ledger->ChangeRun(now, [&](state::v1::RunRecord* record) {
    if (!plan.ok()) record->mutable_run()->add_warnings(absl::StrCat("nothing was planned: ", plan.status().message()));
    if (plan.ok() && no_work) {
      record->mutable_run()->add_warnings(
          "there is no scene of the site's area and season in its inputs; nothing is to be done");
    }
  });
  PutRun(*ledger);
  ResolveReady(ledger);
}

void Coordinator::EndRun(const Ledger& ledger, run::v1::RunState state) {
  const run::v1::Run counted = ledger->ToProto();
  int64_t degraded = 0;
  for (const auto& stage : counted.stages()) degraded += stage.degraded();
  ledger->ChangeRun(clock_.Now(), [&](state::v1::RunRecord* record) {
    *record->mutable_run()->mutable_stages() = counted.stages();
    record->mutable_run()->set_state(state);
    *record->mutable_run()->mutable_end_time() = rpc::ToProto(clock_.Now());
    if (degraded > 0) {
      record->mutable_run()->add_warnings(absl::StrCat(degraded, degraded == 1 ? " product was" : " products were",
                                                       " made without an input that was expected; they are made again "
                                                       "when it comes"));
    }
  });
  for (int i = 0; i < ledger->size(); ++i) {
    if (ledger->cell(i).stage() == "discover") {
      Erase(Table::kDiscoveries, absl::StrCat(ledger->run_id(), "/", ledger->cell(i).cell_id()));
    }
    // Of a plan, what would be done is its result.
    if (!IsTerminal(ledger->cell(i).outcome())) {
      Put(Table::kCells, absl::StrCat(ledger->run_id(), "/", ledger->cell(i).cell_id()),
          ledger->cell(i).SerializeAsString());
    }
  }
  discoveries_.erase(ledger->run_id());
  unserved_since_.erase(ledger->run_id());
  ended_runs_[ledger->run_id()] = ledger->record();
  active_run_of_site_.erase(ledger->record().run().site());
  PutRun(*ledger);
  telemetry::LogFields fields = LogFieldsOf(*ledger);
  fields.emplace_back("state", absl::AsciiStrToLower(absl::StripPrefix(run::v1::RunState_Name(state), "RUN_STATE_")));
  telemetry::Log(telemetry::LogLevel::kInfo, "a run ended", fields);
  ForgetOldRuns();
}

void Coordinator::ForgetOldRuns() {
  std::map<absl::Time, std::string> ended;
  for (const auto& [run_id, ledger] : ledgers_) {
    if (ended_runs_.count(run_id) > 0) ended[rpc::FromProto(ledger->record().run().end_time())] = run_id;
  }
  // The rows of the newest may not be durable yet, but those of the older ones are.
  while (ended.size() > policy_.ended_runs_in_memory) {
    ledgers_.erase(ended.begin()->second);
    ended.erase(ended.begin());
  }
}

void Coordinator::ForgetTask(const std::string& task_id) {
  queue_.Remove(task_id);
  tasks_.erase(task_id);
  Erase(Table::kTasks, task_id);
}

bool Coordinator::PinTables(const Ledger& ledger) {
  if (ledger->record().has_tables_digest()) return true;
  const std::string version = VersionOf("l2a");
  const std::optional<std::string> offered = roster_.OfferedVersionOf(version);
  if (!offered) return false;
  const std::string digest = offered->size() > version.size() ? offered->substr(version.size() + 1) : "";
  ledger->ChangeRun(clock_.Now(), [&](state::v1::RunRecord* record) { record->set_tables_digest(digest); });
  PutRun(*ledger);
  return true;
}

void Coordinator::RepinTables(const Ledger& ledger) {
  const std::string& run_id = ledger->run_id();
  if (!ledger->record().has_tables_digest()) return;
  const std::string version = VersionOf("l2a");
  const std::optional<std::string> offered = roster_.OfferedVersionOf(version);
  if (!offered || roster_.Offers(WithTables(version, ledger->record().tables_digest()))) {
    unserved_since_.erase(run_id);
    return;
  }
  const absl::Time since = unserved_since_.emplace(run_id, clock_.Now()).first->second;
  if (clock_.Now() - since < policy_.replan_after) return;
  unserved_since_.erase(run_id);
  ledger->ChangeRun(clock_.Now(), [&](state::v1::RunRecord* record) {
    record->clear_tables_digest();
    record->mutable_run()->add_warnings("no worker offered the tables with which the run began; what had not begun uses "
                                        "those that are offered now");
  });
  for (int i = 0; i < ledger->size(); ++i) {
    if (ledger->cell(i).outcome() != run::v1::CELL_OUTCOME_READY || !UsesTables(ledger->plan().cells[i])) continue;
    const std::string task_id = ledger->cell(i).key();
    if (const auto task = tasks_.find(task_id); task != tasks_.end()) {
      task->second.waiters.erase({run_id, i});
      if (task->second.waiters.empty()) ForgetTask(task_id);
    }
    ledger->Change(i, clock_.Now(), [](run::v1::Cell* cell) { cell->set_outcome(run::v1::CELL_OUTCOME_WAITING); });
  }
  PutRun(*ledger);
  ResolveReady(ledger);
}

}  // namespace arpent::coordinator
