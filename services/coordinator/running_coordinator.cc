#include "services/coordinator/running_coordinator.h"

#include <cstdlib>
#include <thread>

#include "absl/synchronization/notification.h"
#include "common/base/status.h"
#include "common/rpc/retry.h"
#include "common/telemetry/log.h"
#include "services/coordinator/coordinator_counters.h"
#include "services/coordinator/coordinator_service.h"
#include "services/coordinator/store/memory_store.h"
#include "services/coordinator/store/sqlite_store.h"

namespace arpent::coordinator {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(250);

class Running final : public RunningCoordinator {
 public:
  Running(std::unique_ptr<StateStore> store, telemetry::Metrics& metrics)
      : store_(std::move(store)), counters_(metrics) {}

  absl::Status Start(const CoordinatorPolicy& policy, const Clock& clock, telemetry::Metrics& metrics) {
    ARPENT_ASSIGN_OR_RETURN(coordinator_, Coordinator::Open(policy, *store_, clock, rpc::RandomFraction, counters_));
    sites_ = std::make_unique<SiteServiceImpl>(*coordinator_);
    runs_ = std::make_unique<RunServiceImpl>(*coordinator_);
    products_ = std::make_unique<ProductServiceImpl>(*coordinator_);
    workers_ = std::make_unique<WorkerServiceImpl>(*coordinator_);
    gauges_ = metrics.BeforeScrape([this] { coordinator_->ShowGauges(); });
    ticks_ = std::thread([this] { TickUntilStopped(); });
    return absl::OkStatus();
  }

  ~Running() override {
    gauges_.reset();
    Stop();
    if (!ended_.HasBeenNotified()) ended_.Notify();
    if (ticks_.joinable()) ticks_.join();
  }

  std::vector<grpc::Service*> services() override {
    return {sites_.get(), runs_.get(), products_.get(), workers_.get()};
  }
  void Stop() override {
    if (coordinator_ != nullptr) coordinator_->Stop();
  }
  Coordinator& coordinator() override { return *coordinator_; }

 private:
  void TickUntilStopped() {
    while (!ended_.WaitForNotificationWithTimeout(kTick)) {
      const absl::Status status = coordinator_->Tick();
      if (status.ok()) continue;
      // Memory is ahead of what is durable: only a new beginning is true again.
      telemetry::Log(telemetry::LogLevel::kError, "the state cannot be written; the coordinator ends",
                     {{"error", std::string(status.message())}});
      std::_Exit(EXIT_FAILURE);
    }
  }

  const std::unique_ptr<StateStore> store_;
  CoordinatorCounters counters_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<SiteServiceImpl> sites_;
  std::unique_ptr<RunServiceImpl> runs_;
  std::unique_ptr<ProductServiceImpl> products_;
  std::unique_ptr<WorkerServiceImpl> workers_;
  std::shared_ptr<void> gauges_;
  absl::Notification ended_;
  std::thread ticks_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RunningCoordinator>> StartCoordinator(const CoordinatorOptions& options, Clock& clock,
                                                                     telemetry::Metrics& metrics) {
  std::unique_ptr<StateStore> store = std::make_unique<MemoryStore>();
  if (!options.state.empty()) {
    ARPENT_ASSIGN_OR_RETURN(store, OpenSqliteStore(options.state));
  }
  auto running = std::make_unique<Running>(std::move(store), metrics);
  ARPENT_RETURN_IF_ERROR(running->Start(options.policy, clock, metrics));
  return running;
}

}  // namespace arpent::coordinator
