// `arpent crop-mask` and `arpent crop-type`: samples, training, classification and validation in a row, without a server.
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <optional>

#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/geo/period.h"
#include "services/cli/command.h"
#include "services/cli/stage_commands.h"

namespace arpent::cli {
namespace {

using stages::TaskInput;
using stages::TaskResult;
using stages::TaskSpec;

struct CropArguments {
  StandaloneOptions standalone;
  std::vector<std::string> products;
  std::string purpose;  // "crop-mask" or "crop-type"
  std::string parcels, layer, reference_map, strata, strata_column = "stratum", site = "site", season = "season";
  std::string start, end, learner = "auto", gap_filling = "linear";
  std::string column_id, column_crop, column_land_cover, column_code;
  std::vector<std::string> crop_masks, crop_classes;
  int trees = 100, max_depth = 25, step_days = 10;
  double train_share = 0.75;
  int64_t seed = 1;
  bool no_red_edge = false;
};

class CropRun {
 public:
  CropRun(const CropArguments& arguments, Standalone& standalone) : arguments_(arguments), standalone_(standalone) {}

  absl::StatusOr<int> Run(OutputFormat format);

 private:
  absl::Status OpenInputs();
  absl::StatusOr<TaskSpec> NewTask(const std::string& stage) const;
  absl::StatusOr<std::vector<TaskInput>> MakeSamples();
  absl::StatusOr<TaskInput> Train(std::vector<TaskInput> samples);
  absl::StatusOr<TaskResult> Classify(const std::string& tile, const TaskInput& model);
  absl::StatusOr<TaskResult> Validate(std::vector<TaskInput> maps);

  const CropArguments& arguments_;
  Standalone& standalone_;
  std::map<std::string, std::vector<TaskInput>> l2a_by_tile_;
  std::map<std::string, TaskInput> mask_by_tile_;
  std::string start_, end_;
  std::optional<TaskInput> parcels_, reference_map_, strata_;
};

absl::Status CropRun::OpenInputs() {
  ARPENT_ASSIGN_OR_RETURN(const auto products, OpenL2aProducts(standalone_, arguments_.products));
  absl::CivilDay first = products.front().day, last = products.front().day;
  for (const GivenProduct& product : products) {
    l2a_by_tile_[product.tile].push_back(product.input);
    first = std::min(first, product.day);
    last = std::max(last, product.day);
  }
  start_ = arguments_.start.empty() ? geo::FormatDay(first) : arguments_.start;
  end_ = arguments_.end.empty() ? geo::FormatDay(last) : arguments_.end;
  if (!arguments_.parcels.empty()) {
    ARPENT_ASSIGN_OR_RETURN(parcels_, standalone_.FileInput("parcels", arguments_.parcels));
  }
  if (!arguments_.reference_map.empty()) {
    ARPENT_ASSIGN_OR_RETURN(reference_map_, standalone_.FileInput("reference-map", arguments_.reference_map));
  }
  if (!arguments_.strata.empty()) {
    ARPENT_ASSIGN_OR_RETURN(strata_, standalone_.FileInput("strata", arguments_.strata));
  }
  ARPENT_ASSIGN_OR_RETURN(const auto masks, OpenProducts(standalone_, "crop-mask", arguments_.crop_masks));
  for (const GivenProduct& mask : masks) mask_by_tile_[mask.tile] = mask.input;
  return absl::OkStatus();
}

absl::StatusOr<TaskSpec> CropRun::NewTask(const std::string& stage) const {
  ARPENT_ASSIGN_OR_RETURN(TaskSpec task, standalone_.NewTask(stage));
  task.site = arguments_.site;
  task.season = arguments_.season;
  Parameters& parameters = task.parameters;
  const auto set = [&parameters](absl::string_view name, const auto& value) {
    if (parameters.Has(name)) parameters.Set(name, value);
  };
  set("start", start_);
  set("end", end_);
  set("gap_filling", arguments_.gap_filling);
  set("step_days", arguments_.step_days);
  set("red_edge", !arguments_.no_red_edge);
  set("purposes", arguments_.purpose);
  set("purpose", arguments_.purpose);
  set("learner", arguments_.learner);
  set("trees", arguments_.trees);
  set("max_depth", arguments_.max_depth);
  set("seed", arguments_.seed);
  set("train_share", arguments_.train_share);
  set("layer", arguments_.layer);
  set("strata_column", arguments_.strata_column);
  set("crop_classes", arguments_.crop_classes);
  std::vector<std::string> named;
  const auto set_column = [&](const std::string& name, const std::string& column) {
    if (column.empty()) return;
    set(name, column);
    named.push_back(column);
  };
  set_column("column_id", arguments_.column_id);
  set_column("column_crop", arguments_.column_crop);
  set_column("column_land_cover", arguments_.column_land_cover);
  set_column("column_code", arguments_.column_code);
  set("columns_named", named);
  return task;
}

absl::StatusOr<std::vector<TaskInput>> CropRun::MakeSamples() {
  std::vector<TaskInput> samples;
  for (const auto& [tile, l2a] : l2a_by_tile_) {
    ARPENT_ASSIGN_OR_RETURN(TaskSpec task, NewTask("samples"));
    task.tile = tile;
    task.inputs = l2a;
    if (parcels_) task.inputs.push_back(*parcels_);
    if (!parcels_ && reference_map_) task.inputs.push_back(*reference_map_);
    if (strata_) task.inputs.push_back(*strata_);
    ARPENT_ASSIGN_OR_RETURN(const TaskResult result, standalone_.Run(task));
    if (result.outcome == TaskResult::Outcome::kDone) {
      samples.push_back({"samples", result.product.key, result.product.uri});
    }
  }
  return samples;
}

absl::StatusOr<TaskInput> CropRun::Train(std::vector<TaskInput> samples) {
  ARPENT_ASSIGN_OR_RETURN(TaskSpec task, NewTask("train"));
  task.stratum = "all";
  task.inputs = std::move(samples);
  ARPENT_ASSIGN_OR_RETURN(const TaskResult result, standalone_.Run(task));
  return TaskInput{"model", result.product.key, result.product.uri};
}

absl::StatusOr<TaskResult> CropRun::Classify(const std::string& tile, const TaskInput& model) {
  ARPENT_ASSIGN_OR_RETURN(TaskSpec task, NewTask(arguments_.purpose));
  task.tile = tile;
  task.inputs = l2a_by_tile_[tile];
  task.inputs.push_back(model);
  if (const auto mask = mask_by_tile_.find(tile); mask != mask_by_tile_.end()) task.inputs.push_back(mask->second);
  return standalone_.Run(task);
}

absl::StatusOr<TaskResult> CropRun::Validate(std::vector<TaskInput> maps) {
  ARPENT_ASSIGN_OR_RETURN(TaskSpec task, NewTask("validate"));
  task.inputs = std::move(maps);
  task.inputs.push_back(*parcels_);
  if (strata_) task.inputs.push_back(*strata_);
  return standalone_.Run(task);
}

absl::StatusOr<int> CropRun::Run(OutputFormat format) {
  ARPENT_RETURN_IF_ERROR(OpenInputs());
  if (arguments_.purpose == "crop-type" && !parcels_) {
    return absl::InvalidArgumentError("crop types need --parcels: a reference map has no crop codes");
  }
  if (!parcels_ && !reference_map_) return absl::InvalidArgumentError("give --parcels or --reference-map");
  if (!parcels_ && arguments_.crop_classes.empty()) {
    return absl::InvalidArgumentError("--reference-map needs --crop-classes: which of its classes are crops");
  }
  ARPENT_ASSIGN_OR_RETURN(std::vector<TaskInput> samples, MakeSamples());
  ARPENT_ASSIGN_OR_RETURN(const TaskInput model, Train(std::move(samples)));
  std::vector<TaskInput> maps;
  int code = kDone;
  for (const auto& [tile, l2a] : l2a_by_tile_) {
    ARPENT_ASSIGN_OR_RETURN(const TaskResult result, Classify(tile, model));
    code = std::max(code, PrintResult(result, arguments_.standalone, format));
    if (result.outcome == TaskResult::Outcome::kDone) {
      maps.push_back({arguments_.purpose, result.product.key, result.product.uri});
    }
  }
  if (!parcels_ || maps.empty()) return code;
  ARPENT_ASSIGN_OR_RETURN(const TaskResult validation, Validate(std::move(maps)));
  return std::max(code, PrintResult(validation, arguments_.standalone, format));
}

void AddCropCommand(CLI::App& app, const std::string& purpose, const std::string& what, const OutputFormat& format,
                    int& exit_code) {
  auto arguments = std::make_shared<CropArguments>();
  arguments->purpose = purpose;
  CLI::App* command = app.add_subcommand(purpose, what);
  command->add_option("l2a", arguments->products, "L2A product folders of the season, any number of tiles")->required();
  AddStandaloneOptions(*command, arguments->standalone);
  command->add_option("--parcels", arguments->parcels, "In-situ polygons (GeoPackage, Shapefile, GeoJSON)");
  command->add_option("--layer", arguments->layer, "Layer of the polygon file; default: its first");
  command->add_option("--id-column", arguments->column_id, "Default ID");
  command->add_option("--crop-column", arguments->column_crop, "1 crop, 0 not; default CROP");
  command->add_option("--land-cover-column", arguments->column_land_cover, "Class name; default LC");
  command->add_option("--code-column", arguments->column_code, "Crop code or label; default CODE");
  command->add_option("--strata", arguments->strata, "Polygons: one model for each");
  command->add_option("--strata-column", arguments->strata_column, "Column with a stratum's name");
  command->add_option("--start", arguments->start, "First day, 2021-03-01; default: the first product's");
  command->add_option("--end", arguments->end, "Last day; default: the last product's");
  command->add_option("--step-days", arguments->step_days, "Days between resampled dates")->check(CLI::Range(1, 60));
  command->add_option("--gap-filling", arguments->gap_filling, "How gaps are filled")
      ->check(CLI::IsMember({"linear", "whittaker"}));
  command->add_flag("--no-red-edge", arguments->no_red_edge, "Leave the red-edge features out");
  command->add_option("--learner", arguments->learner, "What learns")
      ->check(CLI::IsMember({"auto", "forest", "extra-trees", "boosting"}));
  command->add_option("--trees", arguments->trees, "Trees of the forest")->check(CLI::Range(1, 10000));
  command->add_option("--max-depth", arguments->max_depth, "Deepest tree")->check(CLI::Range(1, 64));
  command->add_option("--train-share", arguments->train_share, "Share of the polygons that train; the others validate")
      ->check(CLI::Range(0.01, 1.0));
  command->add_option("--seed", arguments->seed, "Same seed, same model");
  command->add_option("--site", arguments->site, "Name of the site in the product's path");
  command->add_option("--season", arguments->season, "Name of the season in the product's path");
  if (purpose == "crop-mask") {
    command->add_option("--reference-map", arguments->reference_map, "Land-cover raster, where there are no parcels");
    command->add_option("--crop-classes", arguments->crop_classes, "Its classes that are crops")->delimiter(',');
    command->footer("Example:\n  arpent crop-mask products/l2a/33TVL/2015/* --reference-map lulc.tif --crop-classes 3 -o products");
  } else {
    command->add_option("--crop-mask", arguments->crop_masks, "Crop-mask product folders; none: every pixel is classified");
    command->footer("Example:\n  arpent crop-type products/l2a/*/2021/* --parcels parcels.gpkg -o products");
  }
  OnCall(*command, exit_code, [=, &format]() -> absl::StatusOr<int> {
    ARPENT_ASSIGN_OR_RETURN(const auto standalone, Standalone::Create(arguments->standalone));
    return CropRun(*arguments, *standalone).Run(format);
  });
}

}  // namespace

void AddCropMaskCommand(CLI::App& app, const OutputFormat& format, int& exit_code) {
  AddCropCommand(app, "crop-mask", "Cropland or not, from L2A products of a season", format, exit_code);
}

void AddCropTypeCommand(CLI::App& app, const OutputFormat& format, int& exit_code) {
  AddCropCommand(app, "crop-type", "Crop of each pixel, from L2A products of a season", format, exit_code);
}

}  // namespace arpent::cli
