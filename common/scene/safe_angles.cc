#include "common/scene/safe_angles.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace arpent::scene {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr double kMostFromSun_deg = 5;    // of zenith, between nodes and their median: a tile spans 1 degree of the Earth
constexpr double kLowSun_deg = 75;        // a mean beyond it is refused for that, whatever the grid says
constexpr double kMostFromView_deg = 15;  // the field of view

// What could not be read of the angle grids of a product.
struct Defects {
  int nodes = 0;  // no numbers, or no possible angles
  int grids = 0;  // whose rows have different lengths

  std::string Describe() const {
    std::string text;
    if (nodes > 0) absl::StrAppend(&text, nodes, nodes == 1 ? " node" : " nodes", " of the grid cannot be read: taken from around it");
    if (grids > 0) absl::StrAppend(&text, text.empty() ? "" : "; ", grids, grids == 1 ? " grid is" : " grids are", " ragged and left out");
    return text;
  }
};

double NumberOrNaN(const pugi::xml_node& node) {
  double value = 0;
  return absl::SimpleAtod(TextOf(node), &value) && std::isfinite(value) ? value : kNaN;
}

// One Zenith or Azimuth list; empty when it is absent or ragged. "NaN" says that the sensor did not look; other words that are no
// numbers are defects.
raster::Image<float> ReadValues(const pugi::xml_node& angle, double most_deg, Defects& defects) {
  std::vector<std::vector<float>> rows;
  ForEach(angle, "VALUES", [&](const pugi::xml_node& node) {
    std::vector<float> row;
    for (absl::string_view word : absl::StrSplit(TextOf(node), absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty())) {
      float value = kNaN;
      const bool number = absl::SimpleAtof(word, &value) && (std::isnan(value) || (value >= -360 && value <= most_deg));
      defects.nodes += !number;
      row.push_back(number ? value : kNaN);
    }
    rows.push_back(std::move(row));
  });
  if (std::all_of(rows.begin(), rows.end(), [](const auto& row) { return row.empty(); })) return {};
  const size_t width = rows.front().size();
  if (std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.size() != width; })) {
    ++defects.grids;
    return {};
  }
  raster::Image<float> image(static_cast<int>(width), static_cast<int>(rows.size()), kNaN);
  for (size_t y = 0; y < rows.size(); ++y) std::copy(rows[y].begin(), rows[y].end(), image.row(static_cast<int>(y)).begin());
  return image;
}

AngleGrid ReadAngleGrid(const pugi::xml_node& node, Defects& defects) {
  AngleGrid grid;
  grid.zenith_deg = ReadValues(Find(node, "Zenith"), 180, defects);
  grid.azimuth_deg = ReadValues(Find(node, "Azimuth"), 720, defects);
  if (const pugi::xml_node step = Find(node, "COL_STEP")) grid.step_m = NumberOrNaN(step);
  const bool same = grid.zenith_deg.width() == grid.azimuth_deg.width() && grid.zenith_deg.height() == grid.azimuth_deg.height();
  if (same && grid.step_m > 0) return grid;
  defects.grids += same && !grid.zenith_deg.empty();
  return AngleGrid{};
}

bool HasNode(const AngleGrid& grid, size_t i) {
  return std::isfinite(grid.zenith_deg.data()[i]) && std::isfinite(grid.azimuth_deg.data()[i]);
}

std::vector<float> ZenithsOf(const AngleGrid& grid) {
  std::vector<float> zeniths;
  for (size_t i = 0; i < grid.zenith_deg.size(); ++i) {
    if (HasNode(grid, i)) zeniths.push_back(grid.zenith_deg.data()[i]);
  }
  return zeniths;
}

// NaN when there is no node.
float MedianZenith(const AngleGrid& grid) {
  std::vector<float> zeniths = ZenithsOf(grid);
  if (zeniths.empty()) return kNaN;
  std::nth_element(zeniths.begin(), zeniths.begin() + zeniths.size() / 2, zeniths.end());
  return zeniths[zeniths.size() / 2];
}

// Nodes that no neighbours of one scene can have are left out.
void DropOutliers(double most_deg, AngleGrid& grid, Defects& defects) {
  const float median = MedianZenith(grid);
  for (size_t i = 0; i < grid.zenith_deg.size(); ++i) {
    if (!HasNode(grid, i) || std::abs(grid.zenith_deg.data()[i] - median) <= most_deg) continue;
    grid.zenith_deg.data()[i] = kNaN;
    ++defects.nodes;
  }
}

// Nodes that `into` lacks are taken from `from`.
void Merge(const AngleGrid& from, AngleGrid& into, Defects& defects) {
  if (from.zenith_deg.empty()) return;
  if (into.zenith_deg.empty()) {
    into = from;
    return;
  }
  if (from.zenith_deg.width() != into.zenith_deg.width() || from.zenith_deg.height() != into.zenith_deg.height()) {
    ++defects.grids;
    return;
  }
  for (size_t i = 0; i < into.zenith_deg.size(); ++i) {
    if (HasNode(into, i)) continue;
    into.zenith_deg.data()[i] = from.zenith_deg.data()[i];
    into.azimuth_deg.data()[i] = from.azimuth_deg.data()[i];
  }
}

void Note(const char* angles, const Defects& defects, SafeTileMetadata& tile) {
  if (defects.nodes + defects.grids > 0) tile.notes.push_back(absl::StrCat(angles, " angles: ", defects.Describe()));
}

}  // namespace

int BandOf(const pugi::xml_node& node, XmlReader& reader) {
  const pugi::xml_attribute id = node.attribute("bandId") ? node.attribute("bandId") : node.attribute("band_id");
  int band = -1;
  if (!absl::SimpleAtoi(id.value(), &band) || band < 0 || band >= kSentinel2Bands) {
    reader.Fail(absl::StrCat(LocalName(node), ": bandId is missing or none of 0..12"));
    return -1;
  }
  return band;
}

void ReadSunAngles(XmlReader& reader, SafeTileMetadata& tile) {
  const pugi::xml_node mean = Find(reader.root(), "Mean_Sun_Angle");
  if (!mean) {
    reader.Fail("element Mean_Sun_Angle is missing");
    return;
  }
  tile.mean_sun_zenith_deg = reader.ToNumber(TextOf(Find(mean, "ZENITH_ANGLE")), "Mean_Sun_Angle/ZENITH_ANGLE");
  tile.mean_sun_azimuth_deg = reader.ToNumber(TextOf(Find(mean, "AZIMUTH_ANGLE")), "Mean_Sun_Angle/AZIMUTH_ANGLE");
  Defects defects;
  tile.sun = ReadAngleGrid(Find(reader.root(), "Sun_Angles_Grid"), defects);
  DropOutliers(kMostFromSun_deg, tile.sun, defects);
  const float median = MedianZenith(tile.sun);
  if (std::isnan(median)) {
    tile.sun = {};
  } else if (tile.mean_sun_zenith_deg < kLowSun_deg && std::abs(median - tile.mean_sun_zenith_deg) > kMostFromSun_deg) {
    reader.Fail(absl::StrFormat("Mean_Sun_Angle/ZENITH_ANGLE is %.1f, but Sun_Angles_Grid is around %.1f", tile.mean_sun_zenith_deg, median));
  }
  Note("sun", defects, tile);
}

void ReadViewAngles(XmlReader& reader, SafeTileMetadata& tile) {
  Defects defects;
  ForEach(reader.root(), "Viewing_Incidence_Angles_Grids", [&](const pugi::xml_node& node) {
    const int band = BandOf(node, reader);
    if (band >= 0) Merge(ReadAngleGrid(node, defects), tile.view[band], defects);
  });
  std::array<bool, kSentinel2Bands> has_mean = {};
  ForEach(reader.root(), "Mean_Viewing_Incidence_Angle", [&](const pugi::xml_node& node) {
    const int band = BandOf(node, reader);
    if (band < 0) return;
    tile.mean_view_zenith_deg[band] = NumberOrNaN(Find(node, "ZENITH_ANGLE"));
    tile.mean_view_azimuth_deg[band] = NumberOrNaN(Find(node, "AZIMUTH_ANGLE"));
    has_mean[band] = tile.mean_view_zenith_deg[band] >= 0 && std::isfinite(tile.mean_view_azimuth_deg[band]);
  });
  int nadir = 0, by_grid = 0;
  for (int band = 0; band < kSentinel2Bands; ++band) {
    DropOutliers(kMostFromView_deg, tile.view[band], defects);
    const float median = MedianZenith(tile.view[band]);
    if (std::isnan(median)) tile.view[band] = {};
    if (has_mean[band]) continue;
    tile.mean_view_azimuth_deg[band] = 0;
    tile.mean_view_zenith_deg[band] = 0;
    if (std::isnan(median)) {
      ++nadir;
      continue;
    }
    ++by_grid;
    const AngleGrid& grid = tile.view[band];
    for (size_t i = 0; i < grid.zenith_deg.size(); ++i) {
      if (!HasNode(grid, i) || grid.zenith_deg.data()[i] != median) continue;
      tile.mean_view_zenith_deg[band] = median;
      tile.mean_view_azimuth_deg[band] = grid.azimuth_deg.data()[i];
    }
  }
  Note("view", defects, tile);
  if (by_grid > 0) tile.notes.push_back(absl::StrCat("view angles: the mean of ", by_grid, " bands is missing, the grid's median instead"));
  if (nadir > 0) tile.notes.push_back(absl::StrCat("view angles of ", nadir, " bands: nadir, because grid and mean are missing"));
}

}  // namespace arpent::scene
