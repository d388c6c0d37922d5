#include "common/stages/season_product.h"

#include "common/base/status.h"
#include "common/geo/period.h"
#include "common/product/layout.h"

namespace arpent::stages {
namespace {

absl::Time StartOfDay(int day_number) { return absl::FromCivil(geo::DayFromNumber(day_number), absl::UTCTimeZone()); }

}  // namespace

const TaskInput* FindInput(const TaskSpec& task, const std::string& role) {
  for (const TaskInput& input : task.inputs) {
    if (input.role == role) return &input;
  }
  return nullptr;
}

product::ProductDescription DescribeSeasonProduct(const TaskSpec& task, const SeasonOptions& options,
                                                  const geo::Grid& grid) {
  product::ProductDescription description;
  description.stage = task.stage;
  description.algorithm_version = task.algorithm_version;
  description.key = task.Key();
  description.folder =
      product::SeasonTileFolder(task.stage, task.site, task.season, task.tile, description.key);
  description.parameters = task.parameters;
  for (const TaskInput& input : task.inputs) description.inputs.push_back({input.role, input.key, input.uri});
  description.grid = grid;
  description.tile = task.tile;
  description.datetime = description.start_datetime = StartOfDay(options.first_day);
  description.end_datetime = StartOfDay(options.last_day + 1) - absl::Seconds(1);
  description.texts["arpent:site"] = task.site;
  description.texts["arpent:season"] = task.season;
  description.degraded = task.degraded;
  return description;
}

absl::StatusOr<TaskResult> FinishSeasonProduct(product::Publication& publication, const geo::Grid& grid,
                                               const StageContext& context) {
  TaskResult result;
  ARPENT_ASSIGN_OR_RETURN(result.product, publication.Publish());
  result.pixels = int64_t{grid.width} * grid.height;
  result.area_km2 = static_cast<double>(result.pixels) * grid.pixel_m * grid.pixel_m * 1e-6;
  context.progress(1);
  return result;
}

}  // namespace arpent::stages
