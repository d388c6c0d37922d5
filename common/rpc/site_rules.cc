#include "common/rpc/site_rules.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/geo/period.h"
#include "common/geo/tile.h"
#include "common/stages/catalog.h"

namespace arpent::rpc {
namespace {

using arpent::site::v1::Season;
using arpent::site::v1::Site;

// More is a mistake that would keep a coordinator busy with planning.
constexpr int kMostSeasonDays = 1100;
constexpr size_t kMostSiteBytes = 1 << 20;

absl::Status Wrong(absl::string_view field, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", what));
}

absl::Status CheckName(absl::string_view field, const std::string& name) {
  if (name.empty()) return Wrong(field, "is required");
  const bool good = name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
                      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-';
                    });
  if (!good) return Wrong(field, absl::StrCat("'", name, "' is no name: letters, digits and '-', at most 63"));
  return absl::OkStatus();
}

absl::Status CheckOneOf(const std::string& field, const std::string& value,
                        std::initializer_list<const char*> allowed) {
  if (value.empty()) return absl::OkStatus();
  for (const char* const name : allowed) {
    if (value == name) return absl::OkStatus();
  }
  return Wrong(field, absl::StrCat("'", value, "' is none of ", absl::StrJoin(allowed, ", ")));
}

absl::Status CheckTile(const std::string& field, const std::string& tile) {
  return Annotate(geo::TileId::Parse(tile).status(), field);
}

absl::Status CheckShare(absl::string_view field, bool is_set, double value) {
  if (is_set && !(value >= 0 && value <= 1)) return Wrong(field, absl::StrCat(value, " is not within 0..1"));
  return absl::OkStatus();
}

absl::Status CheckAtLeast(absl::string_view field, bool is_set, int64_t value, int64_t least, int64_t most = INT32_MAX) {
  if (is_set && value < least) return Wrong(field, absl::StrCat(value, " is less than ", least));
  if (is_set && value > most) return Wrong(field, absl::StrCat(value, " is more than ", most));
  return absl::OkStatus();
}

// A run, its ledger and its products repeat what a site says, for many to read.
absl::Status CheckUri(absl::string_view field, const std::string& uri) {
  if (std::any_of(uri.begin(), uri.end(), [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); })) {
    return Wrong(field, "has a control character");
  }
  const size_t begin = uri.find("://");
  if (begin == std::string::npos) return absl::OkStatus();
  const std::string authority = uri.substr(begin + 3, uri.find('/', begin + 3) - begin - 3);
  if (!absl::StrContains(authority, '@')) return absl::OkStatus();
  return Wrong(field, "has a user or password, which everyone who sees the run would see: give it to the tile cache's store, "
                      "and name that store here");
}

absl::Status CheckArea(const Site& site) {
  ARPENT_RETURN_IF_ERROR(CheckUri("area", site.area()));
  if (site.area().empty()) return Wrong("area", "is required: a polygon file, bbox:W,S,E,N or tiles:33TVL,33TVM");
  if (absl::StartsWith(site.area(), "bbox:")) return Annotate(ParseBoxArea(site.area()).status(), "area");
  if (absl::StartsWith(site.area(), "tiles:")) {
    for (const absl::string_view tile : absl::StrSplit(site.area().substr(6), ',')) {
      ARPENT_RETURN_IF_ERROR(CheckTile("area", std::string(absl::StripAsciiWhitespace(tile))));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckInputs(const Site& site) {
  if (site.inputs().empty()) return Wrong("inputs", "at least one is required");
  for (int i = 0; i < site.inputs_size(); ++i) {
    const std::string field = absl::StrCat("inputs[", i, "]");
    if (site.inputs(i).uri().empty()) return Wrong(field + ".uri", "is required");
    ARPENT_RETURN_IF_ERROR(CheckUri(field + ".uri", site.inputs(i).uri()));
    ARPENT_RETURN_IF_ERROR(CheckOneOf(field + ".kind", site.inputs(i).kind(),
                                      {"sentinel2-l1c", "landsat-l1", "sentinel2-l2a", "maja-l2a", "arpent-l2a"}));
    if (site.inputs(i).poll().empty()) continue;
    const absl::StatusOr<absl::Duration> poll = ParseSpan(site.inputs(i).poll());
    ARPENT_RETURN_IF_ERROR(Annotate(poll.status(), field + ".poll"));
    if (*poll < absl::Minutes(1)) return Wrong(field + ".poll", "at least 1m");
  }
  return absl::OkStatus();
}

absl::Status CheckProducts(const Site& site, const Season& season, const std::string& field) {
  for (const std::string& product : season.products()) {
    ARPENT_RETURN_IF_ERROR(CheckOneOf(field, product, {"l2a", "composite", "vegetation", "crop-mask", "crop-type", "map"}));
    if (product == "crop-type" && !site.has_parcels()) return Wrong(field, "crop-type needs `parcels`");
    if ((product == "crop-mask" || product == "map") && !site.has_parcels() && !site.has_reference_map()) {
      return Wrong(field, absl::StrCat(product, " needs `parcels` or `reference_map`"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckSeasons(const Site& site) {
  if (site.seasons().empty()) return Wrong("seasons", "at least one is required");
  std::set<std::string> names;
  for (int i = 0; i < site.seasons_size(); ++i) {
    const Season& season = site.seasons(i);
    const std::string field = absl::StrCat("seasons[", i, "]");
    ARPENT_RETURN_IF_ERROR(CheckName(field + ".name", season.name()));
    if (!names.insert(season.name()).second) return Wrong(field + ".name", absl::StrCat("'", season.name(), "' twice"));
    const auto start = geo::ParseDay(season.start()), end = geo::ParseDay(season.end());
    ARPENT_RETURN_IF_ERROR(Annotate(start.status(), field + ".start"));
    ARPENT_RETURN_IF_ERROR(Annotate(end.status(), field + ".end"));
    if (*end < *start) return Wrong(field + ".end", "is before `start`");
    if (*end - *start > kMostSeasonDays) {
      return Wrong(field + ".end", absl::StrCat("a season is at most ", kMostSeasonDays, " days: make several"));
    }
    ARPENT_RETURN_IF_ERROR(CheckProducts(site, season, field + ".products"));
  }
  return absl::OkStatus();
}

absl::Status CheckProcessing(const Site& site) {
  if (site.has_auxiliary()) {
    ARPENT_RETURN_IF_ERROR(CheckUri("auxiliary.dem", site.auxiliary().dem()));
    ARPENT_RETURN_IF_ERROR(CheckUri("auxiliary.cams", site.auxiliary().cams()));
    ARPENT_RETURN_IF_ERROR(CheckUri("auxiliary.prior", site.auxiliary().prior()));
    ARPENT_RETURN_IF_ERROR(CheckOneOf("auxiliary.aerosol", site.auxiliary().aerosol(),
                                      {"continental", "maritime", "urban", "desert", "biomass", "auto", "cams"}));
    if (site.auxiliary().aerosol() == "cams" && site.auxiliary().cams().empty()) {
      return Wrong("auxiliary.aerosol", "'cams' needs the file `cams` beside it");
    }
  }
  ARPENT_RETURN_IF_ERROR(CheckShare("l2a.cloud_limit", site.l2a().has_cloud_limit(), site.l2a().cloud_limit()));
  if (!site.composite().period().empty()) {
    const absl::CivilDay day(2021, 1, 1);
    ARPENT_RETURN_IF_ERROR(Annotate(geo::PeriodsOf(site.composite().period(), day, day).status(), "composite.period"));
  }
  ARPENT_RETURN_IF_ERROR(
      CheckOneOf("composite.method", site.composite().method(),
                 {"weighted-average", "median", "medoid", "geometric-median", "best-pixel"}));
  if (!site.composite().latency().empty()) {
    ARPENT_RETURN_IF_ERROR(Annotate(ParseSpan(site.composite().latency()).status(), "composite.latency"));
  }
  for (int i = 0; i < site.vegetation().indices_size(); ++i) {
    ARPENT_RETURN_IF_ERROR(CheckOneOf(absl::StrCat("vegetation.indices[", i, "]"), site.vegetation().indices(i),
                                      {"ndvi", "ndwi", "evi2", "brightness", "ndre", "s2rep", "psri"}));
  }
  return CheckOneOf("vegetation.per", site.vegetation().per(), {"composite", "date"});
}

absl::Status CheckInSitu(const Site& site) {
  if (site.has_parcels()) {
    if (site.parcels().file().empty()) return Wrong("parcels.file", "is required");
    ARPENT_RETURN_IF_ERROR(
        CheckShare("parcels.train_share", site.parcels().has_train_share(), site.parcels().train_share()));
  }
  if (site.has_reference_map()) {
    if (site.reference_map().file().empty()) return Wrong("reference_map.file", "is required");
    if (site.reference_map().crop_classes().empty()) return Wrong("reference_map.crop_classes", "is required");
  }
  if (site.has_strata() && site.strata().file().empty()) return Wrong("strata.file", "is required");
  ARPENT_RETURN_IF_ERROR(CheckUri("parcels.file", site.parcels().file()));
  ARPENT_RETURN_IF_ERROR(CheckUri("parcels.legend", site.parcels().legend()));
  ARPENT_RETURN_IF_ERROR(CheckUri("reference_map.file", site.reference_map().file()));
  ARPENT_RETURN_IF_ERROR(CheckUri("strata.file", site.strata().file()));
  ARPENT_RETURN_IF_ERROR(CheckUri("map.regions.file", site.map().regions().file()));
  if (site.map().has_regions()) {
    if (site.map().regions().file().empty()) return Wrong("map.regions.file", "is required");
    if (site.map().regions().column().empty()) return Wrong("map.regions.column", "is required");
  }
  return absl::OkStatus();
}

absl::Status CheckLearning(const Site& site) {
  const auto& train = site.train();
  ARPENT_RETURN_IF_ERROR(CheckOneOf("features.gap_filling", site.features().gap_filling(), {"linear", "whittaker"}));
  ARPENT_RETURN_IF_ERROR(
      CheckAtLeast("features.step_days", site.features().has_step_days(), site.features().step_days(), 1, 366));
  ARPENT_RETURN_IF_ERROR(CheckOneOf("train.learner", train.learner(), {"auto", "forest", "extra-trees", "boosting"}));
  ARPENT_RETURN_IF_ERROR(CheckAtLeast("train.trees", train.has_trees(), train.trees(), 1, 100000));
  ARPENT_RETURN_IF_ERROR(CheckAtLeast("train.max_depth", train.has_max_depth(), train.max_depth(), 1, 1000));
  ARPENT_RETURN_IF_ERROR(CheckAtLeast("train.min_samples", train.has_min_samples(), train.min_samples(), 0));
  return CheckAtLeast("train.samples_per_class", train.has_samples_per_class(), train.samples_per_class(), 1, 100000000);
}

absl::Status CheckRetention(const Site& site) {
  for (const auto& [stage, span] : site.retention()) {
    const std::string field = absl::StrCat("retention.", stage);
    ARPENT_RETURN_IF_ERROR(Annotate(stages::FindStage(stage).status(), field));
    if (span != "keep") ARPENT_RETURN_IF_ERROR(Annotate(ParseSpan(span).status(), field));
  }
  return absl::OkStatus();
}

void SetIfEmpty(std::string* field, absl::string_view value) {
  if (field->empty()) *field = std::string(value);
}

void FillProducts(const Site& site, Season* season) {
  if (!season->products().empty()) return;
  season->add_products("composite");
  const bool has_reference = site.has_parcels() || site.has_reference_map();
  if (has_reference) season->add_products("crop-mask");
  if (site.has_parcels()) season->add_products("crop-type");
  if (has_reference) season->add_products("map");
}

void FillTrainDefaults(arpent::site::v1::TrainOptions* train) {
  SetIfEmpty(train->mutable_learner(), "auto");
  if (!train->has_trees()) train->set_trees(100);
  if (!train->has_max_depth()) train->set_max_depth(25);
  if (!train->has_seed()) train->set_seed(1);
  if (!train->has_samples_per_class()) train->set_samples_per_class(40000);
}

}  // namespace

void FillSiteDefaults(Site* site) {
  for (auto& input : *site->mutable_inputs()) SetIfEmpty(input.mutable_kind(), "sentinel2-l1c");
  SetIfEmpty(site->mutable_auxiliary()->mutable_aerosol(), "continental");
  for (Season& season : *site->mutable_seasons()) FillProducts(*site, &season);

  auto* const l2a = site->mutable_l2a();
  SetIfEmpty(l2a->mutable_processor(), "arpent");
  if (!l2a->has_cloud_limit()) l2a->set_cloud_limit(0.9);
  if (!l2a->has_adjacency()) l2a->set_adjacency(true);
  if (!l2a->has_terrain()) l2a->set_terrain(true);
  if (!l2a->has_cirrus()) l2a->set_cirrus(false);

  auto* const composite = site->mutable_composite();
  SetIfEmpty(composite->mutable_period(), "month");
  SetIfEmpty(composite->mutable_method(), "weighted-average");
  SetIfEmpty(composite->mutable_latency(), "5d");
  if (!composite->has_brdf()) composite->set_brdf(false);

  auto* const vegetation = site->mutable_vegetation();
  if (vegetation->indices().empty()) {
    for (const char* const index : {"ndvi", "ndwi", "brightness"}) vegetation->add_indices(index);
  }
  SetIfEmpty(vegetation->mutable_per(), "composite");

  if (site->has_parcels() && !site->parcels().has_train_share()) site->mutable_parcels()->set_train_share(0.75);
  if (site->has_strata()) SetIfEmpty(site->mutable_strata()->mutable_column(), "stratum");
  SetIfEmpty(site->mutable_features()->mutable_gap_filling(), "linear");
  if (!site->features().has_step_days()) site->mutable_features()->set_step_days(10);
  if (!site->features().has_red_edge()) site->mutable_features()->set_red_edge(true);
  FillTrainDefaults(site->mutable_train());
  site->mutable_limits();
}

absl::Status ValidateSite(const Site& site) {
  if (site.ByteSizeLong() > kMostSiteBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the site is ", site.ByteSizeLong(), " bytes large, at most ", kMostSiteBytes,
                                                   " are taken: name tiles by an area, keep polygons in a file"));
  }
  ARPENT_RETURN_IF_ERROR(CheckName("name", site.name()));
  ARPENT_RETURN_IF_ERROR(CheckArea(site));
  if (!site.crs().empty()) {
    int code = 0;
    if (!absl::StartsWith(site.crs(), "EPSG:") || !absl::SimpleAtoi(site.crs().substr(5), &code) || code <= 0) {
      return Wrong("crs", absl::StrCat("'", site.crs(), "' is not of the form EPSG:32637"));
    }
  }
  for (int i = 0; i < site.tiles_size(); ++i) {
    ARPENT_RETURN_IF_ERROR(CheckTile(absl::StrCat("tiles[", i, "]"), site.tiles(i)));
  }
  ARPENT_RETURN_IF_ERROR(CheckInputs(site));
  ARPENT_RETURN_IF_ERROR(CheckSeasons(site));
  ARPENT_RETURN_IF_ERROR(CheckProcessing(site));
  ARPENT_RETURN_IF_ERROR(CheckInSitu(site));
  ARPENT_RETURN_IF_ERROR(CheckLearning(site));
  ARPENT_RETURN_IF_ERROR(CheckAtLeast("limits.threads_per_task", true, site.limits().threads_per_task(), 0));
  ARPENT_RETURN_IF_ERROR(CheckAtLeast("limits.tasks_at_once", true, site.limits().tasks_at_once(), 0));
  ARPENT_RETURN_IF_ERROR(CheckAtLeast("limits.parts", true, site.limits().parts(), 0));
  if (site.limits().parts() > 8) {
    return Wrong("limits.parts", absl::StrCat(site.limits().parts(), " is more than 8"));
  }
  return CheckRetention(site);
}

absl::StatusOr<absl::Duration> ParseSpan(absl::string_view text) {
  int64_t number = 0;
  if (text.size() >= 2 && absl::SimpleAtoi(text.substr(0, text.size() - 1), &number) && number >= 0) {
    switch (text.back()) {
      case 's':
        return absl::Seconds(number);
      case 'm':
        return absl::Minutes(number);
      case 'h':
        return absl::Hours(number);
      case 'd':
        return absl::Hours(24 * number);
    }
  }
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not a span of time, as 30m, 12h or 5d"));
}

absl::StatusOr<DegreeBox> ParseBoxArea(absl::string_view area) {
  const std::vector<absl::string_view> parts = absl::StrSplit(area.substr(area.find(':') + 1), ',');
  DegreeBox box;
  double* const edges[] = {&box.west, &box.south, &box.east, &box.north};
  bool good = absl::StartsWith(area, "bbox:") && parts.size() == 4;
  for (size_t i = 0; good && i < 4; ++i) good = absl::SimpleAtod(absl::StripAsciiWhitespace(parts[i]), edges[i]);
  good = good && box.west >= -180 && box.east <= 180 && box.south >= -90 && box.north <= 90 && box.west < box.east &&
         box.south < box.north;
  if (!good) return absl::InvalidArgumentError(absl::StrCat("'", area, "' is not bbox:W,S,E,N in degrees"));
  return box;
}

}  // namespace arpent::rpc
