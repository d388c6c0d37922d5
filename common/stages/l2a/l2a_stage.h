// L1C to surface reflectance: one scene in, one L2A product out (design: product tables).
//
// Two passes. Coarse, over the whole scene at 60 m, from the resolution levels of the JPEG 2000 bands: masks, aerosol,
// water vapour, surroundings. A scene past its cloud limit ends there. Then fine, in strips of each band at the band's
// own resolution: decode, correct, compress, on all threads at once. Every pixel depends on the scene alone, so that
// threads and strips do not change a bit.
#ifndef ARPENT_COMMON_STAGES_L2A_L2A_STAGE_H_
#define ARPENT_COMMON_STAGES_L2A_L2A_STAGE_H_

#include "absl/status/statusor.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// Inputs: `scene` (required), `dem`, `cams` and `prior` (optional), `tables` (its key is checked against the file). Parameters: catalog.cc.
// SKIPPED "cloudy" (product.numbers has eo:cloud_cover) or "no-data". FAILED_PRECONDITION: no tables, or not those of
// the task. INVALID_ARGUMENT: night, sun or view beyond what the tables cover, unknown parameter values, no scene.
// DATA_LOSS: a band does not decode. CANCELLED.
absl::StatusOr<TaskResult> RunL2a(const TaskSpec& task, const StageContext& context);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_L2A_STAGE_H_
