// What a scene's air is told from elsewhere: ozone, and aerosol as CAMS has it.
#ifndef ARPENT_COMMON_STAGES_L2A_ANCILLARY_H_
#define ARPENT_COMMON_STAGES_L2A_ANCILLARY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/scene/scene.h"
#include "common/stages/l2a/air.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// Total ozone, atm-cm: the metadata's, else the climatology's, noted.
double OzoneOf(const scene::SceneMetadata& metadata, std::vector<std::string>& notes);

// Sets air's guess of AOT to CAMS's, at the scene's middle and start; with `choose_model` its aerosol model too, noted.
// Errors as of scene::ReadCamsAerosol.
absl::Status TakeCams(const scene::SceneMetadata& metadata, const TaskInput& cams, const StageContext& context, bool choose_model,
                      Air& air);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_ANCILLARY_H_
