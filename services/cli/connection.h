// The servers that a client command talks to.
#ifndef ARPENT_SERVICES_CLI_CONNECTION_H_
#define ARPENT_SERVICES_CLI_CONNECTION_H_

#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "arpent/product/v1/product_service.grpc.pb.h"
#include "arpent/run/v1/run_service.grpc.pb.h"
#include "arpent/site/v1/site_service.grpc.pb.h"
#include "arpent/worker/v1/worker_service.grpc.pb.h"
#include "common/base/clock.h"
#include "common/rpc/channel.h"
#include "common/rpc/remote_store.h"
#include "common/rpc/retry.h"
#include "common/rpc/status.h"
#include "common/storage/object_store.h"
#include "common/telemetry/trace.h"

namespace arpent::cli {

struct ServerOptions {
  std::string coordinator = "127.0.0.1:7070";  // --server, $ARPENT_SERVER
  std::string cache = "127.0.0.1:7071";        // --cache, $ARPENT_CACHE
  rpc::ChannelOptions channel;                 // --tls-..., --token-file
};

// --server and its kin, read from the environment where no flag is given.
void AddServerOptions(CLI::App& command, ServerOptions& options);

// Stubs of every service of the coordinator.
class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ServerOptions& options);

  arpent::site::v1::SiteService::StubInterface& sites() { return *sites_; }
  arpent::run::v1::RunService::StubInterface& runs() { return *runs_; }
  arpent::product::v1::ProductService::StubInterface& products() { return *products_; }
  arpent::worker::v1::WorkerService::StubInterface& workers() { return *workers_; }

  // The named store behind the tile cache; it must not outlive the connection.
  absl::StatusOr<std::shared_ptr<storage::ObjectStore>> Store(const std::string& name);

  // One call with a deadline; UNAVAILABLE is retried for half a minute (a coordinator that restarts, a new leader).
  template <typename Response, typename Stub, typename Interface, typename Request>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Interface::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request) {
    Response response;
    const absl::Status status = Retry([&] {
      grpc::ClientContext context;
      rpc::SetDeadline(&context, absl::Seconds(60));
      context.AddMetadata(telemetry::kTraceparentKey, telemetry::MakeTraceparent(trace_id_));
      return rpc::FromGrpc((stub.*method)(&context, request, &response));
    });
    if (!status.ok()) return status;
    return response;
  }

  // Retries `call` while it says UNAVAILABLE.
  absl::Status Retry(const std::function<absl::Status()>& call);

 private:
  explicit Connection(ServerOptions options) : options_(std::move(options)) {}

  ServerOptions options_;
  // Of everything that this command asks for: that of $TRACEPARENT, so that a pipeline's trace goes on, or a new one.
  std::string trace_id_;
  SystemClock clock_;
  std::shared_ptr<const rpc::CacheShards> shards_;
  std::unique_ptr<arpent::site::v1::SiteService::StubInterface> sites_;
  std::unique_ptr<arpent::run::v1::RunService::StubInterface> runs_;
  std::unique_ptr<arpent::product::v1::ProductService::StubInterface> products_;
  std::unique_ptr<arpent::worker::v1::WorkerService::StubInterface> workers_;
};

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_CONNECTION_H_
