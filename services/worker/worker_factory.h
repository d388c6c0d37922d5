// Puts a worker together out of its settings: sizes it for the machine, finds its stages and tables, gives it a scratch
// folder of its own. The program arpent-worker and `arpent up` both make theirs here.
#ifndef ARPENT_SERVICES_WORKER_WORKER_FACTORY_H_
#define ARPENT_SERVICES_WORKER_WORKER_FACTORY_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/resources.h"
#include "common/storage/stores.h"
#include "common/telemetry/metrics.h"
#include "common/worker/worker.h"

namespace arpent::worker {

struct WorkerSettings {
  std::vector<std::string> stages;  // names; empty: all
  ResourceLimits limits;            // what the worker may use; DetectResourceLimits() or less
  int slots = 0;                    // 0: sized for `limits`
  int threads_per_task = 0;         // 0: sized for `limits`
  std::string scratch;              // made when absent; several workers may share it
  std::string tables;               // folder of the look-up tables; without its file there is no stage l2a
  absl::Duration drain_grace = absl::Seconds(60);
  absl::Duration lifetime = absl::InfiniteDuration();
};

// Also makes `stores` readable by GDAL in this process. INVALID_ARGUMENT naming an unknown stage.
absl::StatusOr<std::unique_ptr<Worker>> MakeWorker(const WorkerSettings& settings, stages::StageRegistry registry,
                                                   std::shared_ptr<const storage::StoreSet> stores,
                                                   const std::shared_ptr<grpc::Channel>& coordinator,
                                                   telemetry::Metrics& metrics);

// `given` where it is not empty, else $ARPENT_TABLES, else share/arpent beside the program's folder, else
// /usr/share/arpent.
std::string TablesFolder(const std::string& given = "");

}  // namespace arpent::worker

#endif  // ARPENT_SERVICES_WORKER_WORKER_FACTORY_H_
