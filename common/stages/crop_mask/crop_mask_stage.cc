#include "common/stages/crop_mask/crop_mask_stage.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "common/stages/code_map.h"
#include "common/stages/season_classifier.h"
#include "common/stages/season_product.h"

namespace arpent::stages {

absl::StatusOr<TaskResult> RunCropMask(const TaskSpec& task, const StageContext& context) {
  ARPENT_ASSIGN_OR_RETURN(const ClassifiedTile tile, ClassifySeason(task, context, "crop-mask", nullptr));
  const std::vector<product::CodeClass> classes = {{0, "no crop", "#d8d2c4"}, {1, "crop", "#3f9b3a"}};
  product::Publication publication(context.stores, context.scratch,
                                   DescribeSeasonProduct(task, tile.options, tile.grid));
  ARPENT_RETURN_IF_ERROR(WriteCodes("CM_RAW", tile, tile.codes, product::PixelType::kUInt8, classes,
                                    "crop mask as classified", context, publication));
  const raster::Image<uint16_t> cleaned = Regularised(tile.codes, {kUnclassified}, context.threads);
  ARPENT_RETURN_IF_ERROR(WriteCodes("CM", tile, cleaned, product::PixelType::kUInt8, classes, "crop mask, regularised",
                                    context, publication));
  ARPENT_RETURN_IF_ERROR(WriteConfidence(tile, context, publication));
  const auto* end = cleaned.data() + cleaned.size();
  const auto crop = std::count(cleaned.data(), end, 1);
  publication.description().numbers["arpent:pixels_classified"] = static_cast<double>(tile.classified);
  publication.description().numbers["arpent:pixels_crop"] = static_cast<double>(crop);
  return FinishSeasonProduct(publication, tile.grid, context);
}

}  // namespace arpent::stages
