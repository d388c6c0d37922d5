// The stage `discover`: lists and identifies the scenes of one input, or digests one auxiliary file (parameter kind=file).
// Publishes nothing: the listing is the result.
#ifndef ARPENT_COMMON_STAGES_DISCOVER_DISCOVER_STAGE_H_
#define ARPENT_COMMON_STAGES_DISCOVER_DISCOVER_STAGE_H_

#include "absl/status/statusor.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// Input: one of role `input`. With kind=file the listing has one scene of kind "file" whose digest covers the file and, of a
// Shapefile, the files that belong to it; NOT_FOUND when it is not there.
absl::StatusOr<TaskResult> RunDiscover(const TaskSpec& task, const StageContext& context);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_DISCOVER_DISCOVER_STAGE_H_
