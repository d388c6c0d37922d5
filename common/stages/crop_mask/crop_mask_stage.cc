#include "common/stages/crop_mask/crop_mask_stage.h"

#include <vector>

#include "common/base/status.h"
#include "common/stages/code_map.h"
#include "common/stages/season_classifier.h"
#include "common/stages/season_product.h"

namespace arpent::stages {

absl::StatusOr<TaskResult> RunCropMask(const TaskSpec& task, const StageContext& context) {
  const std::vector<uint16_t> frozen = {kUnclassified};
  ARPENT_ASSIGN_OR_RETURN(const auto classifier, SeasonClassifier::Open(task, context, "crop-mask"));
  const SeasonMap& map = classifier->map();
  const MapStyle style{product::PixelType::kUInt8, {{0, "no crop", "#d8d2c4"}, {1, "crop", "#3f9b3a"}}, "crop mask"};
  product::Publication publication(context.stores, context.scratch, DescribeSeasonProduct(task, map.options, map.grid));
  ARPENT_ASSIGN_OR_RETURN(const auto maps,
                          CodeMaps::Create("CM", map.grid, style, /*counted=*/1, context, publication));
  ARPENT_ASSIGN_OR_RETURN(const int64_t classified, classifier->Run(nullptr, frozen, *maps));
  ARPENT_RETURN_IF_ERROR(maps->Finish());
  publication.description().numbers["arpent:pixels_classified"] = static_cast<double>(classified);
  publication.description().numbers["arpent:pixels_crop"] = static_cast<double>(maps->counted());
  return FinishSeasonProduct(publication, map.grid, context);
}

}  // namespace arpent::stages
