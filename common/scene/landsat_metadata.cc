#include "common/scene/landsat_metadata.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"

namespace arpent::scene {
namespace {

using Keys = std::map<std::string, std::string>;

constexpr double kPixel_m = 30;
constexpr int kUtmNorth = 32600;  // Landsat keeps to the northern zones south of the equator

void FlattenJson(const nlohmann::json& node, Keys& keys) {
  for (const auto& [name, value] : node.items()) {
    if (value.is_object()) {
      FlattenJson(value, keys);
    } else {
      keys.emplace(name, value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
}

class KeyReader {
 public:
  KeyReader(const Keys& keys, std::string file) : keys_(keys), file_(std::move(file)) {}

  bool Has(const std::string& key) const { return keys_.contains(key); }
  std::string TextOr(const std::string& key, const std::string& otherwise) const {
    const auto found = keys_.find(key);
    return found == keys_.end() ? otherwise : found->second;
  }
  std::string Text(const std::string& key) {
    const auto found = keys_.find(key);
    if (found != keys_.end()) return found->second;
    Fail(absl::StrCat(key, " is missing"));
    return "";
  }
  double Number(const std::string& key) {
    const std::string text = Text(key);
    double value = 0;
    if (status_.ok() && (!absl::SimpleAtod(text, &value) || !std::isfinite(value))) {
      Fail(absl::StrCat(key, ": '", text, "' is not a number"));
    }
    return value;
  }
  int Integer(const std::string& key) {
    const std::string text = Text(key);
    int value = 0;
    if (status_.ok() && !absl::SimpleAtoi(text, &value)) Fail(absl::StrCat(key, ": '", text, "' is not a whole number"));
    return value;
  }
  absl::Time Time(const std::string& key, const std::string& text) {
    absl::Time time;
    std::string error;
    if (status_.ok() && !absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
      Fail(absl::StrCat(key, ": '", text, "' is not a time"));
    }
    return time;
  }
  void Fail(const std::string& what) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat(file_, ": ", what));
  }
  const absl::Status& status() const { return status_; }

 private:
  const Keys& keys_;
  const std::string file_;
  absl::Status status_;
};

void ReadIdentity(KeyReader& reader, LandsatMetadata& metadata) {
  metadata.product_id = reader.Text("LANDSAT_PRODUCT_ID");
  metadata.collection = reader.TextOr("COLLECTION_NUMBER", "");
  const std::string spacecraft = reader.Text("SPACECRAFT_ID");
  if (spacecraft == "LANDSAT_8" || spacecraft == "LANDSAT_9") {
    metadata.platform = absl::StrCat("LC0", spacecraft.substr(8));
  } else {
    reader.Fail(absl::StrCat("SPACECRAFT_ID: '", spacecraft, "'; Landsat 8 and 9 can be read"));
  }
  const std::string level = reader.TextOr("PROCESSING_LEVEL", reader.TextOr("DATA_TYPE", ""));
  if (!absl::StartsWith(level, "L1")) reader.Fail(absl::StrCat("PROCESSING_LEVEL: '", level, "' is not Level 1"));
  metadata.path_row = absl::StrFormat("%03d%03d", reader.Integer("WRS_PATH"), reader.Integer("WRS_ROW"));
  metadata.scene_centre =
      reader.Time("SCENE_CENTER_TIME", absl::StrCat(reader.Text("DATE_ACQUIRED"), "T", reader.Text("SCENE_CENTER_TIME")));
  const std::string produced = reader.Has("FILE_DATE") ? "FILE_DATE" : "DATE_PRODUCT_GENERATED";
  metadata.production = reader.Time(produced, reader.Text(produced));
}

void ReadGrid(KeyReader& reader, LandsatMetadata& metadata) {
  const std::string projection = reader.Text("MAP_PROJECTION");
  if (projection != "UTM") reader.Fail(absl::StrCat("MAP_PROJECTION: '", projection, "'; UTM can be read"));
  const int zone = reader.Integer("UTM_ZONE");
  if (zone < 1 || zone > 60) {
    reader.Fail(absl::StrCat("UTM_ZONE: ", zone, " is not 1 to 60"));
    return;
  }
  metadata.grid.epsg = kUtmNorth + zone;
  metadata.grid.pixel_m = kPixel_m;
  // Corners are centres of pixels.
  metadata.grid.west = reader.Number("CORNER_UL_PROJECTION_X_PRODUCT") - kPixel_m / 2;
  metadata.grid.north = reader.Number("CORNER_UL_PROJECTION_Y_PRODUCT") + kPixel_m / 2;
  metadata.grid.width = reader.Integer("REFLECTIVE_SAMPLES");
  metadata.grid.height = reader.Integer("REFLECTIVE_LINES");
  if (metadata.grid.width <= 0 || metadata.grid.height <= 0) reader.Fail("REFLECTIVE_LINES or REFLECTIVE_SAMPLES is not positive");
}

void ReadBands(KeyReader& reader, LandsatMetadata& metadata) {
  for (const int number : {1, 2, 3, 4, 5, 6, 7, 9}) {
    LandsatBand band;
    band.number = number;
    band.file = reader.Text(absl::StrCat("FILE_NAME_BAND_", number));
    if (absl::StrContains(band.file, "/")) reader.Fail(absl::StrCat("FILE_NAME_BAND_", number, ": is no file name"));
    band.multiplicative = reader.Number(absl::StrCat("REFLECTANCE_MULT_BAND_", number));
    band.additive = reader.Number(absl::StrCat("REFLECTANCE_ADD_BAND_", number));
    band.saturated = reader.Integer(absl::StrCat("QUANTIZE_CAL_MAX_BAND_", number));
    if (reader.status().ok() && !(band.multiplicative > 0)) {
      reader.Fail(absl::StrCat("REFLECTANCE_MULT_BAND_", number, " is not positive"));
    }
    metadata.bands.push_back(std::move(band));
  }
  metadata.view_zenith_file = reader.TextOr("FILE_NAME_ANGLE_SENSOR_ZENITH_BAND_4", "");
  metadata.view_azimuth_file = reader.TextOr("FILE_NAME_ANGLE_SENSOR_AZIMUTH_BAND_4", "");
  metadata.quality_file = reader.TextOr("FILE_NAME_QUALITY_L1_PIXEL", reader.TextOr("FILE_NAME_BAND_QUALITY", ""));
  metadata.saturation_file = reader.TextOr("FILE_NAME_QUALITY_L1_RADIOMETRIC_SATURATION", "");
}

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> FlattenMtl(absl::string_view text, const std::string& file) {
  Keys keys;
  if (absl::StartsWith(absl::StripLeadingAsciiWhitespace(text), "{")) {
    const nlohmann::json document = nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
    if (document.is_discarded()) return absl::InvalidArgumentError(absl::StrCat(file, ": is not well-formed JSON"));
    FlattenJson(document, keys);
    return keys;
  }
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits('=', 1));
    const absl::string_view key = absl::StripAsciiWhitespace(parts.first);
    absl::string_view value = absl::StripAsciiWhitespace(parts.second);
    if (key == "GROUP" || key == "END_GROUP" || value.empty()) continue;
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    keys.emplace(std::string(key), std::string(value));
  }
  if (keys.empty()) return absl::InvalidArgumentError(absl::StrCat(file, ": has no KEY = VALUE lines"));
  return keys;
}

absl::StatusOr<LandsatMetadata> ParseLandsatMtl(absl::string_view text, const std::string& file) {
  ARPENT_ASSIGN_OR_RETURN(const Keys keys, FlattenMtl(text, file));
  KeyReader reader(keys, file);
  LandsatMetadata metadata;
  ReadIdentity(reader, metadata);
  ReadGrid(reader, metadata);
  metadata.sun_elevation_deg = reader.Number("SUN_ELEVATION");
  metadata.sun_azimuth_deg = reader.Number("SUN_AZIMUTH");
  if (reader.Has("CLOUD_COVER")) metadata.cloud_percent = reader.Number("CLOUD_COVER");
  if (reader.status().ok()) ReadBands(reader, metadata);
  if (!reader.status().ok()) return reader.status();
  return metadata;
}

}  // namespace arpent::scene
