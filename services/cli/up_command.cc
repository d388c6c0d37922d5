#include "services/cli/up_command.h"

#include <csignal>

#include <iostream>
#include <memory>

#include "common/rpc/program_flags.h"
#include "services/cli/all_in_one.h"
#include "services/cli/output.h"

namespace arpent::cli {
namespace {

// Waits for SIGINT or SIGTERM. The signals are blocked before any thread starts, so that only this wait receives them.
void WaitForSignal(const sigset_t& signals) {
  int received = 0;
  sigwait(&signals, &received);
}

}  // namespace

void AddUpCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<AllInOneOptions>();
  options->listen = "127.0.0.1:7070";
  options->cache_listen = "127.0.0.1:7071";
  options->metrics_listen = "127.0.0.1:7072";
  CLI::App* command = app.add_subcommand("up", "Serve coordinator, storage and workers from one process");
  AddAllInOneOptions(*command, *options);
  command->add_option("--listen", options->listen, "Address of the coordinator")->capture_default_str();
  command->add_option("--cache-listen", options->cache_listen, "Address of the storage gateway")->capture_default_str();
  command->add_option("--metrics-listen", options->metrics_listen, "Address of /metrics")->capture_default_str();
  rpc::AddDurationFlag(*command, "--sweep-interval", options->sweep_interval,
                       "How often to remove what `arpent storage sweep` would; 0s: never by itself");
  command->footer("Example:\n  arpent up --root /data/arpent --cores 8\n"
                  "then, from another terminal:\n  arpent run start -f site.yaml");
  command->callback([options, &exit_code] {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    const auto all_in_one = AllInOne::Start(*options);
    if (!all_in_one.ok()) {
      exit_code = ReportError(all_in_one.status());
      return;
    }
    const ServerOptions client = (*all_in_one)->client_options();
    std::cout << "coordinator listening on " << client.coordinator << "\nstorage gateway listening on " << client.cache
              << "\nInterrupt to stop: running tasks are handed back and go on at the next start." << std::endl;
    WaitForSignal(signals);
  });
}

}  // namespace arpent::cli
