// The one way to build a gRPC server here: health, reflection, limits, keepalive, call metrics, TLS, graceful stop.
#ifndef ARPENT_COMMON_RPC_SERVER_H_
#define ARPENT_COMMON_RPC_SERVER_H_

#include <grpcpp/server.h>
#include <grpcpp/support/server_interceptor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/tls.h"
#include "common/telemetry/metrics.h"

namespace arpent::rpc {

// A call with more metadata is refused.
inline constexpr int kMaxMetadataBytes = 16 << 10;

struct ServerOptions {
  std::string listen = "0.0.0.0:7070";  // host:port; port 0 takes a free one
  TlsOptions tls;
  // With TLS, health also answers here without it: Kubernetes' probes speak no TLS. Empty: not.
  std::string health_listen;
  int max_message_bytes = 64 << 20;  // a listing of a country's scenes is one message
  int max_streams_per_connection = 256;
  // Every call in progress holds a thread; past this many, calls get RESOURCE_EXHAUSTED.
  int max_calls = 1024;
  bool reflection = true;
};

// Serves until it is stopped or destroyed. Thread-safe.
class Server {
 public:
  // Services and `metrics` must outlive the server. UNAVAILABLE when it cannot listen; the errors of tls.h.
  // `guards` see each call before its service (authorisation).
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const ServerOptions& options, const std::vector<grpc::Service*>& services, telemetry::Metrics& metrics,
      std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> guards = {});
  ~Server();

  const std::string& address() const { return address_; }  // with the real port
  const std::string& health_address() const { return health_address_; }

  // The health service's answer for `service` ("" is the whole server, SERVING from the start).
  void SetServing(const std::string& service, bool serving);

  // NOT_SERVING at once, no new calls; what goes on has `grace` to end. Idempotent.
  void Stop(absl::Duration grace);

  // A channel inside the process, for tests and for `arpent up`.
  std::shared_ptr<grpc::Channel> InProcessChannel();

 private:
  Server() = default;

  std::string address_, health_address_;
  std::unique_ptr<grpc::Server> server_, health_server_;
};

// Prints "listening on ADDRESS" on standard output: scripts and tests wait for this line.
void AnnounceListening(const std::string& address);

// Blocks SIGTERM and SIGINT in this and all later threads; make one at the beginning of main.
class StopSignal {
 public:
  StopSignal();
  // Waits for one of them and returns its number.
  int Wait();
  // The same, at most `timeout` long; 0 when none came.
  int WaitFor(absl::Duration timeout);
};

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_SERVER_H_
