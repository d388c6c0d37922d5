// What tasks are expected to cost: the catalog's figures, corrected by what was measured here. A running average per
// stage; forgotten when the process ends.
#ifndef ARPENT_SERVICES_COORDINATOR_COST_MODEL_H_
#define ARPENT_SERVICES_COORDINATOR_COST_MODEL_H_

#include <map>
#include <string>

#include "services/coordinator/plan/cell.h"

namespace arpent::coordinator {

class CostModel {
 public:
  double CoreSeconds(const PlannedCell& cell) const;
  double OutputBytes(const PlannedCell& cell) const;

  // One finished task: CPU seconds used and bytes published.
  void Learn(const PlannedCell& cell, double cpu_seconds, double output_bytes);

 private:
  struct Measured {
    double core_ratio = 1;            // measured over planned
    double bytes_per_megapixel = -1;  // below 0: not measured yet
  };
  std::map<std::string, Measured> stages_;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_COST_MODEL_H_
