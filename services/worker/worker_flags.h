// The flags of arpent-worker and what they say about stores.
#ifndef ARPENT_SERVICES_WORKER_WORKER_FLAGS_H_
#define ARPENT_SERVICES_WORKER_WORKER_FLAGS_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/rpc/channel.h"
#include "common/storage/stores.h"
#include "services/worker/worker_factory.h"

namespace arpent::worker {

struct WorkerFlags {
  std::string coordinator = "127.0.0.1:7070";
  std::string processors;  // file of external L2A processors; empty: none
  std::string cache;                                        // addresses of the gateway; empty: none
  std::vector<std::string> cache_stores = {"input", "output"};  // names that the gateway knows
  std::vector<std::string> stores;                          // "name=uri": opened by this process itself
  WorkerSettings settings;
};

void AddWorkerFlags(CLI::App& app, WorkerFlags& flags);

// The stores behind the gateway and those of --store, which win where both have a name. `clock` outlives them.
// INVALID_ARGUMENT when there are none.
absl::StatusOr<std::shared_ptr<const storage::StoreSet>> OpenStores(const WorkerFlags& flags,
                                                                    const rpc::ChannelOptions& channel, Clock& clock);

}  // namespace arpent::worker

#endif  // ARPENT_SERVICES_WORKER_WORKER_FLAGS_H_
