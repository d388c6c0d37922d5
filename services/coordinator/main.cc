// arpent-coordinator: plans and schedules; holds sites, runs and the ledger.
#include <cstdlib>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "common/base/status.h"
#include "common/rpc/program_flags.h"
#include "common/rpc/remote_store.h"
#include "common/rpc/server.h"
#include "common/telemetry/log.h"
#include "common/telemetry/metrics.h"
#include "services/coordinator/running_coordinator.h"
#include "services/coordinator/store/sqlite_backup.h"

namespace arpent::coordinator {
namespace {

struct Config {
  rpc::ProgramOptions program;
  absl::Duration stop_grace = absl::Seconds(10);
  std::string cache;
  std::string cache_authority;
  // One whose pod or unit is being replaced may take its grace to end.
  CoordinatorOptions coordinator{.state_wait = absl::Seconds(60)};
  std::string backup;
};

void AddOptions(CLI::App& app, Config& config) {
  rpc::AddProgramFlags(app, config.program);
  rpc::AddTokensFlag(app, config.program);
  app.add_option("--state", config.coordinator.state,
                 "State: a SQLite file, made when absent, or postgresql://...; empty: kept in memory")
      ->envname("ARPENT_STATE");
  app.add_option("--backup", config.backup,
                 "Write a copy of the SQLite state to this new file and exit; a coordinator that has it open goes on");
  app.add_option("--name", config.coordinator.name, "With PostgreSQL: what this coordinator is called as leader")
      ->envname("HOSTNAME");
  rpc::AddDurationFlag(app, "--leader-term", config.coordinator.leader_term,
                       "With PostgreSQL: a leader that is silent for so long is replaced; at least 3s");
  rpc::AddDurationFlag(app, "--lease-duration", config.coordinator.policy.queue.lease,
                       "A worker that is silent for so long loses its tasks; at least 1s");
  app.add_option("--attempts", config.coordinator.policy.queue.attempts, "Tries of a task that fails for passing reasons")
      ->envname("ARPENT_ATTEMPTS")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  rpc::AddTokenFileFlags(app, config.program);
  app.add_option("--cache", config.cache,
                 "Address of the tile cache, shards with commas between them: the catalogue of current products is written "
                 "to its store `output`; empty: there is none")
      ->envname("ARPENT_CACHE");
  app.add_option("--cache-authority", config.cache_authority,
                 "PEM file of the authority that signed the tile cache's certificate, when callers of this program need no "
                 "certificate; default: --tls-authority")
      ->envname("ARPENT_CACHE_AUTHORITY");
  rpc::AddDurationFlag(app, "--sweep-interval", config.coordinator.sweep_interval,
                       "How often to remove from the store `output` what `arpent storage sweep` would (needs --cache); 0s: "
                       "never by itself");
  app.add_option("--runs-with-cells", config.coordinator.policy.runs_with_cells,
                 "Runs of each site that keep their cells after their end; of older ones only the counts are kept")
      ->envname("ARPENT_RUNS_WITH_CELLS")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  rpc::AddDurationFlag(app, "--stop-grace", config.stop_grace,
                       "Time for calls in progress when the program is asked to stop");
}

absl::StatusOr<std::shared_ptr<storage::ObjectStore>> OpenOutput(const Config& config, Clock& clock) {
  if (config.cache.empty()) return nullptr;
  rpc::ChannelOptions channel = config.program.channel();
  if (!config.cache_authority.empty()) channel.tls.authority_file = config.cache_authority;
  ARPENT_ASSIGN_OR_RETURN(const auto shards, rpc::CacheShards::Connect(config.cache, channel));
  rpc::RemoteStore::Options options;
  options.retry.give_up_after = absl::Seconds(30);  // the catalogue is tried again anyway
  return std::make_shared<rpc::RemoteStore>("output", shards, options, clock);
}

absl::Status Run(const Config& config) {
  ARPENT_RETURN_IF_ERROR(telemetry::SetUpLogging(config.program.log_level, config.program.log_format));
  if (!config.backup.empty()) return BackUpSqlite(config.coordinator.state, config.backup);
  if (config.coordinator.policy.queue.lease < absl::Seconds(1)) {
    return absl::InvalidArgumentError("--lease-duration: at least 1s");
  }
  if (config.coordinator.sweep_interval > absl::ZeroDuration() && config.cache.empty()) {
    return absl::InvalidArgumentError("--sweep-interval: needs --cache, the way to the store `output`");
  }
  if (config.coordinator.leader_term < absl::Seconds(3)) return absl::InvalidArgumentError("--leader-term: at least 3s");
  rpc::StopSignal stop;
  SystemClock clock;
  telemetry::Metrics metrics;
  CoordinatorOptions options = config.coordinator;
  ARPENT_ASSIGN_OR_RETURN(options.access, rpc::AccessControl::Open(config.program.tokens, clock));
  ARPENT_ASSIGN_OR_RETURN(options.output, OpenOutput(config, clock));
  ARPENT_ASSIGN_OR_RETURN(const auto coordinator, StartCoordinator(options, clock, metrics));
  std::unique_ptr<telemetry::MetricsServer> metrics_server;
  if (!config.program.metrics_listen.empty()) {
    ARPENT_ASSIGN_OR_RETURN(metrics_server, telemetry::MetricsServer::Start(config.program.metrics_listen, metrics));
    telemetry::Log(telemetry::LogLevel::kInfo, "serving metrics", {{"address", metrics_server->address()}});
  }
  ARPENT_ASSIGN_OR_RETURN(const auto server, rpc::Server::Start(config.program.server, coordinator->services(), metrics));
  coordinator->WatchLeadership([&server](bool leads) { server->SetServing("arpent.leader", leads); });
  rpc::AnnounceListening(server->address());
  stop.Wait();
  telemetry::Log(telemetry::LogLevel::kInfo, "stopping");
  coordinator->WatchLeadership(nullptr);
  coordinator->Stop();
  server->Stop(config.stop_grace);
  return absl::OkStatus();
}

}  // namespace
}  // namespace arpent::coordinator

int main(int argc, char** argv) {
  CLI::App app("Arpent's coordinator: plans runs and hands their tasks to workers.", "arpent-coordinator");
  arpent::coordinator::Config config;
  config.program.server.max_message_bytes = arpent::coordinator::kMaxMessageBytes;
  arpent::coordinator::AddOptions(app, config);
  app.footer("Examples:\n  arpent-coordinator --listen 127.0.0.1:7070 --state /var/lib/arpent/state.db\n"
             "  ARPENT_STATE=postgresql://arpent@db/arpent arpent-coordinator");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = arpent::coordinator::Run(config);
  if (status.ok()) return EXIT_SUCCESS;
  std::cerr << "arpent-coordinator: " << status.message() << "\n";
  return EXIT_FAILURE;
}
