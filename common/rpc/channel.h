// Channels to our servers and the deadline that every call has.
#ifndef ARPENT_COMMON_RPC_CHANNEL_H_
#define ARPENT_COMMON_RPC_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/tls.h"

namespace arpent::rpc {

struct ChannelOptions {
  TlsOptions tls;
  int max_message_bytes = 64 << 20;  // a listing of a country's scenes is one message
  // The name in the server's certificate, when it is not the host of the address.
  std::string server_name;
  // File with the token that is shown with every call; empty: none. Without TLS it is shown to this machine only, unless
  // `plaintext_token` says that the network may see it.
  std::string token_file;
  bool plaintext_token = false;
};

// A lazy channel: it connects with the first call and again after losses. `address` is host:port, where a name that
// stands for several servers (a headless Service) is used in turn, or several ip:port with commas between them, whose certificates all bear the first one.
// INVALID_ARGUMENT naming what is missing; the errors of tls.h and client_token.h.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& address, const ChannelOptions& options);

// Sets the deadline of one call.
void SetDeadline(grpc::ClientContext* context, absl::Duration timeout);

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_CHANNEL_H_
