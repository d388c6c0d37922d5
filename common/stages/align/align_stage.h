// A Landsat L2A on the grid of a Sentinel-2 tile, once, so that composites and features read it like any other date
// (design: product tables): B2-B4 become B02-B04, B5 becomes B08 and B8A, B6 B11, B7 B12, by cubic convolution;
// classes, QA, cloud probability, AOT and water vapour by the nearest pixel, at 20 m.
#ifndef ARPENT_COMMON_STAGES_ALIGN_ALIGN_STAGE_H_
#define ARPENT_COMMON_STAGES_ALIGN_ALIGN_STAGE_H_

#include "absl/status/statusor.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// Input: one `l2a` of Landsat (ours). SKIPPED "no-data" when it does not touch the tile. INVALID_ARGUMENT when the tile
// is none or the input is no Landsat L2A.
absl::StatusOr<TaskResult> RunAlign(const TaskSpec& task, const StageContext& context);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_ALIGN_ALIGN_STAGE_H_
