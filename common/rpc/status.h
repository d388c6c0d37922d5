// The border between gRPC's status and ours: same codes, one conversion each way.
#ifndef ARPENT_COMMON_RPC_STATUS_H_
#define ARPENT_COMMON_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace arpent::rpc {

inline absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

inline grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_STATUS_H_
