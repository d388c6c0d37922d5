// Vegetation indices of a composite or of one date (design: product tables): one Int16 raster per index.
//
// At 10 m: ndvi, evi2, and with B11 enlarged (bicubic) ndwi and brightness. At 20 m, with B02, B04 and B08 averaged:
// ndre, s2rep, psri. Definitions and sources: kernels/features/indices.h; EVI2: Jiang et al. (2008), 2.5 (N - R) / (N
// + 2.4 R + 1).
#ifndef ARPENT_COMMON_STAGES_VEGETATION_VEGETATION_STAGE_H_
#define ARPENT_COMMON_STAGES_VEGETATION_VEGETATION_STAGE_H_

#include "absl/status/statusor.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// Input: one `composite` or one `l2a`. Parameter `indices`: which. Pixels without data, and those of a date that cloud,
// shadow or cirrus hides, are no-data. INVALID_ARGUMENT naming an unknown index or the band that an index lacks.
absl::StatusOr<TaskResult> RunVegetation(const TaskSpec& task, const StageContext& context);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_VEGETATION_VEGETATION_STAGE_H_
