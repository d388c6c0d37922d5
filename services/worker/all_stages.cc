#include "services/worker/all_stages.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/stages/align/align_stage.h"
#include "common/stages/composite/composite_stage.h"
#include "common/stages/crop_mask/crop_mask_stage.h"
#include "common/stages/crop_type/crop_type_stage.h"
#include "common/stages/discover/discover_stage.h"
#include "common/stages/l2a/external_l2a.h"
#include "common/stages/l2a/l2a_stage.h"
#include "common/stages/map/map_stage.h"
#include "common/stages/samples/samples_stage.h"
#include "common/stages/train/train_stage.h"
#include "common/stages/validate/validate_stage.h"
#include "common/stages/vegetation/vegetation_stage.h"

namespace arpent::worker {

stages::StageRegistry AllStages() {
  return {
      {"discover", stages::RunDiscover},
      {"l2a", stages::RunL2a},
      {"align", stages::RunAlign},
      {"composite", stages::RunComposite},
      {"vegetation", stages::RunVegetation},
      {"samples", stages::RunSamples},
      {"train", stages::RunTrain},
      {"crop-mask", stages::RunCropMask},
      {"crop-type", stages::RunCropType},
      {"validate", stages::RunValidate},
      {"map", stages::RunMap},
  };
}

absl::StatusOr<stages::StageRegistry> AllStagesWith(const std::string& processors_file) {
  if (processors_file.empty()) return AllStages();
  std::ifstream file(processors_file, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("--processors: ", processors_file, " cannot be read"));
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  ARPENT_ASSIGN_OR_RETURN(stages::ExternalProcessors processors, stages::ParseProcessors(text, processors_file));
  return stages::WithProcessors(AllStages(), std::move(processors));
}

}  // namespace arpent::worker
