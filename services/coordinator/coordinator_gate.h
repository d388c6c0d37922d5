// What stands between the services and the coordinator: open to callers with the right, while this process leads.
#ifndef ARPENT_SERVICES_COORDINATOR_COORDINATOR_GATE_H_
#define ARPENT_SERVICES_COORDINATOR_COORDINATOR_GATE_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/base/status.h"
#include "common/rpc/access.h"
#include "services/coordinator/coordinator.h"

namespace arpent::coordinator {

// Thread-safe.
class CoordinatorGate {
 public:
  // Without `access` everyone may enter.
  explicit CoordinatorGate(std::shared_ptr<const rpc::AccessControl> access) : access_(std::move(access)) {}

  void Open(std::shared_ptr<Coordinator> coordinator) {
    absl::MutexLock lock(&mutex_);
    coordinator_ = std::move(coordinator);
  }
  // For a call: also the errors of rpc::Admit.
  absl::StatusOr<std::shared_ptr<Coordinator>> Enter(const grpc::ServerContext& context, rpc::Right right) const {
    ARPENT_RETURN_IF_ERROR(rpc::Admit(access_.get(), context, right));
    return Enter();
  }
  // UNAVAILABLE while another process leads.
  absl::StatusOr<std::shared_ptr<Coordinator>> Enter() const {
    absl::MutexLock lock(&mutex_);
    if (coordinator_ != nullptr) return coordinator_;
    return absl::UnavailableError("this coordinator stands by; the leader answers at another address");
  }

 private:
  const std::shared_ptr<const rpc::AccessControl> access_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<Coordinator> coordinator_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_COORDINATOR_GATE_H_
