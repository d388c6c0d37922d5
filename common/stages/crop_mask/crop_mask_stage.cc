#include "common/stages/crop_mask/crop_mask_stage.h"

#include "common/base/status.h"
#include "common/stages/code_map.h"
#include "common/stages/season_classifier.h"

namespace arpent::stages {

absl::StatusOr<TaskResult> RunCropMask(const TaskSpec& task, const StageContext& context) {
  ARPENT_ASSIGN_OR_RETURN(const auto classifier, SeasonClassifier::Open(task, context, "crop-mask"));
  const MapStyle style{.asset = "CM",
                       .title = "crop mask",
                       .type = product::PixelType::kUInt8,
                       .classes = {{0, "no crop", "#d8d2c4"}, {1, "crop", "#3f9b3a"}},
                       .frozen = {kUnclassified},
                       .counted_as = "arpent:pixels_crop",
                       .counted = 1};
  return MakeSeasonMap(task, context, *classifier, nullptr, style);
}

}  // namespace arpent::stages
