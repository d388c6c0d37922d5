// The L2A stage by another program: its input is laid out on disk, it runs within its limits, its product is read by the readers of other
// people's L2A and published as ours, with SCL and QA.
#ifndef ARPENT_COMMON_STAGES_L2A_EXTERNAL_L2A_H_
#define ARPENT_COMMON_STAGES_L2A_EXTERNAL_L2A_H_

#include "absl/status/statusor.h"
#include "common/stages/l2a/external_processor.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// Inputs: `scene`; `dem` (optional); `history`... (optional): scenes of the same tile for MAJA's BACKWARD mode, an explicit list that is
// part of the key. One date comes out, that of `scene`. What the program makes has no CLD and no water vapour; the rest is design's L2A.
// SKIPPED "cloudy". INVALID_ARGUMENT: it made a product of another tile. INTERNAL: it made none. Else as Execute and the readers.
absl::StatusOr<TaskResult> RunExternalL2a(const TaskSpec& task, const StageContext& context, const ExternalProcessor& processor);

// "l2a+maja-4.9": how a registry shows that it has the processor.
std::string ProcessorStage(const std::string& name);

// `registry` whose l2a runs `processors` where a task names one, and which has ProcessorStage(name) for each, so that a worker can offer
// them. A name that is not among them is FAILED_PRECONDITION, with those that are.
StageRegistry WithProcessors(StageRegistry registry, ExternalProcessors processors);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_EXTERNAL_L2A_H_
