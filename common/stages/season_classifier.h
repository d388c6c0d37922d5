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

// What a map is, known before it is made.
struct SeasonMap {
  geo::Grid grid;
  std::vector<kernels::LegendEntry> classes;  // of all models, ascending code
  SeasonOptions options;
};

// Takes a map, or the wanted window of it, as it grows: rows of its whole width, from the top.
class SeasonMapSink {
 public:
  virtual ~SeasonMapSink() = default;
  // Codes as classified (kUnclassified where no date sees the pixel or it lies in no stratum) and their probability in per
  // cent (255 none).
  virtual absl::Status Classified(const geo::Window& rows, raster::View<const uint16_t> codes,
                                  raster::View<const uint8_t> confidence) = 0;
  // Codes after the vote of segments. Small regions are still there: they may reach beyond the window.
  virtual absl::Status Voted(const geo::Window& rows, raster::View<const uint16_t> codes) = 0;
};

// What a run saw, to be summed over parts.
struct SeasonTally {
  int64_t wanted_blocks = 0;  // with a pixel to classify
  int64_t classified = 0;     // pixels
};

// Which pixels are to be classified, and what stands elsewhere. `codes` of a window of the grid come preset to no-data: a pixel whose
// code is then still no-data is classified.
using PresetCodes =
    std::function<absl::Status(const geo::Grid& grid, const geo::Window& window, raster::View<uint16_t> codes)>;

// Runs the models of the task's inputs of role `model` over the tile, each in the stratum that its item names
// ("arpent:stratum"). Holds a band of rows and of blocks of all dates, never the tile: below 1 GB for a full one.
class SeasonClassifier {
 public:
  // INVALID_ARGUMENT: no model, one for another purpose, features that this season does not have (named). DATA_LOSS and
  // FAILED_PRECONDITION for a model that is damaged or of a newer version. Models are mapped, and shared by all tasks of
  // the process. `task` and `context` outlive it.
  static absl::StatusOr<std::unique_ptr<SeasonClassifier>> Open(const TaskSpec& task, const StageContext& context,
                                                                const std::string& purpose);
  virtual ~SeasonClassifier() = default;
  virtual const SeasonMap& map() const = 0;
  // The window of a part: whole cells of segments. The whole map for a task that makes no part.
  virtual geo::Window WindowOf(const TaskPart& part) const = 0;
  // Classifies the pixels of such a window, and those around it that its segments see. `frozen` codes take no part in
  // regularisation. INVALID_ARGUMENT for a stratum of the tile without a model.
  virtual absl::StatusOr<SeasonTally> Run(const geo::Window& wanted, const PresetCodes& preset,
                                          const std::vector<uint16_t>& frozen, SeasonMapSink& sink) = 0;
  // NOT_FOUND when no date saw any pixel of the whole map.
  virtual absl::Status CheckSeen(const SeasonTally& whole_map) const = 0;
};

inline constexpr uint16_t kUnclassified = raster::kUnsignedNoData;

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_SEASON_CLASSIFIER_H_
