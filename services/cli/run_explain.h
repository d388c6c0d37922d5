// Sentences about a run: what a plan means, where the time went, why something waits.
#ifndef ARPENT_SERVICES_CLI_RUN_EXPLAIN_H_
#define ARPENT_SERVICES_CLI_RUN_EXPLAIN_H_

#include <string>
#include <vector>

#include "arpent/run/v1/run.pb.h"

namespace arpent::cli {

// Tiles; cells new, reused and skipped per stage; core-hours and bytes expected.
std::string PlanSummary(const arpent::run::v1::Run& run, const std::vector<arpent::run::v1::Cell>& cells);

// Shares of time by kind and stage, the slowest cells, what runs, what waits and for what, what failed; with `unit` only
// cells whose unit contains it.
std::string ExplainRun(const arpent::run::v1::Run& run, const std::vector<arpent::run::v1::Cell>& cells,
                       const std::string& unit);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_RUN_EXPLAIN_H_
