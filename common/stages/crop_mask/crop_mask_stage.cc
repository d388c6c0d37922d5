#include "common/stages/crop_mask/crop_mask_stage.h"

#include <vector>

#include "common/base/status.h"
#include "common/stages/code_map.h"
#include "common/stages/season_classifier.h"
#include "common/stages/season_product.h"

namespace arpent::stages {

absl::StatusOr<TaskResult> RunCropMask(const TaskSpec& task, const StageContext& context) {
  const std::vector<uint16_t> frozen = {kUnclassified};
  ARPENT_ASSIGN_OR_RETURN(const ClassifiedTile tile, ClassifySeason(task, context, "crop-mask", frozen, nullptr));
  MapStyle style{product::PixelType::kUInt8, {{0, "no crop", "#d8d2c4"}, {1, "crop", "#3f9b3a"}}, "crop mask as classified"};
  product::Publication publication(context.stores, context.scratch,
                                   DescribeSeasonProduct(task, tile.options, tile.grid));
  ARPENT_RETURN_IF_ERROR(WriteCodes("CM_RAW", tile, tile.codes, style, context, publication));
  style.description = "crop mask, regularised";
  ARPENT_ASSIGN_OR_RETURN(const int64_t crop,
                          WriteRegularised("CM", tile, frozen, /*counted=*/1, style, context, publication));
  ARPENT_RETURN_IF_ERROR(WriteConfidence(tile, context, publication));
  publication.description().numbers["arpent:pixels_classified"] = static_cast<double>(tile.classified);
  publication.description().numbers["arpent:pixels_crop"] = static_cast<double>(crop);
  return FinishSeasonProduct(publication, tile.grid, context);
}

}  // namespace arpent::stages
