// The token that a client shows with every call, on every channel of a process.
#ifndef ARPENT_COMMON_RPC_CLIENT_TOKEN_H_
#define ARPENT_COMMON_RPC_CLIENT_TOKEN_H_

#include <grpcpp/support/client_interceptor.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace arpent::rpc {

// The first line of a file, read again when it is older than a second, so that a renewed token needs no restart.
// Thread-safe.
class TokenFile {
 public:
  // NOT_FOUND or PERMISSION_DENIED when it cannot be read, INVALID_ARGUMENT when it holds none.
  static absl::StatusOr<std::shared_ptr<TokenFile>> Open(const std::string& file);

  // The last one that could be read.
  std::string Token();

 private:
  explicit TokenFile(std::string file) : file_(std::move(file)) {}
  absl::Status Read() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string file_;
  absl::Mutex mutex_;
  std::string token_ ABSL_GUARDED_BY(mutex_);
  absl::Time read_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

// Adds `authorization: Bearer <token>` to every call of a channel.
std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface> ShowToken(std::shared_ptr<TokenFile> token);

// Whether every address of a channel's target is this machine: there, bytes cross no network.
bool IsLoopback(const std::string& address);

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_CLIENT_TOKEN_H_
