// arpent-coordinator: plans and schedules; holds sites, runs and the ledger.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "common/base/status.h"
#include "common/rpc/server.h"
#include "common/rpc/site_rules.h"
#include "common/telemetry/log.h"
#include "common/telemetry/metrics.h"
#include "services/coordinator/running_coordinator.h"

namespace arpent::coordinator {
namespace {

struct Config {
  rpc::ServerOptions server;
  std::string metrics_listen = "0.0.0.0:9090";
  std::string log_level = "info", log_format = "json";
  std::string lease_duration = "60s", stop_grace = "10s", leader_term = "15s";
  CoordinatorOptions coordinator;
};

void AddOptions(CLI::App& app, Config& config) {
  app.add_option("--listen", config.server.listen, "Address of the gRPC services; port 0 takes a free one")
      ->envname("ARPENT_LISTEN")
      ->capture_default_str();
  app.add_option("--health-listen", config.server.health_listen, "Address where health answers without TLS");
  app.add_option("--metrics-listen", config.metrics_listen, "Address of /metrics; empty: none")
      ->envname("ARPENT_METRICS_LISTEN")
      ->capture_default_str();
  app.add_option("--state", config.coordinator.state, "State: a SQLite file, made when absent, or postgresql://...; empty: kept in memory")
      ->envname("ARPENT_STATE");
  app.add_option("--name", config.coordinator.name, "With PostgreSQL: what this coordinator is called as leader")
      ->envname("HOSTNAME");
  app.add_option("--leader-term", config.leader_term, "With PostgreSQL: a leader that is silent for so long is replaced")
      ->capture_default_str();
  app.add_option("--lease-duration", config.lease_duration, "A worker that is silent for so long loses its tasks")
      ->capture_default_str();
  app.add_option("--attempts", config.coordinator.policy.queue.attempts, "Tries of a task that fails for passing reasons")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--stop-grace", config.stop_grace, "Time for calls in progress when the program is asked to stop")
      ->capture_default_str();
  app.add_option("--tls-certificate", config.server.tls.certificate_file, "PEM file; turns TLS on");
  app.add_option("--tls-key", config.server.tls.key_file, "PEM file");
  app.add_option("--tls-authority", config.server.tls.authority_file, "PEM file; demands client certificates");
  app.add_flag("!--no-reflection", config.server.reflection, "Do not serve gRPC reflection");
  app.add_option("--log-level", config.log_level, "debug, info, warning or error")->capture_default_str();
  app.add_option("--log-format", config.log_format, "json or text")->capture_default_str();
}

absl::Status Run(Config& config) {
  ARPENT_RETURN_IF_ERROR(telemetry::SetUpLogging(config.log_level, config.log_format));
  ARPENT_ASSIGN_OR_RETURN(config.coordinator.policy.queue.lease, rpc::ParseSpan(config.lease_duration));
  ARPENT_ASSIGN_OR_RETURN(const absl::Duration grace, rpc::ParseSpan(config.stop_grace));
  ARPENT_ASSIGN_OR_RETURN(config.coordinator.leader_term, rpc::ParseSpan(config.leader_term));
  if (config.coordinator.leader_term < absl::Seconds(3)) return absl::InvalidArgumentError("--leader-term: at least 3s");
  if (config.coordinator.policy.queue.lease < absl::Seconds(1)) {
    return absl::InvalidArgumentError("--lease-duration: at least 1s");
  }
  rpc::StopSignal stop;
  SystemClock clock;
  telemetry::Metrics metrics;
  ARPENT_ASSIGN_OR_RETURN(const auto coordinator, StartCoordinator(config.coordinator, clock, metrics));
  std::unique_ptr<telemetry::MetricsServer> metrics_server;
  if (!config.metrics_listen.empty()) {
    ARPENT_ASSIGN_OR_RETURN(metrics_server, telemetry::MetricsServer::Start(config.metrics_listen, metrics));
  }
  ARPENT_ASSIGN_OR_RETURN(const auto server, rpc::Server::Start(config.server, coordinator->services(), metrics));
  coordinator->WatchLeadership([&server](bool leads) { server->SetServing("arpent.leader", leads); });
  rpc::AnnounceListening(server->address());
  stop.Wait();
  telemetry::Log(telemetry::LogLevel::kInfo, "stopping");
  coordinator->WatchLeadership(nullptr);
  coordinator->Stop();
  server->Stop(grace);
  return absl::OkStatus();
}

}  // namespace
}  // namespace arpent::coordinator

int main(int argc, char** argv) {
  CLI::App app("Arpent's coordinator: plans runs and hands their tasks to workers.", "arpent-coordinator");
  arpent::coordinator::Config config;
  arpent::coordinator::AddOptions(app, config);
  app.footer("Examples:\n  arpent-coordinator --listen 127.0.0.1:7070 --state /var/lib/arpent/state.db\n"
             "  ARPENT_STATE=postgresql://arpent@db/arpent arpent-coordinator");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = arpent::coordinator::Run(config);
  if (status.ok()) return EXIT_SUCCESS;
  std::cerr << "arpent-coordinator: " << status.message() << "\n";
  return EXIT_FAILURE;
}
