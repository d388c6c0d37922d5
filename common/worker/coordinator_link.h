// What the lease loop needs of a coordinator: the one call that it makes.
#ifndef ARPENT_COMMON_WORKER_COORDINATOR_LINK_H_
#define ARPENT_COMMON_WORKER_COORDINATOR_LINK_H_

#include <grpcpp/channel.h>

#include <memory>

#include "absl/status/statusor.h"
#include "arpent/worker/v1/worker_service.grpc.pb.h"

namespace arpent::worker {

class CoordinatorLink {
 public:
  virtual ~CoordinatorLink() = default;
  // One call, no retry. It may take as long as the request's `max_wait`, and a little more.
  virtual absl::StatusOr<v1::SynchronizeResponse> Synchronize(const v1::SynchronizeRequest& request) = 0;
};

// Over gRPC.
class GrpcCoordinatorLink final : public CoordinatorLink {
 public:
  explicit GrpcCoordinatorLink(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::WorkerService::NewStub(channel)) {}
  absl::StatusOr<v1::SynchronizeResponse> Synchronize(const v1::SynchronizeRequest& request) override;

 private:
  const std::unique_ptr<v1::WorkerService::StubInterface> stub_;
};

}  // namespace arpent::worker

#endif  // ARPENT_COMMON_WORKER_COORDINATOR_LINK_H_
