// A coordinator that is ready to serve: state, clock thread and gRPC services in one. The program arpent-coordinator and
// `arpent up` both make theirs here.
#ifndef ARPENT_SERVICES_COORDINATOR_RUNNING_COORDINATOR_H_
#define ARPENT_SERVICES_COORDINATOR_RUNNING_COORDINATOR_H_

#include <grpcpp/impl/codegen/service_type.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/telemetry/metrics.h"
#include "services/coordinator/coordinator.h"

namespace arpent::coordinator {

struct CoordinatorOptions {
  std::string state;  // SQLite file, made when absent; empty: state that goes with the process
  CoordinatorPolicy policy;
};

class RunningCoordinator {
 public:
  virtual ~RunningCoordinator() = default;

  // To be registered on a server. They live as long as this object.
  virtual std::vector<grpc::Service*> services() = 0;
  // Ends every long poll and watch with UNAVAILABLE, so that a server can stop. Idempotent.
  virtual void Stop() = 0;
  virtual Coordinator& coordinator() = 0;
};

// Reads the state and goes on where it stopped. `clock` and `metrics` outlive it. When the state can no longer be written
// the process ends: what was not durable was not accepted. The errors are those of OpenSqliteStore, and DATA_LOSS
// naming a damaged row.
absl::StatusOr<std::unique_ptr<RunningCoordinator>> StartCoordinator(const CoordinatorOptions& options, Clock& clock,
                                                                     telemetry::Metrics& metrics);

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_RUNNING_COORDINATOR_H_
