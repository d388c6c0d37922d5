#include "services/coordinator/running_coordinator.h"

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/retry.h"
#include "common/telemetry/log.h"
#include "common/telemetry/node_metrics.h"
#include "services/coordinator/catalog_writer.h"
#include "services/coordinator/clock_jumps.h"
#include "services/coordinator/coordinator_counters.h"
#include "services/coordinator/coordinator_gate.h"
#include "services/coordinator/coordinator_service.h"
#include "services/coordinator/storage_sweeper.h"
#include "services/coordinator/store/leadership.h"
#include "services/coordinator/store/memory_store.h"
#include "services/coordinator/store/postgres_store.h"
#include "services/coordinator/store/sqlite_store.h"

namespace arpent::coordinator {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kTick = absl::Milliseconds(250);
constexpr absl::Duration kStandbyLook = absl::Seconds(1);

// Memory is ahead of what is durable, or behind what another leader wrote: only a new beginning is true again.
[[noreturn]] void EndProcess(const absl::Status& status) {
  telemetry::Log(telemetry::LogLevel::kError, "the coordinator cannot go on; it ends to begin again",
                 {{"error", std::string(status.message())}});
  std::_Exit(EXIT_FAILURE);
}

bool IsPostgres(const std::string& state) {
  return absl::StartsWith(state, "postgresql://") || absl::StartsWith(state, "postgres://");
}

class Running final : public RunningCoordinator {
 public:
  Running(const CoordinatorOptions& options, const Clock& clock, telemetry::Metrics& metrics)
      : options_(options), clock_(clock), counters_(metrics) {
    gauges_ = metrics.BeforeScrape([this] {
      counters_.leader.With({}).Set(0);
      if (const auto coordinator = gate_.Enter(); coordinator.ok()) (*coordinator)->ShowGauges();
    });
    if (!options.state.empty() && !IsPostgres(options.state)) {
      disk_ = telemetry::WatchDisk(metrics, "state", fs::absolute(options.state).parent_path().string());
    }
  }

  // Leads at once: this process alone has the state.
  absl::Status LeadAlone(std::unique_ptr<StateStore> store) {
    ARPENT_RETURN_IF_ERROR(Lead(std::move(store)));
    ticks_ = std::thread([this] {
      while (!ended_.WaitForNotificationWithTimeout(kTick)) Tick();
    });
    return absl::OkStatus();
  }

  void StandBy() {
    ticks_ = std::thread([this] { RunElected(); });
  }

  ~Running() override {
    gauges_.reset();
    Stop();
    ended_.Notify();
    if (ticks_.joinable()) ticks_.join();
    if (renewals_.joinable()) renewals_.join();
    sweeper_.reset();
    catalog_.reset();
    gate_.Open(nullptr);
    coordinator_.reset();
    store_.reset();  // makes durable what is queued, while it still leads
    if (leadership_ != nullptr && leads_) leadership_->Resign().IgnoreError();
  }

  std::vector<grpc::Service*> services() override { return {&sites_, &runs_, &products_, &workers_}; }
  void Stop() override {
    if (const auto coordinator = gate_.Enter(); coordinator.ok()) (*coordinator)->Stop();
  }
  absl::StatusOr<std::shared_ptr<Coordinator>> coordinator() override { return gate_.Enter(); }

  void WatchLeadership(std::function<void(bool)> leads) override {
    absl::MutexLock lock(&watch_mutex_);
    watch_ = std::move(leads);
    if (watch_) watch_(gate_.Enter().ok());
  }

 private:
  absl::Status Lead(std::unique_ptr<StateStore> store) {
    store_ = std::move(store);
    ARPENT_ASSIGN_OR_RETURN(std::unique_ptr<Coordinator> coordinator,
                            Coordinator::Open(options_.policy, *store_, clock_, rpc::RandomFraction, counters_));
    coordinator_ = std::move(coordinator);
    if (options_.output != nullptr) catalog_ = std::make_unique<CatalogWriter>(coordinator_, options_.output);
    if (options_.output != nullptr && options_.sweep_interval > absl::ZeroDuration()) {
      sweeper_ = std::make_unique<StorageSweeper>(coordinator_, counters_, options_.output, options_.sweep_interval);
    }
    absl::MutexLock lock(&watch_mutex_);
    gate_.Open(coordinator_);
    if (watch_) watch_(true);
    return absl::OkStatus();
  }

  void Tick() {
    const absl::Duration jump = clock_jumps_.Look(clock_.Now(), std::chrono::steady_clock::now());
    if (jump != absl::ZeroDuration()) coordinator_->ClockJumped(jump);
    if (const absl::Status status = coordinator_->Tick(); !status.ok()) EndProcess(status);
  }

  // Waits for its turn to lead, then leads until it is stopped.
  void RunElected() {
    while (!ended_.HasBeenNotified()) {
      const absl::Status status = TryToLead();
      if (leads_) break;
      // A database that is away may come back; anything else will not mend itself.
      if (!status.ok() && !absl::IsUnavailable(status)) EndProcess(status);
      if (!status.ok()) {
        leadership_.reset();
        telemetry::Log(telemetry::LogLevel::kWarning, "cannot ask who leads", {{"error", std::string(status.message())}});
      }
      ended_.WaitForNotificationWithTimeout(kStandbyLook);
    }
    while (!ended_.WaitForNotificationWithTimeout(kTick)) Tick();
  }

  absl::Status TryToLead() {
    if (leadership_ == nullptr) {
      ARPENT_ASSIGN_OR_RETURN(leadership_, Leadership::Open(options_.state, options_.name, options_.leader_term));
    }
    ARPENT_ASSIGN_OR_RETURN(const std::optional<int64_t> epoch, leadership_->TryAcquire());
    if (!epoch) return absl::OkStatus();
    leads_ = true;
    renewals_ = std::thread([this] { RenewUntilStopped(); });
    absl::StatusOr<std::unique_ptr<StateStore>> store = OpenPostgresStore(options_.state, *epoch);
    if (!store.ok()) EndProcess(store.status());
    if (const absl::Status status = Lead(*std::move(store)); !status.ok()) EndProcess(status);
    telemetry::Log(telemetry::LogLevel::kInfo, "leads", {{"epoch", absl::StrCat(*epoch)}});
    return absl::OkStatus();
  }

  void RenewUntilStopped() {
    absl::Time renewed = absl::Now();
    while (!ended_.WaitForNotificationWithTimeout(options_.leader_term / 3)) {
      const absl::Status status = leadership_->Renew();
      if (status.ok()) {
        renewed = absl::Now();
      } else if (absl::IsAborted(status) || absl::Now() - renewed > options_.leader_term) {
        EndProcess(status);
      }
    }
  }

  const CoordinatorOptions options_;
  const Clock& clock_;
  ClockJumps clock_jumps_;  // of the thread that ticks
  CoordinatorCounters counters_;
  CoordinatorGate gate_{options_.access};
  SiteServiceImpl sites_{gate_};
  RunServiceImpl runs_{gate_};
  ProductServiceImpl products_{gate_};
  WorkerServiceImpl workers_{gate_};
  std::unique_ptr<Leadership> leadership_;
  bool leads_ = false;  // of RunElected's thread, and of the destructor after it
  std::unique_ptr<StateStore> store_;
  std::shared_ptr<Coordinator> coordinator_;
  std::unique_ptr<CatalogWriter> catalog_;
  std::unique_ptr<StorageSweeper> sweeper_;
  std::shared_ptr<void> gauges_, disk_;
  absl::Mutex watch_mutex_;
  std::function<void(bool)> watch_ ABSL_GUARDED_BY(watch_mutex_);
  absl::Notification ended_;
  std::thread ticks_, renewals_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RunningCoordinator>> StartCoordinator(const CoordinatorOptions& options, Clock& clock,
                                                                     telemetry::Metrics& metrics) {
  auto running = std::make_unique<Running>(options, clock, metrics);
  if (IsPostgres(options.state)) {
    running->StandBy();
    return running;
  }
  std::unique_ptr<StateStore> store = std::make_unique<MemoryStore>();
  if (!options.state.empty()) {
    ARPENT_ASSIGN_OR_RETURN(store, OpenSqliteStore(options.state, options.state_wait));
  }
  ARPENT_RETURN_IF_ERROR(running->LeadAlone(std::move(store)));
  return running;
}

}  // namespace arpent::coordinator
