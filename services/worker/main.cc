// arpent-worker: leases tasks from the coordinator and runs their stages.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <thread>

#include "absl/synchronization/notification.h"
#include "common/base/clock.h"
#include "common/base/resources.h"
#include "common/base/status.h"
#include "common/rpc/program_flags.h"
#include "common/rpc/server.h"
#include "common/telemetry/log.h"
#include "services/worker/all_stages.h"
#include "services/worker/worker_flags.h"

namespace arpent::worker {
namespace {

absl::Status Serve(const rpc::ProgramOptions& program, const WorkerFlags& flags) {
  ARPENT_RETURN_IF_ERROR(telemetry::SetUpLogging(program.log_level, program.log_format));
  rpc::StopSignal stop;
  telemetry::Metrics metrics;
  SystemClock clock;
  ARPENT_ASSIGN_OR_RETURN(const stages::StageRegistry registry, AllStagesWith(flags.processors));
  ARPENT_ASSIGN_OR_RETURN(const auto stores, OpenStores(flags, program.channel(), clock));
  ARPENT_ASSIGN_OR_RETURN(const auto coordinator, rpc::OpenChannel(flags.coordinator, program.channel()));
  ARPENT_ASSIGN_OR_RETURN(const auto worker, MakeWorker(flags.settings, registry, stores, coordinator, metrics));
  ARPENT_ASSIGN_OR_RETURN(const auto server, rpc::Server::Start(program.server, {}, metrics));
  std::unique_ptr<telemetry::MetricsServer> metrics_server;
  if (!program.metrics_listen.empty()) {
    ARPENT_ASSIGN_OR_RETURN(metrics_server, telemetry::MetricsServer::Start(program.metrics_listen, metrics));
    telemetry::Log(telemetry::LogLevel::kInfo, "serving metrics", {{"address", metrics_server->address()}});
  }
  rpc::AnnounceListening(server->address());
  absl::Status result;
  absl::Notification ended;
  std::thread loop([&] {
    result = worker->Run();
    ended.Notify();
  });
  constexpr absl::Duration kLook = absl::Milliseconds(200);
  while (!ended.HasBeenNotified()) {
    if (stop.WaitFor(kLook) != 0) worker->Drain();
    server->SetServing("readiness", worker->connected() && !worker->draining());
  }
  loop.join();
  return result;
}

int Main(int argc, char** argv) {
  CLI::App app("Leases tasks from the coordinator and runs their stages.", "arpent-worker");
  rpc::ProgramOptions program;
  program.server.listen = "0.0.0.0:0";  // several workers share a machine
  WorkerFlags flags;
  rpc::AddProgramFlags(app, program);
  rpc::AddTokenFileFlags(app, program);
  AddWorkerFlags(app, flags);
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = Serve(program, flags);
  if (status.ok()) return 0;
  std::fprintf(stderr, "arpent-worker: %s\n", status.ToString().c_str());
  return 1;
}

}  // namespace
}  // namespace arpent::worker

int main(int argc, char** argv) {
  arpent::LimitHeaps();
  return arpent::worker::Main(argc, argv);
}
