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

  friend bool operator==(const TileId&, const TileId&) = default;
  friend auto operator<=>(const TileId&, const TileId&) = default;

 private:
  explicit TileId(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

// The tile whose MGRS square, cut at its zone edge, holds the point (degrees, WGS 84). INVALID_ARGUMENT outside
// latitudes -80..84.
absl::StatusOr<TileId> OwnerOf(double longitude_deg, double latitude_deg);

// Tiles whose MGRS square (cut at its zone edge) touches the longitude/latitude box, sorted by name.
absl::StatusOr<std::vector<TileId>> TilesTouching(double west_deg, double south_deg, double east_deg, double north_deg);

}  // namespace arpent::geo

#endif  // ARPENT_COMMON_GEO_TILE_H_
