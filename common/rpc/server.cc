#include "common/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/server_metrics.h"
#include "grpc/health/v1/health.pb.h"

namespace arpent::rpc {
namespace {

constexpr int kKeepaliveMs = 60 * 1000, kKeepaliveTimeoutMs = 20 * 1000;
constexpr int kLeastPingIntervalMs = 10 * 1000, kMostPingStrikes = 2;
constexpr int kHandshakeTimeoutMs = 20 * 1000;
constexpr int kLongestIdleMs = 15 * 60 * 1000;  // of a connection without calls

// Both are switches of the whole process that later servers pick up.
void EnableHealthAndReflection(bool reflection) {
  static std::once_flag once, reflection_once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    // Keeps the descriptor of the health service linked in, so that reflection knows it.
    (void)grpc::health::v1::HealthCheckRequest::descriptor();
  });
  if (reflection) std::call_once(reflection_once, [] { grpc::reflection::InitProtoReflectionServerBuilderPlugin(); });
}

void SetLimits(const ServerOptions& options, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(options.max_message_bytes);
  builder->SetMaxSendMessageSize(options.max_message_bytes);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams_per_connection);
  // A peer that fell silent is noticed; one that pings every 10 s is no attacker.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kLeastPingIntervalMs);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, kMostPingStrikes);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kLongestIdleMs);
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  grpc::ResourceQuota quota("arpent");
  quota.SetMaxThreads(options.max_calls);
  builder->SetResourceQuota(quota);
}

std::string WithPort(const std::string& address, int port) {
  return absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
}

absl::StatusOr<std::unique_ptr<grpc::Server>> StartOn(grpc::ServerBuilder& builder, const std::string& listen,
                                                      std::shared_ptr<grpc::ServerCredentials> credentials,
                                                      std::string* address) {
  int port = 0;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a second process on the port is an error
  builder.AddListeningPort(listen, std::move(credentials), &port);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", listen, "; is the address free and ours?"));
  }
  *address = WithPort(listen, port);
  return server;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const ServerOptions& options, const std::vector<grpc::Service*>& services, telemetry::Metrics& metrics,
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> guards) {
  EnableHealthAndReflection(options.reflection);
  auto server = std::unique_ptr<Server>(new Server);
  ARPENT_ASSIGN_OR_RETURN(auto credentials, MakeServerCredentials(options.tls));
  grpc::ServerBuilder builder;
  SetLimits(options, &builder);
  for (grpc::Service* const service : services) builder.RegisterService(service);
  guards.insert(guards.begin(), CountCalls(metrics));
  builder.experimental().SetInterceptorCreators(std::move(guards));
  ARPENT_ASSIGN_OR_RETURN(server->server_, StartOn(builder, options.listen, std::move(credentials), &server->address_));
  if (!options.health_listen.empty()) {
    grpc::ServerBuilder health_builder;
    SetLimits(options, &health_builder);
    ARPENT_ASSIGN_OR_RETURN(server->health_server_,
                            StartOn(health_builder, options.health_listen, grpc::InsecureServerCredentials(),
                                    &server->health_address_));
  }
  return server;
}

Server::~Server() { Stop(absl::ZeroDuration()); }

void Server::SetServing(const std::string& service, bool serving) {
  for (grpc::Server* const server : {server_.get(), health_server_.get()}) {
    if (server == nullptr) continue;
    if (auto* const health = server->GetHealthCheckService()) health->SetServingStatus(service, serving);
  }
}

void Server::Stop(absl::Duration grace) {
  if (server_ == nullptr) return;
  for (grpc::Server* const server : {server_.get(), health_server_.get()}) {
    if (server == nullptr) continue;
    if (auto* const health = server->GetHealthCheckService()) health->Shutdown();
    server->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(grace));
  }
}

std::shared_ptr<grpc::Channel> Server::InProcessChannel() { return server_->InProcessChannel(grpc::ChannelArguments()); }

void AnnounceListening(const std::string& address) {
  std::printf("listening on %s\n", address.c_str());
  std::fflush(stdout);
}

StopSignal::StopSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

int StopSignal::Wait() {
  int signal = 0;
  while (signal == 0) signal = WaitFor(absl::Hours(1));
  return signal;
}

int StopSignal::WaitFor(absl::Duration timeout) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  const timespec limit = absl::ToTimespec(timeout);
  const int signal = sigtimedwait(&signals, nullptr, &limit);
  return signal > 0 ? signal : 0;
}

}  // namespace arpent::rpc
