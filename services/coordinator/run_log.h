// The fields by which log lines tell whose they are.
#ifndef ARPENT_SERVICES_COORDINATOR_RUN_LOG_H_
#define ARPENT_SERVICES_COORDINATOR_RUN_LOG_H_

#include "common/telemetry/log.h"
#include "services/coordinator/run_ledger.h"

namespace arpent::coordinator {

inline telemetry::LogFields LogFieldsOf(const RunLedger& ledger) {
  const run::v1::Run& run = ledger.record().run();
  return {{"run", run.run_id()}, {"trace", run.trace_id()}, {"site", run.site()}, {"season", run.season()}};
}

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_RUN_LOG_H_
