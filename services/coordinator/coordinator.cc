#include "services/coordinator/coordinator.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/convert.h"
#include "common/rpc/site_rules.h"
#include "common/stages/catalog.h"
#include "common/telemetry/log.h"
#include "common/telemetry/trace.h"
#include "services/coordinator/run_log.h"

namespace arpent::coordinator {
namespace {

site::v1::Site WithDefaults(site::v1::Site site) {
  rpc::FillSiteDefaults(&site);
  return site;
}

constexpr size_t kMostUpstreamShown = 20;
// Pages end here too: a client takes messages of up to 4 MB.
constexpr size_t kMostBytesPerPage = 2 << 20;

absl::Status NoSite(const std::string& name) {
  return absl::NotFoundError(absl::StrCat("there is no site '", name, "'; apply it first"));
}

absl::Status NoProduct(const std::string& key) { return absl::NotFoundError(absl::StrCat("there is no product ", key)); }

}  // namespace

Coordinator::Coordinator(const CoordinatorPolicy& policy, StateStore& store, const Clock& clock,
                         std::function<double()> random, CoordinatorCounters& counters, int64_t last_token)
    : policy_(policy),
      store_(store),
      clock_(clock),
      counters_(counters),
      queue_(policy.queue, clock, std::move(random), last_token),
      roster_(policy.worker_silence) {}

// --- sites ---

absl::StatusOr<site::v1::ApplySiteResponse> Coordinator::ApplySite(const site::v1::ApplySiteRequest& request) {
  ARPENT_RETURN_IF_ERROR(rpc::ValidateSite(request.site()));
  site::v1::ApplySiteResponse response;
  *response.mutable_site() = WithDefaults(request.site());
  uint64_t number;
  {
    absl::MutexLock lock(&mutex_);
    response.set_created(sites_.count(request.site().name()) == 0);
    if (request.validate_only()) return response;
    state::v1::SiteRecord& record = sites_[request.site().name()];
    *record.mutable_site() = request.site();
    Put(Table::kSites, request.site().name(), record.SerializeAsString());
    number = Flush();
  }
  ARPENT_RETURN_IF_ERROR(store_.WaitDurable(number));
  return response;
}

absl::StatusOr<site::v1::Site> Coordinator::GetSite(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  const auto site = sites_.find(name);
  if (site == sites_.end()) return NoSite(name);
  return WithDefaults(site->second.site());
}

std::vector<site::v1::Site> Coordinator::ListSites(const std::string& after, size_t limit) {
  absl::MutexLock lock(&mutex_);
  std::vector<site::v1::Site> sites;
  for (auto site = sites_.upper_bound(after); site != sites_.end() && sites.size() < limit; ++site) {
    sites.push_back(WithDefaults(site->second.site()));
  }
  return sites;
}

absl::Status Coordinator::DeleteSite(const std::string& name) {
  uint64_t number;
  {
    absl::MutexLock lock(&mutex_);
    if (sites_.count(name) == 0) return NoSite(name);
    if (const auto active = active_run_of_site_.find(name); active != active_run_of_site_.end()) {
      return absl::FailedPreconditionError(absl::StrCat("run ", active->second, " of site ", name, " is active; cancel it first"));
    }
    for (auto run = ended_runs_.begin(); run != ended_runs_.end();) {
      if (run->second.run().site() != name) {
        ++run;
        continue;
      }
      const std::string run_id = (run++)->first;
      ARPENT_RETURN_IF_ERROR(DropRun(run_id));
    }
    sites_.erase(name);
    Erase(Table::kSites, name);
    number = Flush();
  }
  return store_.WaitDurable(number);
}

// --- runs ---

absl::StatusOr<run::v1::Run> Coordinator::StartRun(const run::v1::StartRunRequest& request,
                                                   const std::string& trace_id) {
  if (request.request_id().empty()) return absl::InvalidArgumentError("request_id: is required");
  run::v1::Run run;
  uint64_t number;
  {
    absl::MutexLock lock(&mutex_);
    Ledger ledger;
    if (const auto known = run_of_request_.find(request.request_id()); known != run_of_request_.end()) {
      ARPENT_ASSIGN_OR_RETURN(ledger, FindRun(known->second));
    } else {
      const auto site = sites_.find(request.site());
      if (site == sites_.end()) return NoSite(request.site());
      ARPENT_ASSIGN_OR_RETURN(ledger, BeginRun(site->second.site(), request, trace_id));
    }
    run = ledger->ToProto();
    number = Flush();
  }
  ARPENT_RETURN_IF_ERROR(store_.WaitDurable(number));
  return run;
}

absl::StatusOr<run::v1::Run> Coordinator::RetryRun(const run::v1::RetryRunRequest& request,
                                                   const std::string& trace_id) {
  if (request.request_id().empty()) return absl::InvalidArgumentError("request_id: is required");
  run::v1::Run run;
  uint64_t number;
  {
    absl::MutexLock lock(&mutex_);
    ARPENT_ASSIGN_OR_RETURN(Ledger ledger, FindRun(request.run_id()));
    if (const auto known = run_of_request_.find(request.request_id()); known != run_of_request_.end()) {
      ARPENT_ASSIGN_OR_RETURN(ledger, FindRun(known->second));
    } else {
      if (ended_runs_.count(request.run_id()) == 0) {
        return absl::FailedPreconditionError(absl::StrCat("run ", request.run_id(), " goes on; retry it when it has ended"));
      }
      // What is done has its key and is found again; only what failed or was missing is work.
      run::v1::StartRunRequest start;
      start.set_request_id(request.request_id());
      start.set_site(ledger->record().run().site());
      start.set_season(ledger->record().run().season());
      start.set_priority(ledger->record().priority());
      const site::v1::Site site = ledger->record().site();
      ARPENT_ASSIGN_OR_RETURN(ledger, BeginRun(site, start, trace_id));
    }
    run = ledger->ToProto();
    number = Flush();
  }
  ARPENT_RETURN_IF_ERROR(store_.WaitDurable(number));
  return run;
}

absl::StatusOr<Coordinator::Ledger> Coordinator::BeginRun(const site::v1::Site& site,
                                                          const run::v1::StartRunRequest& request,
                                                          const std::string& trace_id, bool polled) {
  ARPENT_ASSIGN_OR_RETURN(const site::v1::Season season, FindSeason(site, request.season()));
  if (const auto active = active_run_of_site_.find(site.name()); active != active_run_of_site_.end()) {
    return absl::AlreadyExistsError(absl::StrCat("run ", active->second, " of site ", site.name(),
                                                 " is active: watch it, or cancel it first"));
  }
  const absl::Time now = clock_.Now();
  const std::string stem =
      absl::StrCat(site.name(), "-", absl::FormatTime("%Y%m%d-%H%M%S", now, absl::UTCTimeZone()));
  std::string run_id = stem;
  for (int i = 2; ledgers_.count(run_id) + ended_runs_.count(run_id) > 0; ++i) run_id = absl::StrCat(stem, "-", i);

  state::v1::RunRecord record;
  record.mutable_run()->set_run_id(run_id);
  record.mutable_run()->set_site(site.name());
  record.mutable_run()->set_season(season.name());
  record.mutable_run()->set_state(run::v1::RUN_STATE_PLANNING);
  *record.mutable_run()->mutable_start_time() = rpc::ToProto(now);
  record.mutable_run()->set_plan_only(request.plan_only());
  record.mutable_run()->set_trace_id(trace_id.empty() ? telemetry::TraceIdOf(run_id + request.request_id()) : trace_id);
  record.set_request_id(request.request_id());
  record.set_priority(request.priority());
  record.set_polled(polled);
  for (const stages::StageInfo& stage : stages::StageCatalog()) {
    (*record.mutable_stage_versions())[stage.name] = stage.algorithm_version;
  }
  *record.mutable_site() = site;

  const auto ledger = std::make_shared<RunLedger>(std::move(record));
  ledgers_[run_id] = ledger;
  active_run_of_site_[site.name()] = run_id;
  run_of_request_[request.request_id()] = run_id;
  telemetry::Log(telemetry::LogLevel::kInfo, request.plan_only() ? "a plan begins" : "a run begins", LogFieldsOf(*ledger));
  ledger->SetPlan(PlanDiscovery(WithDefaults(site), season), now);
  PutRun(*ledger);
  ResolveReady(ledger);
  MoveOn(ledger);
  return ledger;
}

absl::StatusOr<run::v1::Run> Coordinator::CancelRun(const std::string& run_id) {
  run::v1::Run run;
  uint64_t number;
  {
    absl::MutexLock lock(&mutex_);
    ARPENT_ASSIGN_OR_RETURN(const Ledger ledger, FindRun(run_id));
    if (ended_runs_.count(run_id) == 0) {
      // First the state, so that no cell that ends moves another one on.
      ledger->ChangeRun(clock_.Now(), [](auto* record) { record->mutable_run()->set_state(run::v1::RUN_STATE_CANCELLED); });
      for (int i = 0; i < ledger->size(); ++i) {
        if (IsTerminal(ledger->cell(i).outcome())) continue;
        const std::string task_id =
            ledger->cell(i).stage() == "discover" ? absl::StrCat(run_id, "/", ledger->cell(i).cell_id()) : ledger->cell(i).key();
        if (const auto task = tasks_.find(task_id); task != tasks_.end()) {
          task->second.waiters.erase({run_id, i});
          if (task->second.waiters.empty()) ForgetTask(task_id);
        }
        EndCell(ledger, i, [](run::v1::Cell* cell) { cell->set_outcome(run::v1::CELL_OUTCOME_CANCELLED); });
      }
      EndRun(ledger, run::v1::RUN_STATE_CANCELLED);
    }
    run = ledger->ToProto();
    number = Flush();
  }
  ARPENT_RETURN_IF_ERROR(store_.WaitDurable(number));
  return run;
}

absl::StatusOr<run::v1::Run> Coordinator::GetRun(const std::string& run_id) {
  absl::MutexLock lock(&mutex_);
  if (const auto ended = ended_runs_.find(run_id); ended != ended_runs_.end()) return ended->second.run();
  ARPENT_ASSIGN_OR_RETURN(const Ledger ledger, FindRun(run_id));
  return ledger->ToProto();
}

std::vector<run::v1::Run> Coordinator::ListRuns(const std::string& site, size_t offset, size_t limit) {
  absl::MutexLock lock(&mutex_);
  std::vector<run::v1::Run> runs;
  for (const auto& [run_id, record] : ended_runs_) runs.push_back(record.run());
  for (const auto& [run_id, ledger] : ledgers_) {
    if (ended_runs_.count(run_id) == 0) runs.push_back(ledger->ToProto());
  }
  if (!site.empty()) std::erase_if(runs, [&](const run::v1::Run& run) { return run.site() != site; });
  std::sort(runs.begin(), runs.end(), [](const run::v1::Run& a, const run::v1::Run& b) {
    const absl::Time a_start = rpc::FromProto(a.start_time()), b_start = rpc::FromProto(b.start_time());
    return a_start != b_start ? a_start > b_start : a.run_id() > b.run_id();
  });
  runs.erase(runs.begin(), runs.begin() + std::min(offset, runs.size()));
  if (runs.size() > limit) runs.resize(limit);
  return runs;
}

absl::StatusOr<std::vector<run::v1::Cell>> Coordinator::ListCells(const std::string& run_id, int first, size_t limit,
                                                                  const CellFilter& wanted, int* next) {
  absl::MutexLock lock(&mutex_);
  ARPENT_ASSIGN_OR_RETURN(const Ledger ledger, FindRun(run_id));
  const QueuePicture queue(roster_, queue_, clock_.Now());
  std::vector<run::v1::Cell> cells;
  size_t bytes = 0;
  *next = -1;
  for (int i = std::max(0, first); i < ledger->size(); ++i) {
    if (!wanted(ledger->cell(i))) continue;
    if (cells.size() == limit || bytes > kMostBytesPerPage) {
      *next = i;
      break;
    }
    cells.push_back(ledger->cell(i));
    cells.back().set_waiting_for(WaitingFor(*ledger, i, queue));
    if (cells.back().outcome() == run::v1::CELL_OUTCOME_WAITING) {
      for (const std::string& id : ledger->OpenUpstreamIds(i, kMostUpstreamShown)) cells.back().add_waits_for_cells(id);
    }
    bytes += cells.back().ByteSizeLong();
  }
  return cells;
}

absl::StatusOr<Coordinator::Changes> Coordinator::WatchRun(const std::string& run_id, int64_t after,
                                                           absl::Duration longest) {
  constexpr size_t kCellsPerMessage = 500;
  const absl::Time give_up = absl::Now() + longest;
  absl::MutexLock lock(&mutex_);
  while (true) {
    ARPENT_ASSIGN_OR_RETURN(const Ledger ledger, FindRun(run_id));
    Changes changes;
    const bool run_ended = ended_runs_.count(run_id) > 0;
    // Of a run whose cells were removed, what it says itself is all there is.
    if (ledger->sequence() > after || (run_ended && ledger->size() == 0 && after == 0)) {
      int64_t upto = after;
      for (const int cell : ledger->ChangedAfter(after, kCellsPerMessage, &upto)) {
        *changes.response.add_cells() = ledger->cell(cell);
      }
      changes.any = true;
      changes.ended = run_ended && upto >= ledger->sequence();
      changes.response.set_sequence(upto);
      *changes.response.mutable_run() = ledger->ToProto();
      return changes;
    }
    if (run_ended) {
      changes.ended = true;
      return changes;
    }
    if (stopping_) return absl::UnavailableError("the coordinator is stopping; resume the watch with the next address");
    if (absl::Now() >= give_up) return changes;
    news_.WaitWithDeadline(&mutex_, give_up);
  }
}

// --- products ---

absl::StatusOr<std::vector<product::v1::Product>> Coordinator::ListProducts(
    const product::v1::ListProductsRequest& request, std::string* next_page_token) {
  constexpr size_t kMost = 1000;
  const size_t limit = request.page_size() > 0 ? std::min<size_t>(request.page_size(), kMost) : kMost;
  std::vector<std::string> keys;
  std::vector<bool> is_current;
  uint64_t number;
  {
    absl::MutexLock lock(&mutex_);
    next_page_token->clear();
    for (auto product = products_.upper_bound(request.page_token()); product != products_.end(); ++product) {
      const KnownProduct& known = product->second;
      if (!request.site().empty() && known.site != request.site()) continue;
      if (!request.stage().empty() && known.stage != request.stage()) continue;
      if (!request.tile().empty() && known.tile != request.tile()) continue;
      const bool current = IsCurrent(product->first, known);
      if (!request.include_old() && !current) continue;
      if (keys.size() == limit) {
        *next_page_token = keys.back();
        break;
      }
      keys.push_back(product->first);
      is_current.push_back(current);
    }
    number = flushed_;
  }
  ARPENT_RETURN_IF_ERROR(store_.WaitDurable(number));
  std::vector<product::v1::Product> products;
  size_t bytes = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string& key = keys[i];
    ARPENT_ASSIGN_OR_RETURN(const std::optional<std::string> row, store_.Get(Table::kProducts, key));
    if (!row) continue;  // deleted meanwhile
    if (!products.emplace_back().ParseFromString(*row)) return absl::DataLossError(absl::StrCat("product ", key));
    products.back().set_current(is_current[i]);
    bytes += row->size();
    if (bytes <= kMostBytesPerPage || key == keys.back()) continue;
    *next_page_token = key;
    break;
  }
  return products;
}

absl::StatusOr<product::v1::Product> Coordinator::GetProduct(const std::string& key) {
  std::string whole;
  bool current = false;
  uint64_t number;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = products_.lower_bound(key);
    if (key.empty() || found == products_.end() || !absl::StartsWith(found->first, key)) return NoProduct(key);
    whole = found->first;
    current = IsCurrent(whole, found->second);
    number = flushed_;
  }
  ARPENT_RETURN_IF_ERROR(store_.WaitDurable(number));
  ARPENT_ASSIGN_OR_RETURN(const std::optional<std::string> row, store_.Get(Table::kProducts, whole));
  product::v1::Product product;
  if (!row) return NoProduct(key);
  if (!product.ParseFromString(*row)) return absl::DataLossError(absl::StrCat("product ", whole, ": its row is damaged"));
  product.set_current(current);
  return product;
}

absl::Status Coordinator::DeleteProduct(const std::string& key) {
  uint64_t number;
  {
    absl::MutexLock lock(&mutex_);
    if (products_.count(key) == 0) return NoProduct(key);
    if (const std::string user = UserOf(key); !user.empty()) {
      return absl::FailedPreconditionError(absl::StrCat("run ", user, " uses product ", key, ": wait for its end, or cancel it"));
    }
    Forget(key);
    number = Flush();
  }
  return store_.WaitDurable(number);
}

bool Coordinator::IsCurrent(const std::string& key, const KnownProduct& product) const {
  const auto current = current_.find(product.place());
  return current != current_.end() && current->second == key;
}

Coordinator::ProductNews Coordinator::NewsOfProducts() {
  absl::MutexLock lock(&mutex_);
  return {product_version_, !active_run_of_site_.empty()};
}

// --- shared by all ---

uint64_t Coordinator::Flush() {
  if (!writes_.empty()) {
    flushed_ = store_.Append(std::move(writes_));
    writes_.clear();
    news_.SignalAll();
  }
  return flushed_;
}

void Coordinator::Put(Table table, const std::string& key, std::string value) {
  writes_.push_back({table, key, std::move(value)});
}

void Coordinator::Erase(Table table, const std::string& key) { writes_.push_back({table, key, std::nullopt}); }

void Coordinator::PutRun(const RunLedger& ledger) {
  Put(Table::kRuns, ledger.run_id(), ledger.record().SerializeAsString());
}

absl::StatusOr<Coordinator::Ledger> Coordinator::FindRun(const std::string& run_id) {
  const auto ledger = ledgers_.find(run_id);
  if (ledger != ledgers_.end()) return ledger->second;
  return LoadEndedRun(run_id);
}

void Coordinator::Stop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
  news_.SignalAll();
}

}  // namespace arpent::coordinator
