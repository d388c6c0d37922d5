// The border between gRPC's status and ours: same codes, one conversion each way.
#ifndef ARPENT_COMMON_RPC_STATUS_H_
#define ARPENT_COMMON_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace arpent::rpc {

inline absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// A message travels as metadata, which the receiver limits: one that quotes a long path would not arrive at all.
inline constexpr size_t kMostMessageBytes = 4096;

inline grpc::Status ToGrpc(const absl::Status& status) {
  std::string message(status.message().substr(0, kMostMessageBytes));
  if (message.size() < status.message().size()) {
    absl::StrAppend(&message, "... (", status.message().size() - message.size(), " more bytes)");
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message);
}

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_STATUS_H_
