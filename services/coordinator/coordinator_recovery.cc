// From the stored state back to where the coordinator stopped. Runs are planned again from their site and what discover
// found; cells that had ended are put back, the others resolve as they did.
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/convert.h"
#include "common/rpc/site_rules.h"
#include "services/coordinator/coordinator.h"

namespace arpent::coordinator {
namespace {

// Reads all rows of a table as messages. DATA_LOSS naming the first damaged one.
template <typename Message>
absl::Status ScanMessages(StateStore& store, Table table, const std::string& prefix,
                          const std::function<void(const std::string&, Message)>& visit) {
  absl::Status damage;
  ARPENT_RETURN_IF_ERROR(store.Scan(table, prefix, [&](const std::string& key, const std::string& value) {
    Message message;
    if (message.ParseFromString(value)) {
      visit(key, std::move(message));
    } else if (damage.ok()) {
      damage = absl::DataLossError(absl::StrCat("state: row ", key, " of table ", TableName(table), " is damaged"));
    }
  }));
  return damage;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Open(const CoordinatorPolicy& policy, StateStore& store,
                                                               const Clock& clock, std::function<double()> random,
                                                               CoordinatorCounters& counters) {
  int64_t last_token = 0;
  ARPENT_ASSIGN_OR_RETURN(const std::optional<std::string> stored, store.Get(Table::kCounters, kLastToken));
  if (stored && !absl::SimpleAtoi(*stored, &last_token)) return absl::DataLossError("state: last_token is no number");
  std::unique_ptr<Coordinator> coordinator(
      new Coordinator(policy, store, clock, std::move(random), counters, last_token));
  uint64_t number;
  {
    absl::MutexLock lock(&coordinator->mutex_);
    ARPENT_RETURN_IF_ERROR(coordinator->Recover());
    number = coordinator->Flush();
  }
  ARPENT_RETURN_IF_ERROR(store.WaitDurable(number));
  return coordinator;
}

absl::Status Coordinator::Recover() {
  ARPENT_RETURN_IF_ERROR(ScanMessages<state::v1::SiteRecord>(
      store_, Table::kSites, "", [this](const std::string& name, state::v1::SiteRecord record) {
        mutex_.AssertHeld();
        sites_[name] = std::move(record);
      }));
  ARPENT_RETURN_IF_ERROR(ScanMessages<product::v1::Product>(
      store_, Table::kProducts, "", [this](const std::string& key, product::v1::Product product) {
        mutex_.AssertHeld();
        products_[key] = {product.uri(), product.stage(), product.tile(), product.site(), product.degraded()};
      }));
  ARPENT_RETURN_IF_ERROR(store_.Scan(Table::kCurrent, "", [this](const std::string& place, const std::string& key) {
    mutex_.AssertHeld();
    current_[place] = key;
  }));
  // In a state of before this table, one product of each place is taken for the current one.
  const bool never_kept = current_.empty();
  for (const auto& [key, product] : products_) {
    if (!never_kept) break;
    if (current_.emplace(product.place(), key).second) Put(Table::kCurrent, product.place(), key);
  }
  ARPENT_RETURN_IF_ERROR(store_.Scan(Table::kSkips, "", [this](const std::string& key, const std::string& reason) {
    mutex_.AssertHeld();
    skips_[key] = reason;
  }));
  ARPENT_RETURN_IF_ERROR(ScanMessages<state::v1::TaskRecord>(
      store_, Table::kTasks, "", [this](const std::string& task_id, state::v1::TaskRecord record) {
        mutex_.AssertHeld();
        recovered_tasks_[task_id] = std::move(record);
      }));
  ARPENT_RETURN_IF_ERROR(ScanMessages<state::v1::CostRecord>(
      store_, Table::kCosts, "", [this](const std::string& stage, const state::v1::CostRecord& record) {
        mutex_.AssertHeld();
        costs_.Restore(stage, record);
      }));
  ARPENT_ASSIGN_OR_RETURN(const std::optional<std::string> last_sweep, store_.Get(Table::kCounters, kLastSweep));
  int64_t seconds = 0;
  if (last_sweep && absl::SimpleAtoi(*last_sweep, &seconds)) last_sweep_ = absl::FromUnixSeconds(seconds);
  std::vector<state::v1::RunRecord> active;
  ARPENT_RETURN_IF_ERROR(ScanMessages<state::v1::RunRecord>(
      store_, Table::kRuns, "", [&](const std::string& run_id, state::v1::RunRecord record) {
        mutex_.AssertHeld();
        run_of_request_[record.request_id()] = run_id;
        if (record.run().has_end_time()) {
          prune_due_.insert(record.run().site());
          ended_runs_[run_id] = std::move(record);
        } else {
          active.push_back(std::move(record));
        }
      }));
  for (state::v1::RunRecord& record : active) {
    ARPENT_RETURN_IF_ERROR(RecoverRun(std::make_shared<RunLedger>(std::move(record))));
  }
  // What no run wants any more.
  for (const auto& [task_id, record] : recovered_tasks_) Erase(Table::kTasks, task_id);
  recovered_tasks_.clear();
  return absl::OkStatus();
}

absl::Status Coordinator::RecoverRun(const Ledger& ledger) {
  const std::string& run_id = ledger->run_id();
  const std::string prefix = run_id + "/";
  site::v1::Site site = ledger->record().site();
  rpc::FillSiteDefaults(&site);
  ARPENT_ASSIGN_OR_RETURN(const site::v1::Season season, FindSeason(site, ledger->record().run().season()));
  Discoveries& discoveries = discoveries_[run_id];
  ARPENT_RETURN_IF_ERROR(ScanMessages<worker::v1::TaskDone>(
      store_, Table::kDiscoveries, prefix, [&](const std::string& key, worker::v1::TaskDone done) {
        discoveries[key.substr(prefix.size())] = std::move(done);
      }));
  const absl::Time now = clock_.Now();
  ledgers_[run_id] = ledger;
  active_run_of_site_[site.name()] = run_id;
  if (ledger->record().has_plan_time()) {
    ARPENT_ASSIGN_OR_RETURN(Plan plan,
                            PlanRun(site, season, discoveries, rpc::FromProto(ledger->record().plan_time())));
    ledger->SetPlan(std::move(plan), now);
    ledger->SetExpectations([this](const PlannedCell& cell) { return costs_.CoreSeconds(cell); },
                            [this](const PlannedCell& cell) { return costs_.OutputBytes(cell); });
    discoveries_.erase(run_id);
  } else {
    ledger->SetPlan(PlanDiscovery(site, season), now);
  }
  ARPENT_RETURN_IF_ERROR(
      ScanMessages<run::v1::Cell>(store_, Table::kCells, prefix, [&](const std::string& key, run::v1::Cell ended) {
        const int index = ledger->Find(ended.cell_id());
        if (index >= 0) ledger->Change(index, now, [&](run::v1::Cell* cell) { *cell = std::move(ended); });
      }));
  ResolveReady(ledger);
  MoveOn(ledger);
  return absl::OkStatus();
}

absl::StatusOr<Coordinator::Ledger> Coordinator::LoadEndedRun(const std::string& run_id) {
  const auto record = ended_runs_.find(run_id);
  if (record == ended_runs_.end()) return absl::NotFoundError(absl::StrCat("there is no run '", run_id, "'"));
  ARPENT_RETURN_IF_ERROR(store_.WaitDurable(flushed_));
  std::vector<run::v1::Cell> cells;
  ARPENT_RETURN_IF_ERROR(ScanMessages<run::v1::Cell>(
      store_, Table::kCells, run_id + "/", [&](const std::string&, run::v1::Cell cell) { cells.push_back(std::move(cell)); }));
  const auto ledger = std::make_shared<RunLedger>(record->second);
  // The changes of a run that ended do not get newer by looking at them.
  ledger->SetCells(std::move(cells), rpc::FromProto(record->second.run().end_time()));
  ledgers_[run_id] = ledger;
  ForgetOldRuns();
  return ledger;
}

}  // namespace arpent::coordinator
