// The dates of one composite: opened, ordered, on one grid.
#ifndef ARPENT_COMMON_STAGES_COMPOSITE_COMPOSITE_SCENES_H_
#define ARPENT_COMMON_STAGES_COMPOSITE_COMPOSITE_SCENES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/geo/period.h"
#include "common/scene/reflectance.h"
#include "common/stages/stage.h"

namespace arpent::stages {

enum class CompositeMethod { kWeightedAverage, kMedian, kMedoid, kGeometricMedian, kBestPixel };

struct CompositeOptions {
  CompositeMethod method = CompositeMethod::kWeightedAverage;
  bool brdf = false;
  double half_window_days = 25;
  geo::Period period;

  // Whether a scene of that day takes part: weighted-average looks half_window_days either side of the middle, the
  // other methods stay inside the period.
  bool Takes(int day) const;
};

// INVALID_ARGUMENT naming the parameter.
absl::StatusOr<CompositeOptions> ParseCompositeOptions(const TaskSpec& task);

struct CompositeScene {
  std::unique_ptr<scene::Reflectance> reflectance;
  int day = 0;
  geo::Window place20;  // of the scene in the composite's 20 m grid
  double weight = 1;    // date x sensor

  // Reads windows that are given in the composite's grid. A band that the scene lacks is no-data.
  absl::StatusOr<raster::Image<int16_t>> ReadBand(const std::string& band, int resolution, geo::Window window) const;
  absl::StatusOr<raster::Image<uint8_t>> ReadScl(geo::Window window20) const;
  absl::StatusOr<raster::Image<uint16_t>> ReadQa(geo::Window window20) const;
  absl::StatusOr<raster::Image<uint16_t>> ReadAot(geo::Window window20) const;
};

struct CompositeScenes {
  std::vector<CompositeScene> scenes;         // by day, then acquisition
  geo::Grid grid10, grid20;                   // their union
  std::vector<std::string> bands10, bands20;  // that at least one has, sorted

  bool has(const std::string& band) const;
};

// Opens the task's `l2a` inputs whose date takes part. INVALID_ARGUMENT naming a scene that does not fit the grid of
// the others.
absl::StatusOr<CompositeScenes> OpenCompositeScenes(const TaskSpec& task, const CompositeOptions& options,
                                                    const StageContext& context);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_COMPOSITE_COMPOSITE_SCENES_H_
