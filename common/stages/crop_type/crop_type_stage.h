// The stage `crop-type`: which crop grows on each pixel of the crop mask, over a season of one tile.
//
// Publishes crop-type/{site}/{season}/{tile}_{key12}: CT_RAW (as classified), CT (regularised), CONF. Where the mask says no
// crop both are 0; where there is no mask, or it has no data, every pixel is classified.
#ifndef ARPENT_COMMON_STAGES_CROP_TYPE_CROP_TYPE_STAGE_H_
#define ARPENT_COMMON_STAGES_CROP_TYPE_CROP_TYPE_STAGE_H_

#include "absl/status/statusor.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// Inputs and parameters: docs/task-contract.md, catalog.cc. Errors as ClassifySeason says, and those of reading the mask.
absl::StatusOr<TaskResult> RunCropType(const TaskSpec& task, const StageContext& context);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_CROP_TYPE_CROP_TYPE_STAGE_H_
