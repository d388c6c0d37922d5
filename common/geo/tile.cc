#include "common/geo/tile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/geo/transform.h"

namespace arpent::geo {
namespace {

constexpr absl::string_view kBands = "CDEFGHJKLMNPQRSTUVWX";  // 8 degrees each from 80 S; X has 12
constexpr absl::string_view kRows = "ABCDEFGHJKLMNPQRSTUV";   // 20 letters, even zones begin at F
constexpr std::array<absl::string_view, 3> kColumns = {"STUVWXYZ", "ABCDEFGH", "JKLMNPQR"};  // by zone mod 3
constexpr double kSquare_m = 100000, kRowCycle_m = 2000000, kSouthFalseNorthing_m = 10000000;
constexpr int kWgs84 = 4326;
constexpr int kEdgeNodes = 21;
constexpr double kDegree = M_PI / 180;

// Northing of the central meridian at a latitude, scale included; negative in the south (WGS 84; Snyder 1987, eq. 3-21).
double MeridianNorthing(double latitude_deg) {
  constexpr double a = 6378137.0, e2 = 0.0066943799901413165;
  const double p = latitude_deg * kDegree;
  const double e4 = e2 * e2, e6 = e4 * e2;
  return 0.9996 * a *
         ((1 - e2 / 4 - 3 * e4 / 64 - 5 * e6 / 256) * p - (3 * e2 / 8 + 3 * e4 / 32 + 45 * e6 / 1024) * std::sin(2 * p) +
          (15 * e4 / 256 + 45 * e6 / 1024) * std::sin(4 * p) - (35 * e6 / 3072) * std::sin(6 * p));
}

int UtmEpsg(int zone, bool north) { return (north ? 32600 : 32700) + zone; }

struct Degrees {
  double west, east;
};

// The zone's edges at a latitude, with the exceptions of Norway (32V) and Svalbard (31X to 37X).
Degrees ZoneEdges(int zone, char band) {
  const double west = -180 + 6.0 * (zone - 1);
  if (band == 'V' && zone == 31) return {0, 3};
  if (band == 'V' && zone == 32) return {3, 12};
  if (band == 'X') {
    switch (zone) {
      case 31: return {0, 9};
      case 33: return {9, 21};
      case 35: return {21, 33};
      case 37: return {33, 42};
      case 32: case 34: case 36: return {0, 0};  // no such zone up there
      default: break;
    }
  }
  return {west, west + 6};
}

char BandOf(double latitude_deg) {
  return kBands[std::clamp(static_cast<int>(std::floor((latitude_deg + 80) / 8)), 0, 19)];
}

int ZoneOf(double longitude_deg, char band) {
  double wrapped = std::fmod(longitude_deg + 180, 360);
  if (wrapped < 0) wrapped += 360;
  const double longitude = wrapped - 180;
  const int zone = std::min(60, static_cast<int>(wrapped / 6) + 1);
  for (const int candidate : {zone, zone + 1, zone - 1}) {
    if (candidate < 1 || candidate > 60) continue;
    const Degrees edges = ZoneEdges(candidate, band);
    if (longitude >= edges.west && longitude < edges.east) return candidate;
  }
  return zone;
}

// A square that straddles two latitude bands has two MGRS names; we use the band of its centre.
char BandOfSquare(double northing_from_equator_m) {
  const double centre = (std::floor(northing_from_equator_m / kSquare_m) + 0.5) * kSquare_m;
  size_t band = kBands.size() - 1;
  while (band > 0 && MeridianNorthing(-80 + 8.0 * band) > centre) --band;
  return kBands[band];
}

std::string SquareName(int zone, double easting_m, double northing_from_equator_m) {
  const int column = static_cast<int>(std::floor(easting_m / kSquare_m)) - 1;
  int row = static_cast<int>(std::floor(northing_from_equator_m / kSquare_m)) % 20;
  if (row < 0) row += 20;
  if (zone % 2 == 0) row = (row + 5) % 20;
  if (column < 0 || column > 7) return "";
  return absl::StrFormat("%02d%c%c%c", zone, BandOfSquare(northing_from_equator_m), kColumns[zone % 3][column], kRows[row]);
}

}  // namespace

absl::StatusOr<TileId> TileId::Parse(absl::string_view name) {
  const absl::string_view bare = name.size() == 6 ? absl::StripPrefix(name, "T") : name;
  const auto invalid = [&] {
    return absl::InvalidArgumentError(absl::StrCat("'", name, "' is not a tile; write it as 33TVL"));
  };
  if (bare.size() != 5 || !absl::ascii_isdigit(bare[0]) || !absl::ascii_isdigit(bare[1])) return invalid();
  const int zone = (bare[0] - '0') * 10 + (bare[1] - '0');
  if (zone < 1 || zone > 60 || kBands.find(bare[2]) == absl::string_view::npos ||
      kColumns[zone % 3].find(bare[3]) == absl::string_view::npos || kRows.find(bare[4]) == absl::string_view::npos) {
    return invalid();
  }
  return TileId(std::string(bare));
}

int TileId::zone() const { return (name_[0] - '0') * 10 + (name_[1] - '0'); }
bool TileId::north() const { return name_[2] >= 'N'; }
int TileId::epsg() const { return UtmEpsg(zone(), north()); }

Extent TileId::Square() const {
  const double west = (kColumns[zone() % 3].find(name_[3]) + 1) * kSquare_m;
  const int letter = static_cast<int>(kRows.find(name_[4]));
  const int row = zone() % 2 == 0 ? (letter + 15) % 20 : letter;
  const double band_south = MeridianNorthing(-80 + 8.0 * kBands.find(name_[2]));
  // A square may begin below its band; in band C the rows begin far below.
  const double lowest = band_south - (name_[2] == 'C' ? 600000 : 120000);
  const double cycles = std::ceil((lowest - row * kSquare_m) / kRowCycle_m);
  double south = row * kSquare_m + cycles * kRowCycle_m;
  if (!north()) south += kSouthFalseNorthing_m;
  return {west, south, west + kSquare_m, south + kSquare_m};
}

bool TileId::SameSquare(const TileId& other) const {
  return zone() == other.zone() && north() == other.north() && Square() == other.Square();
}

Grid TileId::GridAt(double pixel_m) const {
  const Extent square = Square();
  // ESA snaps to 60 m counted from the equator, then adds the false northing of the south.
  const double north_from_equator = square.north - (north() ? 0 : kSouthFalseNorthing_m);
  Grid grid;
  grid.epsg = epsg();
  grid.west = std::floor(square.west / 60) * 60;
  grid.north = std::ceil(north_from_equator / 60) * 60 + (north() ? 0 : kSouthFalseNorthing_m);
  grid.pixel_m = pixel_m;
  grid.width = grid.height = static_cast<int>(std::lround(kTilePixels10m * 10 / pixel_m));
  return grid;
}

absl::StatusOr<TileId> OwnerOf(double longitude_deg, double latitude_deg) {
  if (!(latitude_deg >= -80 && latitude_deg <= 84) || !std::isfinite(longitude_deg)) {
    return absl::InvalidArgumentError(
        absl::StrCat("no tile owns longitude ", longitude_deg, ", latitude ", latitude_deg));
  }
  const char band = BandOf(latitude_deg);
  const int zone = ZoneOf(longitude_deg, band);
  ARPENT_ASSIGN_OR_RETURN(const Transform to_utm, Transform::Create(kWgs84, UtmEpsg(zone, true)));
  double x = longitude_deg, y = latitude_deg;
  to_utm.Forward(x, y);
  return TileId::Parse(SquareName(zone, x, y));
}

absl::StatusOr<Ownership> Ownership::Of(const TileId& tile) {
  Ownership ownership;
  ownership.square_ = tile.Square();
  ARPENT_ASSIGN_OR_RETURN(const Transform to_degrees, Transform::Create(tile.epsg(), kWgs84));
  ARPENT_ASSIGN_OR_RETURN(const Transform to_utm, Transform::Create(kWgs84, tile.epsg()));
  for (int node = 0; node < kEdgeNodes; ++node) {
    const double y = ownership.square_.south + kSquare_m * node / (kEdgeNodes - 1);
    double longitude = (ownership.square_.west + ownership.square_.east) / 2, latitude = y;
    to_degrees.Forward(longitude, latitude);
    const Degrees edges = ZoneEdges(tile.zone(), BandOf(latitude));
    for (const bool west : {true, false}) {
      // The meridian's easting at exactly this northing: one step of latitude correction is enough (error below 1 m).
      double edge_x = west ? edges.west : edges.east, edge_y = latitude;
      to_utm.Forward(edge_x, edge_y);
      edge_x = west ? edges.west : edges.east;
      double corrected = latitude + (y - edge_y) / 111000.0;
      to_utm.Forward(edge_x, corrected);
      (west ? ownership.west_edge_ : ownership.east_edge_).push_back(edge_x);
    }
  }
  return ownership;
}

double Ownership::EdgeAt(const std::vector<double>& edge, double y) const {
  const double position = std::clamp((y - square_.south) / kSquare_m * (kEdgeNodes - 1), 0.0, kEdgeNodes - 1.0);
  const int node = std::min(static_cast<int>(position), kEdgeNodes - 2);
  return edge[node] + (edge[node + 1] - edge[node]) * (position - node);
}

bool Ownership::Owns(double x, double y) const {
  if (x < square_.west || x >= square_.east || y < square_.south || y >= square_.north) return false;
  return x >= EdgeAt(west_edge_, y) && x < EdgeAt(east_edge_, y);
}

Ownership::Columns Ownership::OwnedColumns(const Grid& grid, int row) const {
  const double y = grid.CentreY(row);
  if (y < square_.south || y >= square_.north) return {};
  const double west = std::max(square_.west, EdgeAt(west_edge_, y));
  const double east = std::min(square_.east, EdgeAt(east_edge_, y));
  // First column whose centre is not west of `west`.
  const auto first_at = [&grid](double edge) {
    return std::clamp(static_cast<int>(std::ceil((edge - grid.west) / grid.pixel_m - 0.5)), 0, grid.width);
  };
  const int first = first_at(west), last = first_at(east);
  return first < last ? Columns{first, last} : Columns{};
}

absl::StatusOr<std::vector<TileId>> TilesTouching(double west_deg, double south_deg, double east_deg, double north_deg) {
  // A square cut by a zone edge may be a sliver; steps of a kilometre or so find all that matter, and the box's own edges
  // and corners are always looked at.
  constexpr double kStep = 0.02;
  std::set<TileId> tiles;
  const int columns = std::max(1, static_cast<int>(std::ceil((east_deg - west_deg) / kStep)));
  const int rows = std::max(1, static_cast<int>(std::ceil((north_deg - south_deg) / kStep)));
  if (static_cast<int64_t>(columns) * rows > 4000000) {
    return absl::InvalidArgumentError("the area is larger than 40 by 40 degrees; split the site");
  }
  for (int i = 0; i <= columns; ++i) {
    const double longitude = west_deg + (east_deg - west_deg) * i / columns;
    std::vector<double> x(rows + 1, longitude), y(rows + 1), latitudes(rows + 1);
    for (int j = 0; j <= rows; ++j) y[j] = latitudes[j] = south_deg + (north_deg - south_deg) * j / rows;
    for (int j = 0; j <= rows;) {
      // Points of one zone are transformed together.
      const char band = BandOf(latitudes[j]);
      const int zone = ZoneOf(longitude, band);
      int end = j;
      while (end <= rows && BandOf(latitudes[end]) == band) ++end;
      ARPENT_ASSIGN_OR_RETURN(const Transform to_utm, Transform::Create(kWgs84, UtmEpsg(zone, true)));
      to_utm.Forward(std::span(x).subspan(j, end - j), std::span(y).subspan(j, end - j));
      for (; j < end; ++j) {
        if (const auto tile = TileId::Parse(SquareName(zone, x[j], y[j])); tile.ok()) tiles.insert(*tile);
      }
    }
  }
  return std::vector<TileId>(tiles.begin(), tiles.end());
}

}  // namespace arpent::geo
