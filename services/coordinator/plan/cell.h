// Planned cells: what a run will do, and what each of it needs of the others. Pure data.
#ifndef ARPENT_SERVICES_COORDINATOR_PLAN_CELL_H_
#define ARPENT_SERVICES_COORDINATOR_PLAN_CELL_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arpent/run/v1/run.pb.h"
#include "common/stages/stage.h"

namespace arpent::coordinator {

// One input of a cell, in the order that the stage defines: what another cell makes, or something that is known already.
struct Slot {
  std::string role;
  int upstream = -1;     // index of the cell that makes it; -1: key and uri are given here
  std::string key, uri;
  // Of the slots with the same name here at least one must be filled; a slot without a name is required.
  std::string any_of;
};

// An outcome that is known when the cell is planned.
struct KnownOutcome {
  run::v1::CellOutcome outcome = run::v1::CELL_OUTCOME_UNSPECIFIED;
  std::string reason;                     // of a skip
  std::string error_code, error_message;  // of a failure
  std::string key, uri;                   // of something that exists already
};

struct PlannedCell {
  std::string cell_id;     // "l2a/S2A_20150711T100008_R122_T33TVL": unique in the run, the same in every run of the site
  std::string unit;        // for people
  stages::TaskSpec task;   // without inputs: those are known when the cells before it have ended
  std::vector<Slot> slots;
  std::optional<KnownOutcome> known;
  std::string sensor;      // "sentinel2", "landsat", or "" for what uses several
  // Expectations before anything was measured.
  double megapixels = 0;
  double core_seconds = 0;
  double path_seconds = 0;  // of the longest chain that begins here
  int64_t memory_bytes = 0;
  std::vector<int> dependents;

  // Whether a worker's tables go into its key.
  bool UsesTables() const {
    return std::any_of(slots.begin(), slots.end(), [](const Slot& slot) { return slot.role == "tables"; });
  }
};

// Every cell stands behind those that it needs.
struct Plan {
  std::vector<PlannedCell> cells;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_PLAN_CELL_H_
