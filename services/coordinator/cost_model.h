// What tasks are expected to cost: the catalog's figures, corrected by what was measured here. A running average per
// stage, kept in the state.
#ifndef ARPENT_SERVICES_COORDINATOR_COST_MODEL_H_
#define ARPENT_SERVICES_COORDINATOR_COST_MODEL_H_

#include <map>
#include <string>
#include <vector>

#include "arpent/state/v1/state.pb.h"
#include "services/coordinator/plan/cell.h"

namespace arpent::coordinator {

class CostModel {
 public:
  double CoreSeconds(const PlannedCell& cell) const;
  double OutputBytes(const PlannedCell& cell) const;

  // What the task must be given: more than declared when tasks of the stage ran out of memory here.
  int64_t MemoryBytes(const PlannedCell& cell) const;

  // One finished task: CPU seconds used and bytes published.
  void Learn(const PlannedCell& cell, double cpu_seconds, double output_bytes);
  // One attempt that ran out of memory.
  void LearnMemory(const std::string& stage);
  std::vector<std::string> StagesThatRanOutOfMemory() const;

  // What is known of a stage, for the state and back.
  state::v1::CostRecord Record(const std::string& stage) const;
  void Restore(const std::string& stage, const state::v1::CostRecord& record);

 private:
  struct Measured {
    double core_ratio = 1;            // measured over planned
    double bytes_per_megapixel = -1;  // below 0: not measured yet
    double memory_ratio = 1;          // needed over declared
  };
  std::map<std::string, Measured> stages_;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_COST_MODEL_H_
