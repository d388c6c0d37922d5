// The stage `crop-mask`: where crops grow, pixel by pixel, over a season of one tile.
//
// Publishes crop-mask/{site}/{season}/{tile}_{key12}: CM_RAW (as classified), CM (regularised), CONF.
#ifndef ARPENT_COMMON_STAGES_CROP_MASK_CROP_MASK_STAGE_H_
#define ARPENT_COMMON_STAGES_CROP_MASK_CROP_MASK_STAGE_H_

#include "absl/status/statusor.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// Inputs and parameters: docs/task-contract.md, catalog.cc. Errors as ClassifySeason says.
absl::StatusOr<TaskResult> RunCropMask(const TaskSpec& task, const StageContext& context);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_CROP_MASK_CROP_MASK_STAGE_H_
