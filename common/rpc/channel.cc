#include "common/rpc/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <chrono>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::rpc {
namespace {

constexpr int kKeepaliveMs = 30 * 1000, kKeepaliveTimeoutMs = 20 * 1000;
constexpr int kFirstReconnectMs = 200, kLongestReconnectMs = 5 * 1000;

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& address, const ChannelOptions& options) {
  if (address.empty()) return absl::InvalidArgumentError("the address of a server is empty; expected host:port");
  ARPENT_ASSIGN_OR_RETURN(auto credentials, MakeChannelCredentials(options.tls));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(options.max_message_bytes);
  arguments.SetMaxSendMessageSize(options.max_message_bytes);
  arguments.SetLoadBalancingPolicyName("round_robin");
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestReconnectMs);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // our servers are never behind the site's web proxy
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  const std::string target = absl::StrContains(address, ',') ? absl::StrCat("ipv4:", address) : address;
  return grpc::CreateCustomChannel(target, credentials, arguments);
}

void SetDeadline(grpc::ClientContext* context, absl::Duration timeout) {
  context->set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout));
}

}  // namespace arpent::rpc
