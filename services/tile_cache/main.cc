// arpent-tile-cache: the storage gateway with its block cache.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "common/base/clock.h"
#include "common/base/resources.h"
#include "common/base/status.h"
#include "common/rpc/program_flags.h"
#include "common/rpc/server.h"
#include "common/telemetry/log.h"
#include "services/tile_cache/cache_service.h"
#include "services/tile_cache/gateway.h"

namespace arpent::tile_cache {
namespace {

absl::Status Serve(const rpc::ProgramOptions& program, const GatewayOptions& options) {
  ARPENT_RETURN_IF_ERROR(telemetry::SetUpLogging(program.log_level, program.log_format));
  rpc::StopSignal stop;
  telemetry::Metrics metrics;
  SystemClock clock;
  ARPENT_ASSIGN_OR_RETURN(const auto gateway, Gateway::Open(options, metrics, clock));
  ARPENT_ASSIGN_OR_RETURN(const auto access, rpc::AccessControl::Open(program.tokens, clock));
  CacheService service(gateway->stores(), access);
  ARPENT_ASSIGN_OR_RETURN(const auto server, rpc::Server::Start(program.server, {&service}, metrics));
  std::unique_ptr<telemetry::MetricsServer> metrics_server;
  if (!program.metrics_listen.empty()) {
    ARPENT_ASSIGN_OR_RETURN(metrics_server, telemetry::MetricsServer::Start(program.metrics_listen, metrics));
    telemetry::Log(telemetry::LogLevel::kInfo, "serving metrics", {{"address", metrics_server->address()}});
  }
  rpc::AnnounceListening(server->address());
  stop.Wait();
  server->Stop(absl::Seconds(20));
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  CLI::App app("The storage gateway of Arpent: named stores behind one door, with a cache of their blocks.",
               "arpent-tile-cache");
  rpc::ProgramOptions program;
  program.server.listen = "0.0.0.0:7071";
  GatewayOptions options;
  rpc::AddProgramFlags(app, program);
  rpc::AddTokensFlag(app, program);
  AddGatewayFlags(app, options);
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = Serve(program, options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "arpent-tile-cache: %s\n", status.ToString().c_str());
  return 1;
}

}  // namespace
}  // namespace arpent::tile_cache

int main(int argc, char** argv) {
  arpent::LimitHeaps();
  return arpent::tile_cache::Main(argc, argv);
}
