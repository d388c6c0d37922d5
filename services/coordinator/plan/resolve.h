// When the cells before it have ended: whether a cell can be done, with which inputs, and under which key.
#ifndef ARPENT_SERVICES_COORDINATOR_PLAN_RESOLVE_H_
#define ARPENT_SERVICES_COORDINATOR_PLAN_RESOLVE_H_

#include <functional>
#include <string>

#include "services/coordinator/plan/cell.h"

namespace arpent::coordinator {

// How a cell ended, as those behind it see it.
struct CellResult {
  run::v1::CellOutcome outcome = run::v1::CELL_OUTCOME_UNSPECIFIED;
  std::string reason;
  std::string key, uri;
};

struct Resolution {
  enum class Kind { kReady, kMissingInput, kSkipped };
  Kind kind = Kind::kReady;
  std::string reason;       // the upstream cell and what became of it, unless kReady
  stages::TaskSpec task;    // of kReady: with its inputs and the degraded mark
};

bool IsTerminal(run::v1::CellOutcome outcome);

// `result_of` gives the result of a cell by its index; every upstream cell must be terminal. `tables_digest` becomes the
// key of the input `tables`. A required input that failed makes MISSING_INPUT; one that was skipped, a skip. Of a group
// those that are there are used; what failed is missed and marks the task degraded.
Resolution Resolve(const Plan& plan, int cell, const std::function<CellResult(int)>& result_of,
                   const std::string& tables_digest);

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_PLAN_RESOLVE_H_
