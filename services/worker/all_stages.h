// Every stage that this build can run: the one place that collects the stage functions. The worker, `arpent up` and
// `arpent STAGE` use it.
#ifndef ARPENT_SERVICES_WORKER_ALL_STAGES_H_
#define ARPENT_SERVICES_WORKER_ALL_STAGES_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/stages/stage.h"

namespace arpent::worker {

stages::StageRegistry AllStages();

// The same with the external processors of a file (common/stages/l2a/external_processor.h); "" has none. NOT_FOUND; INVALID_ARGUMENT
// naming file and field.
absl::StatusOr<stages::StageRegistry> AllStagesWith(const std::string& processors_file);

}  // namespace arpent::worker

#endif  // ARPENT_SERVICES_WORKER_ALL_STAGES_H_
