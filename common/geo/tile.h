// Sentinel-2 tiles: MGRS 100 km squares gridded as ESA does it (rule in docs/algorithms/tile-grid.md), and which tile
// owns a point.
#ifndef ARPENT_COMMON_GEO_TILE_H_
#define ARPENT_COMMON_GEO_TILE_H_

#include <compare>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/geo/grid.h"

namespace arpent::geo {

inline constexpr int kTilePixels10m = 10980;
// A part is the unit that may move between workers; kPartsPerSide x kPartsPerSide of them make a tile.
inline constexpr int kPartPixels10m = 3072;
inline constexpr int kPartsPerSide = 4;

// "33TVL": zone, latitude band, column letter, row letter.
class TileId {
 public:
  // Accepts "33TVL" and "T33TVL". INVALID_ARGUMENT when it is not the name of a square.
  static absl::StatusOr<TileId> Parse(absl::string_view name);

  const std::string& name() const { return name_; }
  int zone() const;
  bool north() const;
  int epsg() const;

  // The whole tile at `pixel_m` (10, 20 or 60): 109.8 km square.
  Grid GridAt(double pixel_m) const;
  // The 100 km MGRS square itself, in the tile's UTM zone (m).
  Extent Square() const;
  // A square that straddles two latitude bands has two names ("32TPU" and "32UPU"): whether both name one square.
  bool SameSquare(const TileId& other) const;

  friend bool operator==(const TileId&, const TileId&) = default;
  friend auto operator<=>(const TileId&, const TileId&) = default;

 private:
  explicit TileId(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

// The tile whose MGRS square, cut at its zone edge, holds the point (degrees, WGS 84); the band letter is that of the
// square's centre.
// INVALID_ARGUMENT outside latitudes -80..84.
absl::StatusOr<TileId> OwnerOf(double longitude_deg, double latitude_deg);

// Which pixels of a tile are its own: those whose centre lies in its MGRS square, cut at the edge of its UTM zone. The
// square is half open (west and south edges belong to it), so that neighbours share no pixel centre.
class Ownership {
 public:
  static absl::StatusOr<Ownership> Of(const TileId& tile);

  // Columns [first, last) of row `y` of a grid in the tile's own CRS that the tile owns; first == last when none.
  struct Columns {
    int first = 0, last = 0;
  };
  Columns OwnedColumns(const Grid& grid, int y) const;
  // Whether the tile owns the point (m, in the tile's own CRS).
  bool Owns(double x, double y) const;

 private:
  Ownership() = default;
  Extent square_;
  // Easting of the zone's west and east edge at kEdgeNodes northings from the square's south to its north.
  std::vector<double> west_edge_, east_edge_;
  double EdgeAt(const std::vector<double>& edge, double y) const;
};

// Tiles whose MGRS square (cut at its zone edge) touches the longitude/latitude box, sorted by name.
absl::StatusOr<std::vector<TileId>> TilesTouching(double west_deg, double south_deg, double east_deg, double north_deg);

}  // namespace arpent::geo

#endif  // ARPENT_COMMON_GEO_TILE_H_
