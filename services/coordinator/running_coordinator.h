// A coordinator that is ready to serve: state, clock thread and gRPC services in one. The program arpent-coordinator and
// `arpent up` both make theirs here.
#ifndef ARPENT_SERVICES_COORDINATOR_RUNNING_COORDINATOR_H_
#define ARPENT_SERVICES_COORDINATOR_RUNNING_COORDINATOR_H_

#include <grpcpp/impl/codegen/service_type.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/rpc/access.h"
#include "common/storage/object_store.h"
#include "common/telemetry/metrics.h"
#include "services/coordinator/coordinator.h"

namespace arpent::coordinator {

struct CoordinatorOptions {
  // SQLite file, made when absent; or "postgresql://...", with which several coordinators may run and one leads; empty:
  // state that goes with the process.
  std::string state;
  // How long to wait for the SQLite file while another coordinator has it open.
  absl::Duration state_wait;
  CoordinatorPolicy policy;
  // Where the STAC catalogue of current products is written; null: nowhere.
  std::shared_ptr<storage::ObjectStore> output;
  // How often the leader sweeps `output`; zero: only when somebody calls `arpent storage sweep`.
  absl::Duration sweep_interval;
  std::shared_ptr<const rpc::AccessControl> access;  // null: everyone may call
  // With PostgreSQL: who this is, for people, and how long it leads without a sign of life.
  std::string name;
  absl::Duration leader_term = absl::Seconds(15);
};

// What its server must be able to receive: `discover` reports every scene of an input in one message, about 450 bytes each.
inline constexpr int kMaxMessageBytes = 64 << 20;

class RunningCoordinator {
 public:
  virtual ~RunningCoordinator() = default;

  // To be registered on a server. They live as long as this object.
  virtual std::vector<grpc::Service*> services() = 0;
  // Ends every long poll and watch with UNAVAILABLE, so that a server can stop. Idempotent.
  virtual void Stop() = 0;
  // UNAVAILABLE while another process leads.
  virtual absl::StatusOr<std::shared_ptr<Coordinator>> coordinator() = 0;
  // Calls `leads` now and with every change, until it is replaced by another one or by null.
  virtual void WatchLeadership(std::function<void(bool leads)> leads) = 0;
};

// Reads the state and goes on where it stopped; with PostgreSQL, as soon as it leads. `clock` and `metrics` outlive it. When
// the state can no longer be written, or another process leads, the process ends: what was not durable was not
// accepted. The errors are those of OpenSqliteStore, and DATA_LOSS naming a damaged row.
absl::StatusOr<std::unique_ptr<RunningCoordinator>> StartCoordinator(const CoordinatorOptions& options, Clock& clock,
                                                                     telemetry::Metrics& metrics);

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_RUNNING_COORDINATOR_H_
