#include "common/rpc/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/client_token.h"

namespace arpent::rpc {
namespace {

constexpr int kKeepaliveMs = 30 * 1000, kKeepaliveTimeoutMs = 20 * 1000;
constexpr int kFirstReconnectMs = 200, kLongestReconnectMs = 5 * 1000;
// A pod that is replaced has its name again at once, with another address.
constexpr int kBetweenNameLookupsMs = 1000;

using ClientInterceptors = std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>;

absl::StatusOr<ClientInterceptors> MakeInterceptors(const std::string& address, const ChannelOptions& options) {
  ClientInterceptors interceptors;
  if (options.token_file.empty()) return interceptors;
  if (!options.tls.enabled() && !options.plaintext_token && !IsLoopback(address)) {
    return absl::InvalidArgumentError(absl::StrCat("the token would go to ", address,
                                                   " readable for everyone on the way; turn TLS on, or allow it with "
                                                   "--plaintext-token"));
  }
  ARPENT_ASSIGN_OR_RETURN(std::shared_ptr<TokenFile> token, TokenFile::Open(options.token_file));
  interceptors.push_back(ShowToken(std::move(token)));
  return interceptors;
}

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
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kBetweenNameLookupsMs);
  // A list of addresses is no name: the servers' certificates bear the first of them.
  const std::string name = absl::StrContains(address, ',') && options.server_name.empty()
                               ? address.substr(0, address.find(':'))
                               : options.server_name;
  if (!name.empty()) arguments.SetSslTargetNameOverride(name);
  const std::string target = absl::StrContains(address, ',') ? absl::StrCat("ipv4:", address) : address;
  ARPENT_ASSIGN_OR_RETURN(ClientInterceptors interceptors, MakeInterceptors(address, options));
  return grpc::experimental::CreateCustomChannelWithInterceptors(target, credentials, arguments, std::move(interceptors));
}

void SetDeadline(grpc::ClientContext* context, absl::Duration timeout) {
  context->set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout));
}

}  // namespace arpent::rpc
