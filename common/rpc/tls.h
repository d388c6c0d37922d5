// Certificates of a process. Files are PEM; they are read again when they change, so that renewed certificates need no
// restart.
#ifndef ARPENT_COMMON_RPC_TLS_H_
#define ARPENT_COMMON_RPC_TLS_H_

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace arpent::rpc {

struct TlsOptions {
  // Off when all are empty. A server needs the first two, and with `authority_file` it also demands client certificates
  // signed by it (mutual TLS). A client needs `authority_file`, and the other two for mutual TLS.
  std::string certificate_file;
  std::string key_file;
  std::string authority_file;

  // How often the files are looked at.
  unsigned reload_seconds = 30;

  bool enabled() const { return !certificate_file.empty() || !key_file.empty() || !authority_file.empty(); }
};

// INVALID_ARGUMENT when a needed file is not named; NOT_FOUND or PERMISSION_DENIED when it cannot be read.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(const TlsOptions& options);
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(const TlsOptions& options);

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_TLS_H_
