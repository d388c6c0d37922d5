#include "common/product/stac_item.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/base/status.h"
#include "common/geo/tile.h"
#include "common/geo/transform.h"

namespace arpent::product {
namespace {

using Json = nlohmann::json;  // keeps object keys sorted

constexpr char kExtensionRoot[] = "https://stac-extensions.github.io/";

// Extension by prefix of the fields that it defines.
const std::map<std::string, std::string>& Extensions() {
  static const std::map<std::string, std::string> extensions = {
      {"classification", "classification/v2.0.0"},
      {"eo", "eo/v2.0.0"},
      {"file", "file/v2.1.0"},
      {"grid", "grid/v1.1.0"},
      {"proj", "projection/v2.0.0"},
      {"processing", "processing/v1.2.0"},
      {"raster", "raster/v2.0.0"},
      {"view", "view/v1.1.0"},
  };
  return extensions;
}

struct StageLevel {
  const char* stage;
  const char* level;
};
constexpr StageLevel kLevels[] = {{"l2a", "L2A"},      {"align", "L2A"},    {"composite", "L3"}, {"vegetation", "L3"},
                                  {"crop-mask", "L4"}, {"crop-type", "L4"}, {"map", "L4"}};

// STAC common names of the bands (extension eo): Sentinel-2, then Landsat 8 and 9.
const std::map<std::string, std::string>& CommonNames() {
  static const std::map<std::string, std::string> names = {
      {"B01", "coastal"},    {"B02", "blue"},       {"B03", "green"},  {"B04", "red"},   {"B05", "rededge071"},
      {"B06", "rededge075"}, {"B07", "rededge078"}, {"B08", "nir"},    {"B8A", "nir08"}, {"B09", "nir09"},
      {"B11", "swir16"},     {"B12", "swir22"},     {"B1", "coastal"}, {"B2", "blue"},   {"B3", "green"},
      {"B4", "red"},         {"B5", "nir08"},       {"B6", "swir16"},  {"B7", "swir22"},
  };
  return names;
}

std::string TimeText(absl::Time time) { return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", time, absl::UTCTimeZone()); }

bool IsSet(absl::Time time) {
  return time != absl::InfinitePast() && time != absl::InfiniteFuture() && time != absl::UnixEpoch();
}

double Rounded(double degrees) { return std::round(degrees * 1e7) / 1e7; }

// The footprint as a ring in longitude and latitude, edges densified because they bend.
absl::StatusOr<std::vector<std::array<double, 2>>> FootprintRing(const geo::Grid& grid) {
  constexpr int kPointsPerEdge = 5;
  ARPENT_ASSIGN_OR_RETURN(const geo::Transform transform, geo::Transform::Create(grid.epsg, 4326));
  const geo::Extent e = grid.extent();
  const std::array<std::array<double, 2>, 5> corners = {
      {{e.west, e.south}, {e.east, e.south}, {e.east, e.north}, {e.west, e.north}, {e.west, e.south}}};
  std::vector<std::array<double, 2>> ring;
  for (int edge = 0; edge < 4; ++edge) {
    for (int i = 0; i < kPointsPerEdge; ++i) {
      const double t = static_cast<double>(i) / kPointsPerEdge;
      double x = corners[edge][0] + t * (corners[edge + 1][0] - corners[edge][0]);
      double y = corners[edge][1] + t * (corners[edge + 1][1] - corners[edge][1]);
      transform.Forward(x, y);
      if (!std::isfinite(x) || !std::isfinite(y)) {
        return absl::InvalidArgumentError(
            absl::StrCat("a grid in EPSG:", grid.epsg, " that reaches where it is undefined"));
      }
      ring.push_back({Rounded(x), Rounded(y)});
    }
  }
  ring.push_back(ring.front());
  return ring;
}

absl::Status SetFootprint(const geo::Grid& grid, Json* item) {
  (*item)["geometry"] = nullptr;
  if (grid.epsg == 0) return absl::OkStatus();
  ARPENT_ASSIGN_OR_RETURN(const auto ring, FootprintRing(grid));
  double west = 180, south = 90, east = -180, north = -90;
  for (const auto& [x, y] : ring) {
    west = std::min(west, x);
    east = std::max(east, x);
    south = std::min(south, y);
    north = std::max(north, y);
  }
  (*item)["geometry"] = {{"type", "Polygon"}, {"coordinates", Json::array({ring})}};
  (*item)["bbox"] = {west, south, east, north};
  return absl::OkStatus();
}

void SetProjection(const geo::Grid& grid, Json* object) {
  (*object)["proj:shape"] = {grid.height, grid.width};
  (*object)["proj:transform"] = {grid.pixel_m, 0, grid.west, 0, -grid.pixel_m, grid.north};
}

const char* DataType(PixelType type) {
  switch (type) {
    case PixelType::kUInt8:
      return "uint8";
    case PixelType::kUInt16:
      return "uint16";
    case PixelType::kInt16:
      return "int16";
    case PixelType::kFloat32:
      return "float32";
  }
  return "other";
}

// STAC wants names of letters, digits, '-' and '_'; the legend's own text goes to the title.
std::string ClassName(const std::string& text) {
  std::string name;
  for (const char c : text) name.push_back(absl::ascii_isalnum(c) || c == '-' ? c : '_');
  return name.empty() ? "class" : name;
}

Json ClassesJson(const std::vector<CodeClass>& classes) {
  Json list = Json::array();
  for (const CodeClass& entry : classes) {
    Json object = {{"value", entry.value}, {"name", ClassName(entry.name)}, {"title", entry.name}};
    if (entry.colour.size() == 7) object["color_hint"] = absl::AsciiStrToUpper(entry.colour.substr(1));
    list.push_back(std::move(object));
  }
  return list;
}

Json BandJson(const AssetRecord& asset) {
  const RasterOptions& options = asset.options;
  Json band = {{"name", asset.published.name}, {"data_type", DataType(options.type)}};
  if (options.no_data.has_value()) {
    band["nodata"] = std::isnan(*options.no_data) ? Json("nan") : Json(*options.no_data);
  }
  if (options.scale != 1 || options.offset != 0) {
    band["raster:scale"] = options.scale;
    band["raster:offset"] = options.offset;
  }
  band["raster:sampling"] = "area";
  band["raster:spatial_resolution"] = asset.grid->pixel_m;
  if (!options.description.empty()) band["description"] = options.description;
  if (!options.unit.empty()) band["unit"] = options.unit;
  const auto common = CommonNames().find(asset.published.name);
  if (common != CommonNames().end()) band["eo:common_name"] = common->second;
  if (!options.classes.empty()) band["classification:classes"] = ClassesJson(options.classes);
  return band;
}

Json AssetJson(const AssetRecord& asset) {
  constexpr char kSha256Multihash[] = "1220";  // function code and length, in hex
  Json object = {{"href", absl::StrCat("./", asset.published.file)},
                 {"type", asset.media_type},
                 {"roles", {asset.role}},
                 {"file:size", asset.published.size_bytes},
                 {"file:checksum", absl::StrCat(kSha256Multihash, asset.published.sha256)}};
  if (asset.grid.has_value()) {
    object["bands"] = Json::array({BandJson(asset)});
    object["arpent:pixel_digest"] = asset.published.pixel_digest;
    SetProjection(*asset.grid, &object);
  }
  return object;
}

std::string GridCode(const std::string& tile) {
  if (geo::TileId::Parse(tile).ok()) return absl::StrCat("MGRS-", tile);
  if (tile.size() == 6 && std::all_of(tile.begin(), tile.end(), absl::ascii_isdigit)) {
    return absl::StrCat("WRS2-", tile);
  }
  return "";
}

// What an input is called, however it was delivered: a folder and an archive of one scene give the same item.
std::string InputName(const std::string& uri) {
  const std::string name = NameOf(uri);
  absl::string_view stem = name;
  for (const char* const packing : {".gz", ".tgz", ".tar", ".zip", ".SAFE"}) absl::ConsumeSuffix(&stem, packing);
  return std::string(stem);
}

Json PropertiesOf(const ProductDescription& description) {
  Json properties = Json::object();
  for (const auto& [name, value] : description.numbers) properties[name] = value;
  for (const auto& [name, value] : description.texts) properties[name] = value;
  properties["datetime"] = IsSet(description.datetime) ? Json(TimeText(description.datetime)) : Json(nullptr);
  if (IsSet(description.start_datetime) && IsSet(description.end_datetime)) {
    properties["start_datetime"] = TimeText(description.start_datetime);
    properties["end_datetime"] = TimeText(description.end_datetime);
  }
  if (!description.platform.empty()) properties["platform"] = description.platform;
  if (description.grid.epsg != 0) {
    properties["proj:code"] = absl::StrCat("EPSG:", description.grid.epsg);
    SetProjection(description.grid, &properties);
  }
  if (const std::string code = GridCode(description.tile); !code.empty()) properties["grid:code"] = code;
  for (const StageLevel& entry : kLevels) {
    if (description.stage == entry.stage) properties["processing:level"] = entry.level;
  }
  properties["processing:software"] = {{"arpent", absl::StrCat(description.stage, "@", description.algorithm_version)}};
  properties["arpent:stage"] = description.stage;
  properties["arpent:algorithm_version"] = description.algorithm_version;
  properties["arpent:key"] = description.key;
  properties["arpent:degraded"] = description.degraded;
  properties["arpent:parameters"] = Json::object();
  for (const auto& [name, value] : description.parameters.values()) properties["arpent:parameters"][name] = value;
  if (!description.tile.empty()) properties["arpent:tile"] = description.tile;
  if (!description.notes.empty()) properties["arpent:notes"] = description.notes;
  properties["arpent:inputs"] = Json::array();
  for (const InputRecord& input : description.inputs) {
    properties["arpent:inputs"].push_back({{"role", input.role}, {"key", input.key}, {"name", InputName(input.uri)}});
  }
  return properties;
}

Json LinksOf(const ProductDescription& description) {
  Json links = Json::array();
  for (const InputRecord& input : description.inputs) {
    if (input.key.empty()) continue;
    links.push_back(
        {{"rel", "derived_from"}, {"href", absl::StrCat("urn:sha256:", input.key)}, {"title", InputName(input.uri)}});
  }
  return links;
}

// The prefixes ("proj" of "proj:code") of all field names anywhere in `json`.
void CollectPrefixes(const Json& json, std::set<std::string>* prefixes) {
  if (json.is_object()) {
    for (const auto& [name, value] : json.items()) {
      if (const size_t colon = name.find(':'); colon != std::string::npos) prefixes->insert(name.substr(0, colon));
      CollectPrefixes(value, prefixes);
    }
  } else if (json.is_array()) {
    for (const Json& value : json) CollectPrefixes(value, prefixes);
  }
}

}  // namespace

std::string NameOf(const std::string& uri) {
  const std::vector<std::string> parts = absl::StrSplit(uri, '/', absl::SkipEmpty());
  return parts.empty() ? "" : parts.back();
}

absl::StatusOr<std::string> MakeStacItem(const ProductDescription& description,
                                         const std::vector<AssetRecord>& assets) {
  Json item = {{"type", "Feature"}, {"stac_version", "1.1.0"}, {"id", NameOf(description.folder)}};
  const absl::Status footprint = SetFootprint(description.grid, &item);
  if (!footprint.ok()) return Annotate(footprint, description.folder);
  item["properties"] = PropertiesOf(description);
  item["links"] = LinksOf(description);
  item["assets"] = Json::object();
  for (const AssetRecord& asset : assets) item["assets"][asset.published.name] = AssetJson(asset);
  std::set<std::string> prefixes;
  CollectPrefixes(item, &prefixes);
  item["stac_extensions"] = Json::array();
  for (const auto& [prefix, extension] : Extensions()) {
    if (prefixes.count(prefix) == 0) continue;
    item["stac_extensions"].push_back(absl::StrCat(kExtensionRoot, extension, "/schema.json"));
  }
  return item.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace arpent::product
