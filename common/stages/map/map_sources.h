// The tiles of a map: which product rasters they bring, and from which tile and pixel each map pixel comes.
#ifndef ARPENT_COMMON_STAGES_MAP_MAP_SOURCES_H_
#define ARPENT_COMMON_STAGES_MAP_MAP_SOURCES_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/geo/tile.h"
#include "common/product/raster_reader.h"
#include "common/product/raster_writer.h"
#include "common/raster/image.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// One layer of the map: CT, CT_RAW, CONF of crop type; CM, CM_RAW, and CM_CONF (the mask's CONF) of the crop mask.
struct MapLayer {
  std::string name;
  bool wide = false;  // UInt16 (crop codes), else UInt8
  std::vector<product::CodeClass> classes;
};

struct MapTile {
  std::string name;
  geo::Grid grid;                           // of its products, in the tile's own CRS
  std::optional<geo::Ownership> ownership;  // none for what is no MGRS tile: it owns all of its grid
  std::map<std::string, std::unique_ptr<product::RasterReader>> readers;  // by layer
  geo::Window place;  // in the map; empty when the tile owns nothing of its grid
};

struct MapSources {
  std::vector<MapTile> tiles;    // by name
  std::vector<MapLayer> layers;  // that at least one tile has, in the order of the comment above
  geo::Grid grid;                // of the map: 10 m, or 9e-5 degrees
  bool in_degrees = false;
};

// `crs`: "EPSG:32637", or "" for the commonest CRS of the tiles (the smallest code of equals). INVALID_ARGUMENT when it
// is unknown or neither in metres nor in degrees, naming parameter crs; when a tile's products have different grids.
absl::StatusOr<MapSources> OpenMapSources(const TaskSpec& task, const StageContext& context, const std::string& crs);

// Source of each pixel of a map window.
struct PixelSources {
  raster::Image<int16_t> tile;  // index, -1: no tile owns the pixel
  raster::Image<int32_t> x, y;  // pixel of that tile's grid
};

// Exact in the tile's own CRS; elsewhere coordinates are transformed at every 32nd pixel and bilinear between (below
// 0.01 pixel). Windows must begin at multiples of 32. Thread-safe.
absl::StatusOr<PixelSources> FindSources(const MapSources& sources, const geo::Window& window);

// The pixels of one layer: `none` where no tile has it.
template <typename T>
absl::StatusOr<raster::Image<T>> ReadLayer(const MapSources& sources, const PixelSources& pixels,
                                           const std::string& layer, T none);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_MAP_MAP_SOURCES_H_
