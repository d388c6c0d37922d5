// Classifies pixels of a season with the models of their strata: what crop-mask and crop-type share.
#ifndef ARPENT_COMMON_STAGES_SEASON_CLASSIFIER_H_
#define ARPENT_COMMON_STAGES_SEASON_CLASSIFIER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/insitu/strata.h"
#include "common/kernels/classify/classifier.h"
#include "common/kernels/features/feature_set.h"
#include "common/raster/image.h"
#include "common/stages/season_series.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// A tile's map. Held whole: 5 bytes per pixel.
struct ClassifiedTile {
  geo::Grid grid;
  raster::Image<uint16_t> codes;      // kUnclassified where no date sees the pixel or it lies in no stratum
  raster::Image<uint16_t> voted;      // the same after the vote of pixels that look alike
  raster::Image<uint8_t> confidence;  // per cent, 255 none
  std::vector<kernels::LegendEntry> classes;  // of all models, ascending code
  int64_t classified = 0;             // pixels
  SeasonOptions options;
};

// Which pixels are to be classified, and what stands elsewhere. `codes` of a window of the grid come preset to no-data: a pixel whose
// code is then still no-data is classified.
using PresetCodes =
    std::function<absl::Status(const geo::Grid& grid, const geo::Window& window, raster::View<uint16_t> codes)>;

// Runs the models of the task's inputs of role `model` over the tile, each in the stratum that its item names
// ("arpent:stratum"). INVALID_ARGUMENT: no model, one for another purpose, features that this season
// does not have (named), a stratum of the tile without a model. NOT_FOUND when no date sees any pixel.
// `frozen` codes take no part in the vote.
absl::StatusOr<ClassifiedTile> ClassifySeason(const TaskSpec& task, const StageContext& context,
                                              const std::string& purpose, const std::vector<uint16_t>& frozen,
                                              const PresetCodes& preset);

inline constexpr uint16_t kUnclassified = raster::kUnsignedNoData;

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_SEASON_CLASSIFIER_H_
