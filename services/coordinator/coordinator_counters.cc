#include "services/coordinator/coordinator_counters.h"

namespace arpent::coordinator {

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
      leader(metrics.AddGauge("arpent_leader", "1 when this coordinator leads.", {})) {}

}  // namespace arpent::coordinator
