// What a coordinator does without being asked: leases that ran out, inputs that are looked at again, what of old runs is
// no longer kept.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/convert.h"
#include "common/rpc/site_rules.h"
#include "common/telemetry/log.h"
#include "services/coordinator/coordinator.h"

namespace arpent::coordinator {
namespace {

// A poll that did nothing but look.
bool IsQuietPoll(const RunLedger& ledger) {
  if (!ledger.record().polled() || ledger.record().run().state() == run::v1::RUN_STATE_CANCELLED) return false;
  for (int i = 0; i < ledger.size(); ++i) {
    if (ledger.cell(i).stage() != "discover" && ledger.cell(i).attempts() > 0) return false;
  }
  return true;
}

// How often a site wants its inputs looked at: as its most eager input says; none: only when a run starts.
std::optional<absl::Duration> PollPeriod(const site::v1::Site& site) {
  std::optional<absl::Duration> every;
  for (const auto& input : site.inputs()) {
    const auto span = rpc::ParseSpan(input.poll());
    if (span.ok()) every = every ? std::min(*every, *span) : *span;
  }
  return every;
}

}  // namespace

absl::Status Coordinator::Tick() {
  uint64_t number;
  {
    absl::MutexLock lock(&mutex_);
    roster_.ForgetSilent(clock_.Now());
    for (const AttemptEnd& end : queue_.ExpireLeases()) {
      counters_.leases_expired.With({end.stage}).Increment();
      TakeEnd(end, nullptr);
    }
    const std::map<std::string, Ledger> ledgers = ledgers_;
    for (const auto& [run_id, ledger] : ledgers) {
      if (ended_runs_.count(run_id) == 0) RepinStages(ledger);
    }
    FitMemoryToWorkers();
    PollInputs();
    PruneCells();
    PutLearnedCosts();
    number = Flush();
    news_.SignalAll();  // an attempt may be due
  }
  return store_.WaitDurable(number);
}

void Coordinator::ClockJumped(absl::Duration by) {
  absl::MutexLock lock(&mutex_);
  queue_.ShiftTimes(by);
  roster_.ShiftTimes(by);
  for (auto& [stage, since] : unserved_since_) since += by;
  telemetry::Log(telemetry::LogLevel::kWarning, "the clock was set; leases and waits move with it",
                 {{"by", absl::FormatDuration(by)}});
}

// Learned needs are bounded by what workers have: they follow when the largest worker comes or goes.
void Coordinator::FitMemoryToWorkers() {
  for (const std::string& stage : costs_.StagesThatRanOutOfMemory()) {
    const int64_t most = roster_.MostMemoryOf(stage);
    int64_t& fitted = fitted_memory_[stage];
    if (most == 0 || most == fitted) continue;
    fitted = most;
    GiveMoreMemory(stage);
  }
}

// With each tick, not with each task: a measurement that is lost is made again.
void Coordinator::PutLearnedCosts() {
  for (const std::string& stage : learned_) Put(Table::kCosts, stage, costs_.Record(stage).SerializeAsString());
  learned_.clear();
}

void Coordinator::PollInputs() {
  const absl::Time now = clock_.Now();
  std::map<std::string, std::map<std::string, absl::Time>> last_starts;  // by site and season
  std::map<std::string, absl::Duration> periods;
  for (const auto& [name, record] : sites_) {
    const std::optional<absl::Duration> every = PollPeriod(record.site());
    if (!every || active_run_of_site_.count(name) > 0) continue;
    periods[name] = *every;
    for (const auto& season : record.site().seasons()) last_starts[name][season.name()] = absl::InfinitePast();
  }
  if (periods.empty()) return;
  std::set<std::string> ever_ran;
  for (const auto& [run_id, ended] : ended_runs_) {
    const auto site = last_starts.find(ended.run().site());
    if (site == last_starts.end() || ended.run().plan_only()) continue;
    const auto season = site->second.find(ended.run().season());
    if (season == site->second.end()) continue;
    ever_ran.insert(site->first);
    // A start that lies ahead is of a clock that was wrong: it must not keep the site from being looked at.
    const absl::Time start = rpc::FromProto(ended.run().start_time());
    if (start <= now) season->second = std::max(season->second, start);
  }
  // Somebody starts the first run; from then on the site looks after itself.
  for (const std::string& name : ever_ran) {
    // Each season in its turn: the one whose last run lies longest back.
    const auto& seasons = last_starts.at(name);
    const auto next = std::min_element(seasons.begin(), seasons.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (now - next->second < periods.at(name)) continue;
    run::v1::StartRunRequest request;
    request.set_request_id(absl::StrCat("poll/", name, "/", absl::ToUnixMicros(now)));
    request.set_site(name);
    request.set_season(next->first);
    const site::v1::Site site = sites_.at(name).site();
    // Whatever stands in the way shows when somebody starts a run.
    BeginRun(site, request, /*trace_id=*/"", /*polled=*/true).status().IgnoreError();
  }
}

absl::Status Coordinator::EraseCells(const std::string& run_id) {
  ARPENT_ASSIGN_OR_RETURN(const Ledger ledger, FindRun(run_id));
  for (int i = 0; i < ledger->size(); ++i) Erase(Table::kCells, absl::StrCat(run_id, "/", ledger->cell(i).cell_id()));
  ledgers_.erase(run_id);
  return absl::OkStatus();
}

absl::Status Coordinator::DropRun(const std::string& run_id) {
  ARPENT_RETURN_IF_ERROR(EraseCells(run_id));
  Erase(Table::kRuns, run_id);
  run_of_request_.erase(ended_runs_.at(run_id).request_id());
  ended_runs_.erase(run_id);
  return absl::OkStatus();
}

// Hourly looks at inputs that do not change would push out the runs that did something: only the newest is kept.
void Coordinator::DropEarlierQuietPolls(const RunLedger& ledger) {
  if (!IsQuietPoll(ledger)) return;
  ended_runs_.at(ledger.run_id()).set_quiet_poll(true);
  Put(Table::kRuns, ledger.run_id(), ended_runs_.at(ledger.run_id()).SerializeAsString());
  std::vector<std::string> earlier;
  for (const auto& [run_id, record] : ended_runs_) {
    if (record.quiet_poll() && run_id != ledger.run_id() && record.run().site() == ledger.record().run().site() &&
        record.run().season() == ledger.record().run().season()) {
      earlier.push_back(run_id);
    }
  }
  for (const std::string& run_id : earlier) DropRun(run_id).IgnoreError();  // a store that fails says so by itself
}

void Coordinator::PruneCells() {
  if (prune_due_.empty()) return;
  const std::string site = *prune_due_.begin();
  std::vector<std::pair<absl::Time, std::string>> ended;
  for (const auto& [run_id, record] : ended_runs_) {
    if (record.run().site() != site) continue;
    ended.emplace_back(rpc::FromProto(record.run().end_time()), run_id);
  }
  std::sort(ended.rbegin(), ended.rend());  // the newest first
  for (size_t i = policy_.runs_with_cells; i < ended.size(); ++i) {
    const std::string& run_id = ended[i].second;
    if (ended_runs_.at(run_id).cells_pruned()) continue;
    if (!EraseCells(run_id).ok()) break;  // the store says so by itself
    state::v1::RunRecord& record = ended_runs_.at(run_id);
    record.set_cells_pruned(true);
    record.mutable_run()->add_warnings("its cells were removed to save room; their counts are kept");
    Put(Table::kRuns, run_id, record.SerializeAsString());
    return;  // one with each tick
  }
  prune_due_.erase(site);
}

void Coordinator::ForgetOldRuns() {
  std::vector<std::pair<absl::Time, std::string>> ended;
  for (const auto& [run_id, ledger] : ledgers_) {
    if (ended_runs_.count(run_id) > 0) ended.emplace_back(rpc::FromProto(ledger->record().run().end_time()), run_id);
  }
  // The rows of the newest may not be durable yet, but those of the older ones are.
  std::sort(ended.rbegin(), ended.rend());
  for (size_t i = policy_.ended_runs_in_memory; i < ended.size(); ++i) ledgers_.erase(ended[i].second);
}

}  // namespace arpent::coordinator
