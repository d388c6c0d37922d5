#include "common/worker/coordinator_link.h"

#include "common/rpc/channel.h"
#include "common/rpc/convert.h"
#include "common/rpc/status.h"

namespace arpent::worker {
namespace {

constexpr absl::Duration kAnswerTime = absl::Seconds(15);

}  // namespace

absl::StatusOr<v1::SynchronizeResponse> GrpcCoordinatorLink::Synchronize(const v1::SynchronizeRequest& request) {
  grpc::ClientContext context;
  rpc::SetDeadline(&context, rpc::FromProto(request.max_wait()) + kAnswerTime);
  v1::SynchronizeResponse response;
  const grpc::Status status = stub_->Synchronize(&context, request, &response);
  if (!status.ok()) return rpc::FromGrpc(status);
  return response;
}

}  // namespace arpent::worker
