// The stage `validate`: the maps of all tiles against the validation polygons of the in-situ parcels.
//
// Publishes validation/{site}/{season}/{purpose}_{key12} with the assets "metrics" (metrics.json), "confusion"
// (confusion.csv) and "areas" (areas.csv); their contents: validation_report.h. Each pixel is counted once, on the tile that
// owns it; pixels that two polygons share and pixels where the map has no data are not judged.
#ifndef ARPENT_COMMON_STAGES_VALIDATE_VALIDATE_STAGE_H_
#define ARPENT_COMMON_STAGES_VALIDATE_VALIDATE_STAGE_H_

#include "absl/status/statusor.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// Inputs: products of role `crop-mask` or `crop-type` (as parameter `purpose` says), `parcels`, `strata` when there are
// some. INVALID_ARGUMENT: no maps or parcels, a column that is absent, no validation polygon on the maps; NOT_FOUND,
// DATA_LOSS naming the file; CANCELLED.
absl::StatusOr<TaskResult> RunValidate(const TaskSpec& task, const StageContext& context);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_VALIDATE_VALIDATE_STAGE_H_
