// Every stage that this build can run: the one place that collects the stage functions. The worker, `arpent up` and
// `arpent STAGE` use it.
#ifndef ARPENT_SERVICES_WORKER_ALL_STAGES_H_
#define ARPENT_SERVICES_WORKER_ALL_STAGES_H_

#include "common/stages/stage.h"

namespace arpent::worker {

stages::StageRegistry AllStages();

}  // namespace arpent::worker

#endif  // ARPENT_SERVICES_WORKER_ALL_STAGES_H_
