#include "common/stages/composite/composite_scenes.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/kernels/composite/weights.h"
#include "common/product/raster_reader.h"
#include "common/raster/codes.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr const char* kBands10[] = {"B02", "B03", "B04", "B08"};
constexpr const char* kBands20[] = {"B05", "B06", "B07", "B11", "B12", "B8A"};

struct NamedMethod {
  const char* name;
  CompositeMethod method;
};
constexpr NamedMethod kMethods[] = {{"weighted-average", CompositeMethod::kWeightedAverage},
                                    {"median", CompositeMethod::kMedian},
                                    {"medoid", CompositeMethod::kMedoid},
                                    {"geometric-median", CompositeMethod::kGeometricMedian},
                                    {"best-pixel", CompositeMethod::kBestPixel}};

// Where a scene lies in the composite, in 20 m pixels.
absl::StatusOr<geo::Window> PlaceOf(const geo::Grid& scene20, const geo::Grid& grid20, const std::string& name) {
  const double column = (scene20.west - grid20.west) / grid20.pixel_m;
  const double row = (grid20.north - scene20.north) / grid20.pixel_m;
  if (column != std::floor(column) || row != std::floor(row)) {
    return absl::InvalidArgumentError(absl::StrCat(name, " does not lie on the 20 m grid of the other scenes"));
  }
  return geo::Window{static_cast<int>(column), static_cast<int>(row), scene20.width, scene20.height};
}

geo::Window Moved(geo::Window window, int x, int y) {
  window.x -= x;
  window.y -= y;
  return window;
}

}  // namespace

bool CompositeOptions::Takes(int day) const {
  if (method == CompositeMethod::kWeightedAverage) return std::abs(day - period.MiddleDay()) <= half_window_days;
  return day >= geo::DayNumber(period.first) && day <= geo::DayNumber(period.last);
}

absl::StatusOr<CompositeOptions> ParseCompositeOptions(const TaskSpec& task) {
  CompositeOptions options;
  ARPENT_ASSIGN_OR_RETURN(options.period, geo::Period::Parse(task.period));
  ARPENT_ASSIGN_OR_RETURN(options.brdf, task.parameters.GetBool("brdf"));
  ARPENT_ASSIGN_OR_RETURN(options.half_window_days, task.parameters.GetDouble("half_window_days"));
  if (!(options.half_window_days > 0)) {
    return absl::InvalidArgumentError("composite: half_window_days must be above 0");
  }
  ARPENT_ASSIGN_OR_RETURN(const std::string method, task.parameters.GetString("method"));
  std::string known;
  for (const NamedMethod& entry : kMethods) {
    if (method == entry.name) {
      options.method = entry.method;
      return options;
    }
    absl::StrAppend(&known, known.empty() ? "" : ", ", entry.name);
  }
  return absl::InvalidArgumentError(absl::StrCat("composite: method '", method, "' is none of ", known));
}

absl::StatusOr<Image<int16_t>> CompositeScene::ReadBand(const std::string& band, int resolution,
                                                        geo::Window window) const {
  const auto& bands = reflectance->metadata().bands;
  if (std::find(bands.begin(), bands.end(), band) == bands.end()) {
    return Image<int16_t>(window.width, window.height, raster::kReflectanceNoData);
  }
  if (reflectance->ResolutionOf(band) != resolution) {
    return absl::InvalidArgumentError(absl::StrCat(reflectance->metadata().acquisition, ": ", band, " is at ",
                                                   reflectance->ResolutionOf(band), " m instead of ", resolution));
  }
  const int per_pixel20 = 20 / resolution;
  return reflectance->ReadBand(band, Moved(window, place20.x * per_pixel20, place20.y * per_pixel20));
}

absl::StatusOr<Image<uint8_t>> CompositeScene::ReadScl(geo::Window window20) const {
  return reflectance->ReadScl(Moved(window20, place20.x, place20.y));
}
absl::StatusOr<Image<uint16_t>> CompositeScene::ReadQa(geo::Window window20) const {
  return reflectance->ReadQa(Moved(window20, place20.x, place20.y));
}
absl::StatusOr<Image<uint16_t>> CompositeScene::ReadAot(geo::Window window20) const {
  return reflectance->ReadAot(Moved(window20, place20.x, place20.y));
}

bool CompositeScenes::has(const std::string& band) const {
  return std::find(bands10.begin(), bands10.end(), band) != bands10.end() ||
         std::find(bands20.begin(), bands20.end(), band) != bands20.end();
}

absl::StatusOr<CompositeScenes> OpenCompositeScenes(const TaskSpec& task, const CompositeOptions& options,
                                                    const StageContext& context) {
  const kernels::WeightOptions weights;
  CompositeScenes all;
  std::set<std::string> bands;
  for (const TaskInput& input : task.inputs) {
    if (input.role != "l2a") continue;
    CompositeScene scene;
    ARPENT_ASSIGN_OR_RETURN(scene.reflectance, product::OpenReflectance(context.stores, input.uri));
    const scene::ReflectanceMetadata& metadata = scene.reflectance->metadata();
    scene.day = geo::DayNumber(metadata.day);
    if (!options.Takes(scene.day)) continue;
    const geo::Grid& grid = metadata.grid10;
    if (all.scenes.empty()) all.grid10 = grid;
    if (grid.epsg != all.grid10.epsg || !grid.SameLattice(all.grid10)) {
      return absl::InvalidArgumentError(absl::StrCat(metadata.acquisition, " (EPSG:", grid.epsg,
                                                     ") does not lie on the grid of ",
                                                     all.scenes.front().reflectance->metadata().acquisition));
    }
    all.grid10 = geo::UnionOf(all.grid10, grid);
    scene.weight = kernels::DateWeight(scene.day - options.period.MiddleDay(), options.half_window_days, weights) *
                   (absl::StartsWith(metadata.platform, "L") ? weights.landsat_weight : 1);
    bands.insert(metadata.bands.begin(), metadata.bands.end());
    all.scenes.push_back(std::move(scene));
  }
  std::sort(all.scenes.begin(), all.scenes.end(), [](const CompositeScene& a, const CompositeScene& b) {
    const auto order = [](const CompositeScene& scene) {
      return std::make_pair(scene.day, scene.reflectance->metadata().acquisition);
    };
    return order(a) < order(b);
  });
  all.grid20 = all.grid10.WithPixel(20);
  for (CompositeScene& scene : all.scenes) {
    const scene::ReflectanceMetadata& metadata = scene.reflectance->metadata();
    ARPENT_ASSIGN_OR_RETURN(scene.place20, PlaceOf(metadata.grid10.WithPixel(20), all.grid20, metadata.acquisition));
  }
  for (const char* band : kBands10) {
    if (bands.count(band) != 0) all.bands10.push_back(band);
  }
  for (const char* band : kBands20) {
    if (bands.count(band) != 0) all.bands20.push_back(band);
  }
  return all;
}

}  // namespace arpent::stages
