// What the items of samples, crop-mask and crop-type have in common.
#ifndef ARPENT_COMMON_STAGES_SEASON_PRODUCT_H_
#define ARPENT_COMMON_STAGES_SEASON_PRODUCT_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/product/publication.h"
#include "common/stages/season_series.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// The first input of the role, or null.
const TaskInput* FindInput(const TaskSpec& task, const std::string& role);

// Folder, key, parameters, inputs, season and footprint of a product of one tile and season.
product::ProductDescription DescribeSeasonProduct(const TaskSpec& task, const SeasonOptions& options,
                                                  const geo::Grid& grid);

// Publishes and fills in the result.
absl::StatusOr<TaskResult> FinishSeasonProduct(product::Publication& publication, const geo::Grid& grid,
                                               const StageContext& context);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_SEASON_PRODUCT_H_
