#include "services/coordinator/plan/planner.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/geo/period.h"
#include "common/geo/tile.h"
#include "common/rpc/site_rules.h"
#include "common/stages/catalog.h"
#include "services/coordinator/plan/scene_selection.h"
#include "services/coordinator/plan/stage_parameters.h"

namespace arpent::coordinator {
namespace {

using run::v1::CELL_OUTCOME_DONE;
using run::v1::CELL_OUTCOME_FAILED;
using run::v1::CELL_OUTCOME_SKIPPED;
using site::v1::Season;
using site::v1::Site;
using stages::TaskSpec;
using worker::v1::FoundScene;

constexpr double kTileMegapixels = geo::kTilePixels10m * 1e-6 * geo::kTilePixels10m;
// Part of a stage's declared memory that a small scene needs too: tables, threads, models.
constexpr double kFixedMemoryShare = 0.25;
constexpr int64_t kMemoryStep = int64_t{64} << 20;

// The auxiliary files of a site, by the field that names them.
std::map<std::string, std::string> FilesOf(const Site& site) {
  std::map<std::string, std::string> files;
  const auto add = [&files](const char* field, const std::string& uri) {
    if (!uri.empty()) files[field] = uri;
  };
  if (!absl::StartsWith(site.area(), "bbox:") && !absl::StartsWith(site.area(), "tiles:")) add("area", site.area());
  add("dem", site.auxiliary().dem());
  add("cams", site.auxiliary().cams());
  add("prior", site.auxiliary().prior());
  add("parcels", site.parcels().file());
  add("legend", site.parcels().legend());
  if (!site.has_parcels()) add("reference-map", site.reference_map().file());
  add("strata", site.strata().file());
  add("regions", site.map().regions().file());
  return files;
}

// A cell of this run's own work on one acquisition or tile: its index and size.
struct Made {
  int cell = 0;
  double megapixels = 0;
};

class Planner {
 public:
  Planner(const Site& site, const Season& season, const Discoveries& discoveries, absl::Time now)
      : site_(site),
        season_(season),
        discoveries_(discoveries),
        now_(now),
        templates_(site, season),
        wanted_(StagesWanted(site, season)) {}

  Plan Discovery() {
    for (int i = 0; i < site_.inputs_size(); ++i) {
      AddDiscover(absl::StrCat("discover/inputs[", i, "]"), site_.inputs(i).uri(), site_.inputs(i).kind());
    }
    for (const auto& [field, uri] : FilesOf(site_)) {
      const bool is_read = field == "area" || field == "strata";
      const int cell = AddDiscover(absl::StrCat("discover/", field), uri, is_read ? field : "file");
      // The file of the area only says where to look.
      if (field != "area") files_[field] = cell;
    }
    return Finish();
  }

  absl::StatusOr<Plan> Whole() {
    Discovery();
    AddRejected();
    ARPENT_ASSIGN_OR_RETURN(const std::vector<Acquisition> acquisitions, Scenes());
    ARPENT_ASSIGN_OR_RETURN(first_, geo::ParseDay(season_.start()));
    ARPENT_ASSIGN_OR_RETURN(last_, geo::ParseDay(season_.end()));
    ARPENT_ASSIGN_OR_RETURN(periods_, geo::PeriodsOf(site_.composite().period(), first_, last_));
    ARPENT_ASSIGN_OR_RETURN(latency_, rpc::ParseSpan(site_.composite().latency()));
    for (const Acquisition& acquisition : acquisitions) AddDates(acquisition);
    for (const auto& [tile, dates] : dates_) AddComposites(tile, dates);
    AddCrops();
    return Finish();
  }

 private:
  // One l2a (or aligned) date of a tile.
  struct Date {
    absl::CivilDay day;
    Made made;
    std::string acquisition;
    std::string sensor;
  };

  // --- discover ---

  int AddDiscover(const std::string& cell_id, const std::string& uri, const std::string& kind) {
    PlannedCell cell{.cell_id = cell_id, .unit = uri, .task = templates_.Discover(kind)};
    cell.slots.push_back({.role = "input", .uri = uri});
    return Add(std::move(cell));
  }

  void AddRejected() {
    std::map<std::string, const worker::v1::RejectedInput*> rejected;
    for (const auto& [cell_id, done] : discoveries_) {
      for (const auto& input : done.rejected()) rejected[input.uri()] = &input;
    }
    for (const auto& [uri, input] : rejected) {
      PlannedCell cell{.cell_id = absl::StrCat("discover/", uri), .unit = uri, .task = templates_.Discover("rejected")};
      cell.known = KnownOutcome{.outcome = CELL_OUTCOME_FAILED,
                                .error_code = input->code().empty() ? "INVALID_ARGUMENT" : input->code(),
                                .error_message = input->message()};
      Add(std::move(cell));
    }
  }

  absl::StatusOr<std::vector<Acquisition>> Scenes() {
    std::vector<FoundScene> found;
    rpc::DegreeBox box;
    bool has_box = false;
    for (const auto& [cell_id, done] : discoveries_) {
      for (const FoundScene& scene : done.scenes()) {
        if (absl::StartsWith(cell_id, "discover/inputs[")) found.push_back(scene);
        if (cell_id == "discover/strata" && scene.kind() == "stratum") strata_.push_back(scene.product_id());
        if (cell_id == "discover/area" && scene.east_deg() > scene.west_deg()) {
          box = {scene.west_deg(), scene.south_deg(), scene.east_deg(), scene.north_deg()};
          has_box = true;
        }
      }
    }
    if (!has_box && FilesOf(site_).count("area") > 0) {
      return absl::FailedPreconditionError("the file of the site's area could not be read");
    }
    std::sort(strata_.begin(), strata_.end());
    if (strata_.empty()) strata_.push_back("all");
    return SelectScenes(site_, has_box ? &box : nullptr, found);
  }

  // --- l2a, align ---

  bool InSeason(absl::CivilDay day) const { return first_ <= day && day <= last_; }

  bool InWindow(const geo::Period& period, absl::CivilDay day) const {
    if (site_.composite().method() != "weighted-average") return period.first <= day && day <= period.last;
    return std::abs(geo::DayNumber(day) - period.MiddleDay()) <= HalfWindowDays();
  }

  static double HalfWindowDays() {
    static const double days = [] {
      const auto value = (*stages::FindStage("composite"))->defaults.GetDouble("half_window_days");
      return value.ok() ? *value : 25.0;
    }();
    return days;
  }

  bool IsNeeded(absl::CivilDay day) const {
    const bool of_season = wanted_.l2a_of_season || wanted_.crop_mask || wanted_.crop_type ||
                           (wanted_.vegetation && site_.vegetation().per() == "date");
    if (of_season && InSeason(day)) return true;
    return wanted_.composite && std::any_of(periods_.begin(), periods_.end(),
                                            [&](const geo::Period& period) { return InWindow(period, day); });
  }

  void AddDates(const Acquisition& acquisition) {
    if (!IsNeeded(acquisition.day)) return;
    const FoundScene& scene = acquisition.scene;
    const int l2a = AddL2a(acquisition, scene, absl::StrCat("l2a/", scene.acquisition()));
    for (const FoundScene& old : acquisition.superseded) {
      const int cell = AddL2a(acquisition, old, absl::StrCat("l2a/", old.acquisition(), "~", old.digest().substr(0, 12)));
      plan_.cells[cell].unit = old.product_id();
      plan_.cells[cell].slots.clear();
      plan_.cells[cell].known = KnownOutcome{
          .outcome = CELL_OUTCOME_SKIPPED, .reason = absl::StrCat("superseded by ", scene.product_id())};
    }
    for (const std::string& tile : acquisition.tiles) {
      const int date = acquisition.sensor == "landsat" ? AddAlign(acquisition, tile, l2a) : l2a;
      dates_[tile].push_back({acquisition.day, {date, acquisition.megapixels}, scene.acquisition(), acquisition.sensor});
    }
  }

  int AddL2a(const Acquisition& acquisition, const FoundScene& scene, const std::string& cell_id) {
    PlannedCell cell{.cell_id = cell_id,
                     .unit = scene.acquisition(),
                     .task = templates_.L2a(),
                     .sensor = acquisition.sensor,
                     .megapixels = acquisition.megapixels};
    cell.task.tile = scene.tile();
    cell.task.acquisition = scene.acquisition();
    if (absl::EndsWith(scene.kind(), "-l2a")) {  // surface reflectance already, whoever made it
      cell.known = KnownOutcome{.outcome = CELL_OUTCOME_DONE, .key = scene.digest(), .uri = scene.uri()};
      return Add(std::move(cell));
    }
    cell.slots.push_back({.role = "scene", .key = scene.digest(), .uri = scene.uri()});
    AddFile("dem", &cell);
    if (site_.l2a().processor() == "arpent") {  // other programs would not look at them
      AddFile("cams", &cell);
      AddFile("prior", &cell);
    }
    cell.slots.push_back({.role = "tables", .uri = "tables:"});
    return Add(std::move(cell));
  }

  int AddAlign(const Acquisition& acquisition, const std::string& tile, int l2a) {
    PlannedCell cell{.cell_id = absl::StrCat("align/", tile, "/", acquisition.scene.acquisition()),
                     .unit = absl::StrCat(tile, " ", acquisition.scene.acquisition()),
                     .task = templates_.Align(),
                     .sensor = acquisition.sensor,
                     .megapixels = acquisition.megapixels};
    cell.task.tile = tile;
    cell.task.acquisition = acquisition.scene.acquisition();
    cell.slots.push_back({.role = "l2a", .upstream = l2a});
    return Add(std::move(cell));
  }

  // --- composite, vegetation ---

  void AddComposites(const std::string& tile, const std::vector<Date>& dates) {
    if (wanted_.composite) {
      for (const geo::Period& period : periods_) AddComposite(tile, period, dates);
    }
    if (!wanted_.vegetation || site_.vegetation().per() != "date") return;
    for (const Date& date : dates) {
      if (InSeason(date.day)) AddVegetation(tile, date.acquisition, "", "l2a", date.made);
    }
  }

  void AddComposite(const std::string& tile, const geo::Period& period, const std::vector<Date>& dates) {
    PlannedCell cell{.cell_id = absl::StrCat("composite/", tile, "/", period.name),
                     .unit = absl::StrCat(tile, " ", period.name),
                     .task = templates_.Composite()};
    cell.task.tile = tile;
    cell.task.period = period.name;
    for (const Date& date : dates) {
      if (InWindow(period, date.day)) AddDate(date, &cell);
    }
    const absl::Time closes = absl::FromCivil(period.last + 1, absl::UTCTimeZone()) + latency_;
    if (closes > now_) {
      cell.known = KnownOutcome{.outcome = CELL_OUTCOME_SKIPPED,
                                .reason = absl::StrCat("period is open until ",
                                                       absl::FormatTime("%Y-%m-%d", closes, absl::UTCTimeZone()))};
    } else if (cell.slots.empty()) {
      cell.known = KnownOutcome{.outcome = CELL_OUTCOME_SKIPPED, .reason = "no scene in its window"};
    }
    if (cell.known) cell.slots.clear();
    const double megapixels = cell.megapixels;
    const int composite = Add(std::move(cell));
    if (wanted_.vegetation && site_.vegetation().per() != "date") {
      AddVegetation(tile, "", period.name, "composite", {composite, megapixels});
    }
  }

  void AddVegetation(const std::string& tile, const std::string& acquisition, const std::string& period,
                     const std::string& role, const Made& from) {
    const std::string unit = acquisition.empty() ? period : acquisition;
    PlannedCell cell{.cell_id = absl::StrCat("vegetation/", tile, "/", unit),
                     .unit = absl::StrCat(tile, " ", unit),
                     .task = templates_.Vegetation(),
                     .megapixels = from.megapixels};
    cell.task.tile = tile;
    cell.task.acquisition = acquisition;
    cell.task.period = period;
    cell.slots.push_back({.role = role, .upstream = from.cell});
    Add(std::move(cell));
  }

  // --- samples to map ---

  void AddCrops() {
    if (wanted_.Purposes().empty()) return;
    std::map<std::string, std::vector<Date>> in_season;
    for (const auto& [tile, dates] : dates_) {
      for (const Date& date : dates) {
        if (InSeason(date.day)) in_season[tile].push_back(date);
      }
    }
    if (in_season.empty()) return;
    for (const auto& [tile, dates] : in_season) AddSamples(tile, dates);
    for (const std::string& purpose : wanted_.Purposes()) {
      for (const std::string& stratum : strata_) AddTrain(stratum, purpose);
    }
    for (const std::string& purpose : wanted_.Purposes()) {
      for (const auto& [tile, dates] : in_season) AddClassify(purpose, tile, dates);
    }
    for (const std::string& purpose : wanted_.Purposes()) AddValidate(purpose);
    if (wanted_.map) AddMap(in_season);
  }

  void AddSamples(const std::string& tile, const std::vector<Date>& dates) {
    PlannedCell cell{
        .cell_id = absl::StrCat("samples/", tile), .unit = tile, .task = templates_.Samples(wanted_.Purposes())};
    cell.task.tile = tile;
    for (const Date& date : dates) AddDate(date, &cell);
    for (const char* const role : {"parcels", "legend", "reference-map", "strata"}) AddFile(role, &cell);
    const double megapixels = cell.megapixels;
    samples_.push_back({Add(std::move(cell)), megapixels});
  }

  void AddTrain(const std::string& stratum, const std::string& purpose) {
    PlannedCell cell{.cell_id = absl::StrCat("train/", stratum, "-", purpose),
                     .unit = absl::StrCat(stratum, " ", purpose),
                     .task = templates_.Train(purpose)};
    cell.task.stratum = stratum;
    for (const Made& samples : samples_) AddAnyOf("samples", samples, "samples", &cell);
    models_[purpose].push_back({Add(std::move(cell)), 0});
  }

  void AddClassify(const std::string& purpose, const std::string& tile, const std::vector<Date>& dates) {
    PlannedCell cell{.cell_id = absl::StrCat(purpose, "/", tile), .unit = tile, .task = templates_.Classify(purpose)};
    cell.task.tile = tile;
    for (const Date& date : dates) AddDate(date, &cell);
    for (const Made& model : models_[purpose]) AddAnyOf("model", model, "model", &cell);
    if (purpose == "crop-type") {
      if (const auto mask = maps_["crop-mask"].find(tile); mask != maps_["crop-mask"].end()) {
        cell.slots.push_back({.role = "crop-mask", .upstream = mask->second.cell});
      }
    }
    AddFile("strata", &cell);
    const double megapixels = cell.megapixels;
    maps_[purpose][tile] = {Add(std::move(cell)), megapixels};
  }

  // Without parcels there is nothing independent to validate with.
  void AddValidate(const std::string& purpose) {
    if (!site_.has_parcels() || maps_[purpose].empty()) return;
    PlannedCell cell{
        .cell_id = absl::StrCat("validate/", purpose), .unit = purpose, .task = templates_.Validate(purpose)};
    for (const auto& [tile, map] : maps_[purpose]) AddAnyOf(purpose, map, "map", &cell);
    AddFile("parcels", &cell);
    AddFile("legend", &cell);
    AddFile("strata", &cell);
    Add(std::move(cell));
  }

  void AddMap(const std::map<std::string, std::vector<Date>>& tiles) {
    if (tiles.empty()) return;
    PlannedCell cell{.cell_id = "map", .unit = season_.name(), .task = templates_.Map(MapCrs(tiles))};
    for (const std::string& purpose : wanted_.Purposes()) {
      for (const auto& [tile, map] : maps_[purpose]) AddAnyOf(purpose, map, "map", &cell);
    }
    AddFile("regions", &cell);
    Add(std::move(cell));
  }

  // The site's own, else the UTM zone of most tiles; of equals, the westernmost.
  std::string MapCrs(const std::map<std::string, std::vector<Date>>& tiles) const {
    if (!site_.crs().empty()) return site_.crs();
    std::map<int, int> zones;
    for (const auto& [tile, dates] : tiles) {
      if (const auto id = geo::TileId::Parse(tile); id.ok()) ++zones[id->epsg()];
    }
    int best = 0;
    for (const auto& [epsg, count] : zones) {
      if (best == 0 || count > zones[best]) best = epsg;
    }
    return absl::StrCat("EPSG:", best);
  }

  // --- the graph ---

  void AddDate(const Date& date, PlannedCell* cell) {
    AddAnyOf("l2a", date.made, "l2a", cell);
    if (cell->slots.size() == 1) cell->sensor = date.sensor;
    if (cell->sensor != date.sensor) cell->sensor.clear();
  }

  static void AddAnyOf(const std::string& role, const Made& made, const std::string& group, PlannedCell* cell) {
    cell->slots.push_back({.role = role, .upstream = made.cell, .any_of = group});
    cell->megapixels = std::max(cell->megapixels, made.megapixels);
  }

  void AddFile(const std::string& field, PlannedCell* cell) {
    if (const auto file = files_.find(field); file != files_.end()) {
      cell->slots.push_back({.role = field, .upstream = file->second});
    }
  }

  int Add(PlannedCell cell) {
    const int index = static_cast<int>(plan_.cells.size());
    const stages::StageInfo& info = **stages::FindStage(cell.task.stage);
    const auto many = std::count_if(cell.slots.begin(), cell.slots.end(), [](const Slot& s) { return !s.any_of.empty(); });
    cell.core_seconds = info.ExpectedCoreSeconds(cell.megapixels, static_cast<int>(many));
    const double size = cell.task.stage == "train" || cell.task.stage == "map" ? 1 : cell.megapixels / kTileMegapixels;
    const double need = static_cast<double>(info.memory_bytes) *
                        (kFixedMemoryShare + (1 - kFixedMemoryShare) * std::min(1.0, size));
    // In steps, so that the queue has few kinds of tasks to choose among.
    cell.memory_bytes = static_cast<int64_t>(std::ceil(need / kMemoryStep)) * kMemoryStep;
    plan_.cells.push_back(std::move(cell));
    return index;
  }

  Plan Finish() {
    for (size_t i = 0; i < plan_.cells.size(); ++i) {
      PlannedCell& cell = plan_.cells[i];
      cell.dependents.clear();
      cell.path_seconds = cell.core_seconds;
      for (const Slot& slot : cell.slots) {
        if (slot.upstream >= 0) plan_.cells[slot.upstream].dependents.push_back(static_cast<int>(i));
      }
    }
    for (size_t i = plan_.cells.size(); i-- > 0;) {
      PlannedCell& cell = plan_.cells[i];
      for (const int dependent : cell.dependents) {
        cell.path_seconds =
            std::max(cell.path_seconds, cell.core_seconds + plan_.cells[dependent].path_seconds);
      }
    }
    return plan_;
  }

  const Site& site_;
  const Season& season_;
  const Discoveries& discoveries_;
  const absl::Time now_;
  const TaskTemplates templates_;
  const WantedStages wanted_;

  Plan plan_;
  absl::CivilDay first_, last_;
  std::vector<geo::Period> periods_;
  absl::Duration latency_;
  std::map<std::string, int> files_;                   // cell that discovers the file of a field
  std::vector<std::string> strata_;
  std::map<std::string, std::vector<Date>> dates_;     // by tile, in order of acquisition
  std::vector<Made> samples_;                          // by tile
  std::map<std::string, std::vector<Made>> models_;    // by purpose, by stratum
  std::map<std::string, std::map<std::string, Made>> maps_;  // by purpose, by tile
};

}  // namespace

Plan PlanDiscovery(const Site& site, const Season& season) {
  return Planner(site, season, {}, absl::UnixEpoch()).Discovery();
}

absl::StatusOr<Plan> PlanRun(const Site& site, const Season& season, const Discoveries& discoveries, absl::Time now) {
  return Planner(site, season, discoveries, now).Whole();
}

absl::StatusOr<Season> FindSeason(const Site& site, const std::string& name) {
  std::vector<std::string> names;
  for (const Season& season : site.seasons()) {
    if (season.name() == name || (name.empty() && site.seasons_size() == 1)) return season;
    names.push_back(season.name());
  }
  if (name.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("site ", site.name(), " has several seasons: say which of ", absl::StrJoin(names, ", ")));
  }
  return absl::NotFoundError(
      absl::StrCat("site ", site.name(), " has no season '", name, "'; it has ", absl::StrJoin(names, ", ")));
}

}  // namespace arpent::coordinator
