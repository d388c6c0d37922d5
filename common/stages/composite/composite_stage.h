// The L2A of a period to one cloud-free composite (design: product tables). Two passes: the distance to clouds of every
// date at 240 m, then blocks of the tile, each read once from every date and written at once. Results do not depend on
// the blocks.
#ifndef ARPENT_COMMON_STAGES_COMPOSITE_COMPOSITE_STAGE_H_
#define ARPENT_COMMON_STAGES_COMPOSITE_COMPOSITE_STAGE_H_

#include "absl/status/statusor.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// Inputs: `l2a`... ; those outside of the period's window are left out. Parameters: catalog.cc. SKIPPED "no-data" when
// no input is in the window. INVALID_ARGUMENT: unknown period or method, scenes on different grids.
absl::StatusOr<TaskResult> RunComposite(const TaskSpec& task, const StageContext& context);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_COMPOSITE_COMPOSITE_STAGE_H_
