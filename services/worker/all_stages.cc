#include "services/worker/all_stages.h"

namespace arpent::worker {

stages::StageRegistry AllStages() { return {}; }

}  // namespace arpent::worker
