// What the item of every L2A product says, whoever made it.
#ifndef ARPENT_COMMON_STAGES_L2A_DESCRIBE_H_
#define ARPENT_COMMON_STAGES_L2A_DESCRIBE_H_

#include "common/product/publication.h"
#include "common/scene/scene.h"
#include "common/stages/stage.h"

namespace arpent::stages {

product::ProductDescription DescribeL2a(const TaskSpec& task, const scene::SceneMetadata& metadata);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_DESCRIBE_H_
