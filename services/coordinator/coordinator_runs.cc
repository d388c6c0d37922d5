// How a run moves on: cells that can begin are queued or found done, cells that end set others free.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/rpc/convert.h"
#include "common/rpc/site_rules.h"
#include "common/telemetry/log.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/run_log.h"
#include "services/coordinator/worker_report.h"

namespace arpent::coordinator {
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
      cell->set_error_message(Clipped(planned.known->error_message));
      cell->set_key(planned.known->key);
      cell->set_product_uri(planned.known->uri);
      cell->set_reused(planned.known->outcome == run::v1::CELL_OUTCOME_DONE);
    });
    return;
  }
  if (planned.UsesTables() && !PinTables(ledger)) return;  // stays WAITING until a worker comes that offers the stage
  const std::string version = OfferFor(*ledger, index);
  Resolution resolution = Resolve(
      ledger->plan(), index, [&](int upstream) { return ledger->ResultOf(upstream); }, ledger->record().tables_digest());
  if (resolution.kind != Resolution::Kind::kReady) {
    const bool missing = resolution.kind == Resolution::Kind::kMissingInput;
    EndCell(ledger, index, [&](run::v1::Cell* cell) {
      cell->set_outcome(missing ? run::v1::CELL_OUTCOME_MISSING_INPUT : run::v1::CELL_OUTCOME_SKIPPED);
      cell->set_reason(resolution.reason);
    });
    return;
  }
  resolution.task.algorithm_version = ledger->StageVersion(planned.task.stage);
  if (planned.task.stage == "discover") {
    QueueCell(ledger, index, absl::StrCat(ledger->run_id(), "/", planned.cell_id), resolution.task, version);
    return;
  }
  const HexDigest key = resolution.task.Key();
  if (IsBeingRemoved(key)) return;  // stays WAITING until EndRemoval
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

  const auto [found, is_new] = tasks_.try_emplace(task_id);
  ActiveTask& task = found->second;
  task.spec = spec;
  task.waiters.insert({ledger->run_id(), index});
  task.priority = std::max(task.priority, ledger->record().priority());
  queue_.SetLimit(ledger->record().run().site(), ledger->record().site().limits().tasks_at_once());
  TaskDemand demand{.stage = spec.stage,
                    .stage_version = stage_version,
                    .share = absl::StrCat(ledger->record().run().site(), "/", planned.sensor),
                    .priority = task.priority,
                    .core_seconds = costs_.CoreSeconds(planned),
                    .path_seconds = planned.path_seconds,
                    .memory_bytes = MemoryFor(planned, stage_version)};
  if (is_new) {
    task.demand = std::move(demand);
    ChooseParts(task_id, ledger->record().site());
  }
  task.demand.priority = task.priority;
  Enqueue(task_id);
  show(OutcomeNow(task_id));
  ShowTask(task_id);
}

// What was learned asks for more than is declared, but never for more than any worker has.
int64_t Coordinator::MemoryFor(const PlannedCell& planned, const std::string& stage_version) const {
  const int64_t learned = costs_.MemoryBytes(planned);
  if (learned <= planned.memory_bytes) return planned.memory_bytes;
  return std::max(planned.memory_bytes, std::min(learned, roster_.MostMemoryFor(stage_version)));
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
  std::erase_if(unserved_since_, [&](const auto& since) { return since.first.first == ledger->run_id(); });
  ended_runs_[ledger->run_id()] = ledger->record();
  active_run_of_site_.erase(ledger->record().run().site());
  PutRun(*ledger);
  telemetry::LogFields fields = LogFieldsOf(*ledger);
  fields.emplace_back("state", absl::AsciiStrToLower(absl::StripPrefix(run::v1::RunState_Name(state), "RUN_STATE_")));
  telemetry::Log(telemetry::LogLevel::kInfo, "a run ended", fields);
  ForgetOldRuns();
  prune_due_.insert(ledger->record().run().site());
  DropEarlierQuietPolls(*ledger);
}

void Coordinator::ForgetTask(const std::string& task_id) {
  const auto task = tasks_.find(task_id);
  if (task == tasks_.end()) return;
  for (int part = -1; part < task->second.parts.count(); ++part) {
    const std::string id = TaskName{task_id, part}.ToString();
    queue_.Remove(id);
    Erase(Table::kTasks, id);
  }
  tasks_.erase(task);
}

}  // namespace arpent::coordinator
