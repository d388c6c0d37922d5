#include "services/coordinator/coordinator_counters.h"

#include "common/base/status.h"
#include "common/stages/catalog.h"

namespace arpent::coordinator {
namespace {

// With which an attempt can end.
constexpr absl::StatusCode kCauses[] = {
    absl::StatusCode::kInvalidArgument,    absl::StatusCode::kNotFound,        absl::StatusCode::kFailedPrecondition,
    absl::StatusCode::kResourceExhausted,  absl::StatusCode::kUnavailable,     absl::StatusCode::kDeadlineExceeded,
    absl::StatusCode::kDataLoss,           absl::StatusCode::kInternal,        absl::StatusCode::kUnimplemented,
    absl::StatusCode::kPermissionDenied,   absl::StatusCode::kUnauthenticated, absl::StatusCode::kUnknown};

constexpr const char* kSweepReasons[] = {"old_version", "retention", "unknown", "unfinished", "left_over_work"};

}  // namespace

CoordinatorCounters::CoordinatorCounters(telemetry::Metrics& metrics)
    : task_failures(metrics.AddCounter("arpent_task_failures_total", "Attempts that failed, by cause.", {"stage", "cause"})),
      leases_expired(metrics.AddCounter("arpent_leases_expired_total", "Leases whose worker fell silent.", {"stage"})),
      queue_tasks(metrics.AddGauge("arpent_queue_tasks", "Tasks in the queue: ready, backoff or leased.",
                                   {"stage", "state"})),
      queue_expected(metrics.AddGauge("arpent_queue_expected_seconds",
                                      "Core-seconds that the tasks in the queue are expected to need.", {"stage"})),
      queue_oldest(metrics.AddGauge("arpent_queue_oldest_seconds", "How long the oldest ready task has waited.", {"stage"})),
      oldest_running(metrics.AddGauge("arpent_task_oldest_running_seconds", "How long the oldest lease has lasted.",
                                      {"stage"})),
      ledger_cells(metrics.AddGauge("arpent_ledger_cells", "Cells of each site's newest run, by outcome.",
                                    {"site", "stage", "outcome"})),
      ledger_expected(metrics.AddGauge("arpent_ledger_cells_expected", "Cells that each site's newest run expects.",
                                       {"site", "stage"})),
      ledger_remaining(metrics.AddGauge("arpent_ledger_remaining_seconds",
                                        "Core-seconds that the open cells of the sites' newest runs are expected to need.",
                                        {"stage"})),
      leader(metrics.AddGauge("arpent_leader", "1 when this coordinator leads.", {})),
      swept_folders(metrics.AddCounter("arpent_swept_folders_total", "Folders that the coordinator's sweeps removed.",
                                       {"reason"})),
      swept_bytes(metrics.AddCounter("arpent_swept_bytes_total", "Bytes that the coordinator's sweeps removed.", {})),
      sweep_failures(metrics.AddCounter("arpent_sweep_failures_total", "Sweeps that did not come to their end.", {})) {
  for (const char* const reason : kSweepReasons) (void)swept_folders.With({reason});
  (void)swept_bytes.With({});
  (void)sweep_failures.With({});
  // From the start at 0: what first appears at 1 has no increase that an alert could see.
  for (const stages::StageInfo& stage : stages::StageCatalog()) {
    (void)leases_expired.With({stage.name});
    for (const absl::StatusCode cause : kCauses) (void)task_failures.With({stage.name, CodeName(cause)});
  }
}

}  // namespace arpent::coordinator
