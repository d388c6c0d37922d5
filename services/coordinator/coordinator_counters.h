// The coordinator's metrics, by the names of docs/monitoring.md.
#ifndef ARPENT_SERVICES_COORDINATOR_COORDINATOR_COUNTERS_H_
#define ARPENT_SERVICES_COORDINATOR_COORDINATOR_COUNTERS_H_

#include "common/telemetry/metrics.h"

namespace arpent::coordinator {

struct CoordinatorCounters {
  explicit CoordinatorCounters(telemetry::Metrics& metrics);

  telemetry::CounterFamily task_failures;   // stage, cause
  telemetry::CounterFamily leases_expired;  // stage
  telemetry::GaugeFamily queue_tasks;       // stage, state
  telemetry::GaugeFamily queue_expected;    // stage
  telemetry::GaugeFamily queue_oldest;      // stage
  telemetry::GaugeFamily oldest_running;    // stage
  telemetry::GaugeFamily ledger_cells;      // site, stage, outcome
  telemetry::GaugeFamily ledger_expected;   // site, stage
  telemetry::GaugeFamily ledger_remaining;  // stage
  telemetry::GaugeFamily leader;
  telemetry::CounterFamily swept_folders;   // reason
  telemetry::CounterFamily swept_bytes;
  telemetry::CounterFamily sweep_failures;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_COORDINATOR_COUNTERS_H_
