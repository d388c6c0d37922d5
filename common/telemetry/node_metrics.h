// What the kernel says of this process and its machine, as metrics: CPU, memory, open files by the names that every
// dashboard knows (process_*), limits and throttling of the cgroup, pressure (PSI) where the kernel counts it, and room
// on the disks that a service writes to. No exporter beside ours is needed for them.
#ifndef ARPENT_COMMON_TELEMETRY_NODE_METRICS_H_
#define ARPENT_COMMON_TELEMETRY_NODE_METRICS_H_

#include <memory>
#include <string>

#include "common/telemetry/metrics.h"

namespace arpent::telemetry {

// Reads them anew at every scrape while it lives. PSI is the cgroup's own where cgroup v2 shows it, else the machine's; a
// kernel without it has no arpent_pressure_seconds_total.
class NodeMetrics {
 public:
  // `metrics` outlives it. `root` stands in for "/" in tests.
  explicit NodeMetrics(Metrics& metrics, const std::string& root = "");

 private:
  struct Families;
  std::shared_ptr<Families> families_;
  std::shared_ptr<void> refresh_;
};

// arpent_disk_size_bytes{place} and arpent_disk_free_bytes{place} (free for us, not for root alone) of the file system
// that holds `folder`, while the returned object lives. `place` is what the folder is for: "state", "scratch", "cache", or
// the name of a store. A folder that is not there shows nothing.
[[nodiscard]] std::shared_ptr<void> WatchDisk(Metrics& metrics, const std::string& place, const std::string& folder);

}  // namespace arpent::telemetry

#endif  // ARPENT_COMMON_TELEMETRY_NODE_METRICS_H_
