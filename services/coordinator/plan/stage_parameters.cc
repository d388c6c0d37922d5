#include "services/coordinator/plan/stage_parameters.h"

#include "absl/strings/str_join.h"
#include "common/stages/catalog.h"

namespace arpent::coordinator {
namespace {

using arpent::site::v1::Season;
using arpent::site::v1::Site;
using stages::TaskSpec;

TaskSpec Make(const std::string& stage) {
  const stages::StageInfo& info = **stages::FindStage(stage);
  TaskSpec task;
  task.stage = info.name;
  task.algorithm_version = info.algorithm_version;
  task.parameters = info.defaults;
  return task;
}

template <typename T>
void Set(TaskSpec* task, const std::string& name, const T& value) {
  if (task->parameters.Has(name)) task->parameters.Set(name, value);
}

}  // namespace

std::vector<std::string> WantedStages::Purposes() const {
  std::vector<std::string> purposes;
  if (crop_mask) purposes.push_back("crop-mask");
  if (crop_type) purposes.push_back("crop-type");
  return purposes;
}

WantedStages StagesWanted(const Site& site, const Season& season) {
  WantedStages wanted;
  for (const std::string& product : season.products()) {
    if (product == "l2a") wanted.l2a_of_season = true;
    if (product == "composite") wanted.composite = true;
    if (product == "vegetation") wanted.vegetation = true;
    if (product == "crop-mask") wanted.crop_mask = true;
    if (product == "crop-type") wanted.crop_type = true;
    if (product == "map") wanted.map = true;
  }
  if (wanted.vegetation && site.vegetation().per() != "date") wanted.composite = true;
  // A map of nothing else that was asked for: of what the in-situ data allow.
  if (wanted.map && !wanted.crop_mask && !wanted.crop_type) {
    wanted.crop_mask = true;
    wanted.crop_type = site.has_parcels();
  }
  return wanted;
}

TaskSpec TaskTemplates::OfSeason(const std::string& stage) const {
  TaskSpec task = Make(stage);
  task.site = site_.name();
  task.season = season_.name();
  Set(&task, "start", season_.start());
  Set(&task, "end", season_.end());
  if (site_.has_strata()) Set(&task, "strata_column", site_.strata().column());
  return task;
}

TaskSpec TaskTemplates::Discover(const std::string& kind) const {
  TaskSpec task = Make("discover");
  Set(&task, "kind", kind);
  if (kind == "strata") Set(&task, "column", site_.strata().column());
  return task;
}

TaskSpec TaskTemplates::L2a() const {
  TaskSpec task = Make("l2a");
  Set(&task, "adjacency", site_.l2a().adjacency());
  Set(&task, "aerosol", site_.auxiliary().aerosol());
  Set(&task, "cirrus", site_.l2a().cirrus());
  Set(&task, "cloud_limit", site_.l2a().cloud_limit());
  Set(&task, "processor", site_.l2a().processor());
  Set(&task, "terrain", site_.l2a().terrain());
  return task;
}

TaskSpec TaskTemplates::Align() const { return Make("align"); }

TaskSpec TaskTemplates::Composite() const {
  TaskSpec task = Make("composite");
  Set(&task, "brdf", site_.composite().brdf());
  Set(&task, "method", site_.composite().method());
  return task;
}

TaskSpec TaskTemplates::Vegetation() const {
  TaskSpec task = Make("vegetation");
  Set(&task, "indices", absl::StrJoin(site_.vegetation().indices(), ","));
  return task;
}

void TaskTemplates::SetFeatures(TaskSpec* task) const {
  Set(task, "gap_filling", site_.features().gap_filling());
  Set(task, "step_days", site_.features().step_days());
  Set(task, "red_edge", site_.features().red_edge());
}

void TaskTemplates::SetParcels(TaskSpec* task) const {
  if (!site_.has_parcels()) return;
  const auto& columns = site_.parcels().columns();
  std::vector<std::string> named;
  const auto set_column = [&](const std::string& name, const std::string& column) {
    if (column.empty()) return;
    Set(task, name, column);
    named.push_back(column);
  };
  set_column("column_id", columns.id());
  set_column("column_crop", columns.crop());
  set_column("column_land_cover", columns.land_cover());
  set_column("column_code", columns.code());
  set_column("column_irrigation", columns.irrigation());
  Set(task, "columns_named", named);
  Set(task, "layer", site_.parcels().layer());
  Set(task, "train_share", site_.parcels().train_share());
}

TaskSpec TaskTemplates::Samples(const std::vector<std::string>& purposes) const {
  TaskSpec task = OfSeason("samples");
  SetFeatures(&task);
  SetParcels(&task);
  Set(&task, "purposes", purposes);
  Set(&task, "samples_per_class", site_.train().samples_per_class());
  Set(&task, "seed", static_cast<int64_t>(site_.train().seed()));
  if (!site_.has_parcels()) Set(&task, "crop_classes", absl::StrJoin(site_.reference_map().crop_classes(), ","));
  return task;
}

TaskSpec TaskTemplates::Train(const std::string& purpose) const {
  TaskSpec task = OfSeason("train");
  Set(&task, "purpose", purpose);
  Set(&task, "learner", site_.train().learner());
  Set(&task, "trees", site_.train().trees());
  Set(&task, "max_depth", site_.train().max_depth());
  Set(&task, "seed", static_cast<int64_t>(site_.train().seed()));
  Set(&task, "samples_per_class", site_.train().samples_per_class());
  if (site_.train().has_min_samples()) Set(&task, "min_samples", site_.train().min_samples());
  return task;
}

TaskSpec TaskTemplates::Classify(const std::string& purpose) const {
  TaskSpec task = OfSeason(purpose);
  SetFeatures(&task);
  return task;
}

TaskSpec TaskTemplates::Validate(const std::string& purpose) const {
  TaskSpec task = OfSeason("validate");
  SetParcels(&task);
  Set(&task, "purpose", purpose);
  Set(&task, "seed", static_cast<int64_t>(site_.train().seed()));
  return task;
}

TaskSpec TaskTemplates::Map(const std::string& crs) const {
  TaskSpec task = OfSeason("map");
  Set(&task, "crs", crs);
  Set(&task, "region_column", site_.map().regions().column());
  return task;
}

}  // namespace arpent::coordinator
