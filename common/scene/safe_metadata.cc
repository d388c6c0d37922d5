#include "common/scene/safe_metadata.h"

#include <algorithm>
#include <cmath>
#include <pugixml.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/scene/safe_angles.h"
#include "common/scene/xml_reader.h"

namespace arpent::scene {

const std::array<const char*, kSentinel2Bands> kSentinel2BandNames = {"B01", "B02", "B03", "B04", "B05", "B06", "B07",
                                                                      "B08", "B8A", "B09", "B10", "B11", "B12"};
const std::array<int, kSentinel2Bands> kSentinel2BandResolutions_m = {60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 60, 20, 20};

namespace {

constexpr double kMostOrbit = 999;  // relative: 143 of them

void ReadGeocoding(XmlReader& reader, SafeTileMetadata& tile) {
  const std::string code = reader.Text("HORIZONTAL_CS_CODE");
  int epsg = 0;
  if (!absl::SimpleAtoi(absl::StripPrefix(code, "EPSG:"), &epsg)) {
    reader.Fail(absl::StrCat("HORIZONTAL_CS_CODE: '", code, "' is not an EPSG code"));
  }
  tile.grid.epsg = epsg;
  tile.grid.pixel_m = 10;
  bool has_size = false, has_position = false;
  ForEach(reader.root(), "Size", [&](const pugi::xml_node& node) {
    if (node.attribute("resolution").as_int() != 10) return;
    tile.grid.width = Find(node, "NCOLS").text().as_int();
    tile.grid.height = Find(node, "NROWS").text().as_int();
    has_size = tile.grid.width > 0 && tile.grid.height > 0;
  });
  ForEach(reader.root(), "Geoposition", [&](const pugi::xml_node& node) {
    if (node.attribute("resolution").as_int() != 10) return;
    tile.grid.west = reader.ToNumber(TextOf(Find(node, "ULX")), "ULX");
    tile.grid.north = reader.ToNumber(TextOf(Find(node, "ULY")), "ULY");
    has_position = true;
  });
  if (!has_size) reader.Fail("Tile_Geocoding has no Size of resolution 10");
  if (!has_position) reader.Fail("Tile_Geocoding has no Geoposition of resolution 10");
}

// What the levels call the same things.
struct LevelNames {
  const char *level, *quantification, *offset;
};

absl::StatusOr<SafeProductMetadata> ParseProduct(absl::string_view xml, const std::string& file, const LevelNames& names) {
  pugi::xml_document document;
  ARPENT_RETURN_IF_ERROR(LoadXml(xml, file, document));
  XmlReader reader(document, file);
  SafeProductMetadata product;
  const std::string spacecraft = reader.Text("SPACECRAFT_NAME");
  if (!absl::StartsWith(spacecraft, "Sentinel-2") || spacecraft.size() != 11) {
    reader.Fail(absl::StrCat("SPACECRAFT_NAME: '", spacecraft, "' is not a Sentinel-2"));
  } else {
    product.platform = absl::StrCat("S2", spacecraft.substr(10));
  }
  const std::string level = reader.Text("PROCESSING_LEVEL");
  if (reader.status().ok() && !absl::StrContains(level, names.level)) {
    reader.Fail(absl::StrCat("PROCESSING_LEVEL: '", level, "' is not Level-", names.level));
  }
  product.processing_baseline = reader.Text("PROCESSING_BASELINE");
  product.datatake_start = reader.Time("DATATAKE_SENSING_START");
  product.generation_time = reader.Time("GENERATION_TIME");
  const double orbit = reader.Number("SENSING_ORBIT_NUMBER");
  if (!(orbit >= 0 && orbit <= kMostOrbit)) reader.Fail(absl::StrCat("SENSING_ORBIT_NUMBER: ", orbit, " is no relative orbit"));
  product.relative_orbit = reader.status().ok() ? static_cast<int>(orbit) : 0;
  product.quantification = reader.Number(names.quantification);
  if (reader.status().ok() && !(product.quantification > 0)) {
    reader.Fail(absl::StrCat(names.quantification, " is not positive"));
  }
  product.aot_quantification = reader.NumberOr("AOT_QUANTIFICATION_VALUE", product.aot_quantification);
  if (!(product.aot_quantification > 0)) reader.Fail("AOT_QUANTIFICATION_VALUE is not positive");
  product.cloud_percent = reader.NumberOr("Cloud_Coverage_Assessment", -1);
  if (const pugi::xml_node conversion = Find(document, "Reflectance_Conversion")) {
    if (const pugi::xml_node u = Find(conversion, "U")) product.earth_sun_u = reader.ToNumber(TextOf(u), "Reflectance_Conversion/U");
  }
  ForEach(document, "SOLAR_IRRADIANCE", [&](const pugi::xml_node& node) {
    if (const int band = BandOf(node, reader); band >= 0) {
      product.solar_irradiance[band] = reader.ToNumber(TextOf(node), "SOLAR_IRRADIANCE");
    }
  });
  int offsets = 0;
  ForEach(document, names.offset, [&](const pugi::xml_node& node) {
    ++offsets;
    if (const int band = BandOf(node, reader); band >= 0) {
      product.offsets[band] = reader.ToNumber(TextOf(node), names.offset);
    }
  });
  // Without them all of such a product's reflectance would be 0.1 too high.
  constexpr double kFirstWithOffsets = 4;
  double baseline = 0;
  if (offsets == 0 && absl::SimpleAtod(product.processing_baseline, &baseline) && baseline >= kFirstWithOffsets) {
    reader.Fail(absl::StrCat("element ", names.offset, " is missing, but PROCESSING_BASELINE is ", product.processing_baseline));
  }
  ForEach(document, "Special_Values", [&](const pugi::xml_node& node) {
    const absl::string_view text = TextOf(Find(node, "SPECIAL_VALUE_TEXT"));
    const double value = reader.ToNumber(TextOf(Find(node, "SPECIAL_VALUE_INDEX")), "SPECIAL_VALUE_INDEX");
    if (!(value >= 0 && value <= 65535)) return;
    if (text == "NODATA") product.no_data = static_cast<uint16_t>(value);
    if (text == "SATURATED") product.saturated = static_cast<uint16_t>(value);
  });
  if (!reader.status().ok()) return reader.status();
  return product;
}

}  // namespace

absl::StatusOr<SafeProductMetadata> ParseSafeProduct(absl::string_view xml, const std::string& file) {
  return ParseProduct(xml, file, {"1C", "QUANTIFICATION_VALUE", "RADIO_ADD_OFFSET"});
}

absl::StatusOr<SafeProductMetadata> ParseSafeL2aProduct(absl::string_view xml, const std::string& file) {
  return ParseProduct(xml, file, {"2A", "BOA_QUANTIFICATION_VALUE", "BOA_ADD_OFFSET"});
}

absl::StatusOr<SafeTileMetadata> ParseSafeTile(absl::string_view xml, const std::string& file) {
  pugi::xml_document document;
  ARPENT_RETURN_IF_ERROR(LoadXml(xml, file, document));
  XmlReader reader(document, file);
  SafeTileMetadata tile;
  // ..._T33TVL_N02.04
  const std::string id = reader.Text("TILE_ID");
  const size_t mark = id.rfind("_T");
  if (reader.status().ok()) {
    if (mark == std::string::npos || id.size() < mark + 7) {
      reader.Fail(absl::StrCat("TILE_ID: '", id, "' names no tile"));
    } else {
      tile.tile = id.substr(mark + 2, 5);
    }
  }
  tile.datastrip_id = std::string(TextOf(Find(reader.root(), "DATASTRIP_ID")));
  ReadGeocoding(reader, tile);
  ReadSunAngles(reader, tile);
  ReadViewAngles(reader, tile);
  tile.cloud_percent = reader.NumberOr("CLOUDY_PIXEL_PERCENTAGE", -1);
  if (!reader.status().ok()) return reader.status();
  return tile;
}

absl::StatusOr<std::vector<ManifestEntry>> ParseSafeManifest(absl::string_view xml, const std::string& file) {
  pugi::xml_document document;
  ARPENT_RETURN_IF_ERROR(LoadXml(xml, file, document));
  std::vector<ManifestEntry> entries;
  ForEach(document, "byteStream", [&entries](const pugi::xml_node& node) {
    ManifestEntry entry;
    entry.path = Find(node, "fileLocation").attribute("href").value();
    entry.path = std::string(absl::StripPrefix(entry.path, "./"));
    if (const pugi::xml_node checksum = Find(node, "checksum")) {
      entry.checksum = absl::AsciiStrToLower(
          absl::StrCat(checksum.attribute("checksumName").value(), ":", TextOf(checksum)));
    }
    if (!entry.path.empty()) entries.push_back(std::move(entry));
  });
  return entries;
}

}  // namespace arpent::scene
