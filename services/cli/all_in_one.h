// Coordinator, storage gateway and worker in one process: a folder as object storage, SQLite as state. What `arpent up`
// serves and what `arpent run start --local` lives in. The parts are the same classes that run as separate services.
#ifndef ARPENT_SERVICES_CLI_ALL_IN_ONE_H_
#define ARPENT_SERVICES_CLI_ALL_IN_ONE_H_

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"
#include "common/storage/stores.h"
#include "services/cli/connection.h"

namespace arpent::cli {

struct AllInOneOptions {
  std::string root = "arpent";  // products in root/output, state in root/state
  int cores = 0;                // 0: from the cgroup
  int64_t memory_mib = 0;       // 0: from the cgroup
  int tasks_at_once = 0;        // 0: sized for cores and memory
  std::string tables;           // empty: the default folder
  absl::Duration sweep_interval;  // how often old products are swept; zero: never by itself
  std::string processors;       // file of external L2A processors; empty: none
  std::string listen = "127.0.0.1:0";        // coordinator
  std::string cache_listen = "127.0.0.1:0";  // storage gateway
  std::string metrics_listen;                // empty: no metrics port
};

void AddAllInOneOptions(CLI::App& command, AllInOneOptions& options);

class AllInOne {
 public:
  // Starts every part; returns when the servers answer. ALREADY_EXISTS when another process works in the same root.
  static absl::StatusOr<std::unique_ptr<AllInOne>> Start(const AllInOneOptions& options);
  // Drains the worker (running tasks are handed back), then stops the servers.
  ~AllInOne();

  // How a client in this process or another reaches it.
  ServerOptions client_options() const;
  // "input" is the machine's file system, "output" is root/output.
  const std::shared_ptr<const storage::StoreSet>& stores() const;
  std::string metrics_address() const;

 private:
  struct Parts;
  explicit AllInOne(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_ALL_IN_ONE_H_
