#include "services/coordinator/plan/scene_selection.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <optional>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/geo/tile.h"
#include "common/rpc/convert.h"

namespace arpent::coordinator {
namespace {

using worker::v1::FoundScene;

constexpr double kTileMegapixels = geo::kTilePixels10m * 1e-6 * geo::kTilePixels10m;
constexpr double kKilometresPerDegree = 111.2;

// What limits the work: tiles by name, or a box in degrees, or nothing.
struct Limits {
  std::set<std::string> tiles;
  std::optional<rpc::DegreeBox> box;

  bool Takes(const std::string& tile) const { return tiles.empty() || tiles.count(tile) > 0; }
};

absl::StatusOr<Limits> LimitsOf(const site::v1::Site& site, const rpc::DegreeBox* file_box) {
  Limits limits;
  for (const std::string& tile : site.tiles()) {
    ARPENT_ASSIGN_OR_RETURN(const geo::TileId parsed, geo::TileId::Parse(tile));
    limits.tiles.insert(parsed.name());
  }
  if (absl::StartsWith(site.area(), "bbox:")) {
    ARPENT_ASSIGN_OR_RETURN(limits.box, rpc::ParseBoxArea(site.area()));
  } else if (absl::StartsWith(site.area(), "tiles:")) {
    std::set<std::string> of_area;
    for (const absl::string_view name : absl::StrSplit(site.area().substr(6), ',')) {
      ARPENT_ASSIGN_OR_RETURN(const geo::TileId tile, geo::TileId::Parse(absl::StripAsciiWhitespace(name)));
      if (limits.Takes(tile.name())) of_area.insert(tile.name());
    }
    limits.tiles = std::move(of_area);
  } else if (file_box != nullptr) {
    limits.box = *file_box;
  }
  return limits;
}

bool HasBox(const FoundScene& scene) { return scene.east_deg() > scene.west_deg() && scene.north_deg() > scene.south_deg(); }

rpc::DegreeBox BoxOf(const FoundScene& scene) {
  return {scene.west_deg(), scene.south_deg(), scene.east_deg(), scene.north_deg()};
}

double MegapixelsOf(const FoundScene& scene) {
  if (!HasBox(scene)) return kTileMegapixels;
  const double middle_rad = (scene.south_deg() + scene.north_deg()) / 2 * std::numbers::pi / 180;
  const double width_km = (scene.east_deg() - scene.west_deg()) * kKilometresPerDegree * std::cos(middle_rad);
  const double height_km = (scene.north_deg() - scene.south_deg()) * kKilometresPerDegree;
  return std::clamp(width_km * height_km * 0.01, 1e-3, kTileMegapixels);
}

std::string SensorOf(const FoundScene& scene) {
  return scene.kind() == "landsat-l1" || absl::StartsWith(scene.platform(), "L") ? "landsat" : "sentinel2";
}

// A product that is made again may state a start that is some seconds off.
constexpr absl::Duration kSameStart = absl::Seconds(30);

// What all versions of an acquisition have in common but the time: "S2A_20150711T100008_R122_T33TVL" without its second word.
std::string PathOf(const FoundScene& scene) {
  std::vector<std::string> words = absl::StrSplit(scene.acquisition(), '_');
  if (words.size() < 3) return scene.acquisition();
  words.erase(words.begin() + 1);
  return absl::StrJoin(words, "_");
}

// The versions of one acquisition, each content once, by digest.
using Versions = std::map<std::string, FoundScene>;

std::vector<Versions> GroupVersions(std::vector<FoundScene> scenes) {
  const auto place = [](const FoundScene& scene) {
    return std::make_tuple(PathOf(scene), rpc::FromProto(scene.sensing_start()), scene.digest());
  };
  std::sort(scenes.begin(), scenes.end(), [&](const FoundScene& a, const FoundScene& b) { return place(a) < place(b); });
  std::vector<Versions> groups;
  const FoundScene* first = nullptr;
  for (FoundScene& scene : scenes) {
    const bool same = first != nullptr && PathOf(*first) == PathOf(scene) &&
                      rpc::FromProto(scene.sensing_start()) - rpc::FromProto(first->sensing_start()) <= kSameStart;
    if (!same) {
      groups.emplace_back();
      first = &scene;
    }
    groups.back().emplace(scene.digest(), scene);
  }
  return groups;
}

// The better version comes first.
bool IsBetter(const FoundScene& a, const FoundScene& b) {
  const auto rank = [](const FoundScene& scene) {
    return std::make_tuple(scene.processing_baseline(), rpc::FromProto(scene.generation_time()), scene.digest());
  };
  return rank(a) > rank(b);
}

absl::StatusOr<std::set<std::string>> TilesOf(const FoundScene& scene, const std::string& sensor,
                                              const Limits& limits) {
  std::set<std::string> tiles;
  if (limits.box && HasBox(scene) && !limits.box->Touches(BoxOf(scene))) return tiles;
  if (sensor == "sentinel2") {
    if (limits.Takes(scene.tile())) tiles.insert(scene.tile());
    return tiles;
  }
  if (!HasBox(scene)) return tiles;
  rpc::DegreeBox box = BoxOf(scene);
  if (limits.box) {
    box = {std::max(box.west, limits.box->west), std::max(box.south, limits.box->south),
           std::min(box.east, limits.box->east), std::min(box.north, limits.box->north)};
  }
  ARPENT_ASSIGN_OR_RETURN(const auto touched, geo::TilesTouching(box.west, box.south, box.east, box.north));
  for (const geo::TileId& tile : touched) {
    if (limits.Takes(tile.name())) tiles.insert(tile.name());
  }
  return tiles;
}

}  // namespace

absl::StatusOr<std::vector<Acquisition>> SelectScenes(const site::v1::Site& site, const rpc::DegreeBox* file_box,
                                                      const std::vector<FoundScene>& found) {
  ARPENT_ASSIGN_OR_RETURN(const Limits limits, LimitsOf(site, file_box));
  std::vector<Acquisition> selected;
  for (const Versions& by_digest : GroupVersions(found)) {
    Acquisition acquisition;
    const auto best = std::min_element(by_digest.begin(), by_digest.end(), [](const auto& a, const auto& b) {
      return IsBetter(a.second, b.second);
    });
    acquisition.scene = best->second;
    acquisition.sensor = SensorOf(acquisition.scene);
    ARPENT_ASSIGN_OR_RETURN(acquisition.tiles, TilesOf(acquisition.scene, acquisition.sensor, limits));
    if (acquisition.tiles.empty()) continue;
    for (const auto& [digest, scene] : by_digest) {
      if (digest != best->first) acquisition.superseded.push_back(scene);
    }
    acquisition.day = absl::ToCivilDay(rpc::FromProto(acquisition.scene.sensing_start()), absl::UTCTimeZone());
    acquisition.megapixels = MegapixelsOf(acquisition.scene);
    selected.push_back(std::move(acquisition));
  }
  std::sort(selected.begin(), selected.end(), [](const Acquisition& a, const Acquisition& b) {
    return a.scene.acquisition() < b.scene.acquisition();
  });
  return selected;
}

}  // namespace arpent::coordinator
