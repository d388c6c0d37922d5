// Coordinator, storage and workers in one process: a folder as object storage, SQLite as state. What `arpent up` serves and
// what `arpent run start --local` lives in. The parts are the same classes that run as separate services.
#ifndef ARPENT_SERVICES_CLI_ALL_IN_ONE_H_
#define ARPENT_SERVICES_CLI_ALL_IN_ONE_H_

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"
#include "services/cli/connection.h"

namespace arpent::cli {

struct AllInOneOptions {
  std::string root = "arpent";     // products in root/output, state in root/state
  int cores = 0;                   // 0: from the cgroup
  int64_t memory_bytes = 0;        // 0: from the cgroup
  std::string listen = "127.0.0.1:0";        // coordinator
  std::string cache_listen = "127.0.0.1:0";  // storage gateway
  std::string metrics_listen;      // empty: no metrics port
  std::string tables;              // empty: the default folder
  int tasks_at_once = 0;           // 0: one per two cores
};

void AddAllInOneOptions(CLI::App& command, AllInOneOptions& options);

class AllInOne {
 public:
  // Starts every part; returns when all answer.
  static absl::StatusOr<std::unique_ptr<AllInOne>> Start(const AllInOneOptions& options);
  // Drains the worker, then stops the servers.
  virtual ~AllInOne() = default;

  // How a client in this process or another reaches it.
  virtual ServerOptions client_options() const = 0;
};

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_ALL_IN_ONE_H_
