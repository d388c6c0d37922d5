#include "common/scene/safe_metadata.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <pugixml.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/scene/xml_reader.h"

namespace arpent::scene {

const std::array<const char*, kSentinel2Bands> kSentinel2BandNames = {"B01", "B02", "B03", "B04", "B05", "B06", "B07",
                                                                      "B08", "B8A", "B09", "B10", "B11", "B12"};
const std::array<int, kSentinel2Bands> kSentinel2BandResolutions_m = {60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 60, 20, 20};

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr double kMostOrbit = 999;  // relative: 143 of them

// bandId or band_id of a node; -1 (and an error) when it is none of the bands.
int BandOf(const pugi::xml_node& node, XmlReader& reader) {
  int band = node.attribute("bandId").as_int(node.attribute("band_id").as_int(-1));
  if (band < 0 || band >= kSentinel2Bands) {
    reader.Fail(absl::StrCat(LocalName(node), ": bandId is missing or none of 0..12"));
    band = -1;
  }
  return band;
}

// One Zenith or Azimuth list; empty when it is absent or ragged.
raster::Image<float> ReadValues(const pugi::xml_node& angle, double* step_m) {
  if (const pugi::xml_node step = Find(angle, "COL_STEP")) *step_m = step.text().as_double(*step_m);
  std::vector<std::vector<float>> rows;
  ForEach(angle, "VALUES", [&rows](const pugi::xml_node& node) {
    std::vector<float> row;
    for (absl::string_view word : absl::StrSplit(TextOf(node), absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty())) {
      float value = kNaN;
      if (!absl::SimpleAtof(word, &value)) value = kNaN;
      row.push_back(value);
    }
    rows.push_back(std::move(row));
  });
  if (rows.empty() || rows.front().empty()) return {};
  raster::Image<float> image(static_cast<int>(rows.front().size()), static_cast<int>(rows.size()), kNaN);
  for (size_t y = 0; y < rows.size(); ++y) {
    if (rows[y].size() != rows.front().size()) return {};
    std::copy(rows[y].begin(), rows[y].end(), image.row(static_cast<int>(y)).begin());
  }
  return image;
}

AngleGrid ReadAngleGrid(const pugi::xml_node& node) {
  AngleGrid grid;
  grid.zenith_deg = ReadValues(Find(node, "Zenith"), &grid.step_m);
  grid.azimuth_deg = ReadValues(Find(node, "Azimuth"), &grid.step_m);
  const bool same = grid.zenith_deg.width() == grid.azimuth_deg.width() &&
                    grid.zenith_deg.height() == grid.azimuth_deg.height();
  return same ? grid : AngleGrid{};
}

bool IsEmpty(const AngleGrid& grid) {
  for (size_t i = 0; i < grid.zenith_deg.size(); ++i) {
    if (std::isfinite(grid.zenith_deg.data()[i]) && std::isfinite(grid.azimuth_deg.data()[i])) return false;
  }
  return true;
}

// Nodes that `into` lacks are taken from `from`.
void Merge(const AngleGrid& from, AngleGrid& into) {
  if (into.zenith_deg.empty()) {
    into = from;
    return;
  }
  if (from.zenith_deg.width() != into.zenith_deg.width() || from.zenith_deg.height() != into.zenith_deg.height()) return;
  for (size_t i = 0; i < into.zenith_deg.size(); ++i) {
    if (std::isfinite(into.zenith_deg.data()[i]) && std::isfinite(into.azimuth_deg.data()[i])) continue;
    into.zenith_deg.data()[i] = from.zenith_deg.data()[i];
    into.azimuth_deg.data()[i] = from.azimuth_deg.data()[i];
  }
}

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
    tile.grid.west = Find(node, "ULX").text().as_double(std::nan(""));
    tile.grid.north = Find(node, "ULY").text().as_double(std::nan(""));
    has_position = std::isfinite(tile.grid.west) && std::isfinite(tile.grid.north);
  });
  if (!has_size) reader.Fail("Tile_Geocoding has no Size of resolution 10");
  if (!has_position) reader.Fail("Tile_Geocoding has no Geoposition of resolution 10");
}

void ReadSun(XmlReader& reader, SafeTileMetadata& tile) {
  tile.sun = ReadAngleGrid(Find(reader.root(), "Sun_Angles_Grid"));
  const pugi::xml_node mean = Find(reader.root(), "Mean_Sun_Angle");
  if (!mean) {
    reader.Fail("element Mean_Sun_Angle is missing");
    return;
  }
  tile.mean_sun_zenith_deg = reader.ToNumber(TextOf(Find(mean, "ZENITH_ANGLE")), "Mean_Sun_Angle/ZENITH_ANGLE");
  tile.mean_sun_azimuth_deg = reader.ToNumber(TextOf(Find(mean, "AZIMUTH_ANGLE")), "Mean_Sun_Angle/AZIMUTH_ANGLE");
  if (IsEmpty(tile.sun)) {
    tile.sun = {};
    tile.notes.push_back("sun angles: the scene mean, because the grid is missing");
  }
}

void ReadView(XmlReader& reader, SafeTileMetadata& tile) {
  ForEach(reader.root(), "Viewing_Incidence_Angles_Grids", [&](const pugi::xml_node& node) {
    const int band = BandOf(node, reader);
    if (band >= 0) Merge(ReadAngleGrid(node), tile.view[band]);
  });
  std::array<bool, kSentinel2Bands> has_mean = {};
  ForEach(reader.root(), "Mean_Viewing_Incidence_Angle", [&](const pugi::xml_node& node) {
    const int band = BandOf(node, reader);
    if (band < 0) return;
    tile.mean_view_zenith_deg[band] = Find(node, "ZENITH_ANGLE").text().as_double(std::nan(""));
    tile.mean_view_azimuth_deg[band] = Find(node, "AZIMUTH_ANGLE").text().as_double(std::nan(""));
    has_mean[band] = std::isfinite(tile.mean_view_zenith_deg[band]) && std::isfinite(tile.mean_view_azimuth_deg[band]);
  });
  int without_grid = 0, without_mean = 0;
  for (int band = 0; band < kSentinel2Bands; ++band) {
    if (IsEmpty(tile.view[band])) {
      tile.view[band] = {};
      ++without_grid;
    }
    if (!has_mean[band]) {
      tile.mean_view_zenith_deg[band] = tile.mean_view_azimuth_deg[band] = 0;
      ++without_mean;
    }
  }
  if (without_grid > 0) {
    tile.notes.push_back(absl::StrCat("view angles of ", without_grid, " bands: the band mean, because the grid is missing"));
  }
  if (without_mean > 0) {
    tile.notes.push_back(absl::StrCat("view angles of ", without_mean, " bands: nadir, because the mean is missing too"));
  }
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
    product.earth_sun_u = Find(conversion, "U").text().as_double(1);
  }
  ForEach(document, "SOLAR_IRRADIANCE", [&](const pugi::xml_node& node) {
    if (const int band = BandOf(node, reader); band >= 0) product.solar_irradiance[band] = node.text().as_double();
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
    const int value = Find(node, "SPECIAL_VALUE_INDEX").text().as_int(-1);
    if (value < 0 || value > 65535) return;
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
  ReadSun(reader, tile);
  ReadView(reader, tile);
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
