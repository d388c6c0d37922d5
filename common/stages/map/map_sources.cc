#include "common/stages/map/map_sources.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/geo/transform.h"
#include "common/stages/node_grid.h"

namespace arpent::stages {
namespace {

constexpr double kPixel_m = 10;
// 10 m along the meridian within 0.6 % at any latitude: maps of all sites in degrees share one lattice.
constexpr double kPixel_deg = 9e-5;

struct LayerSource {
  const char* layer;
  const char* role;  // of the input
  const char* asset;
  bool wide;
};
constexpr LayerSource kLayers[] = {{"CT", "crop-type", "CT", true},          {"CT_RAW", "crop-type", "CT_RAW", true},
                                   {"CONF", "crop-type", "CONF", false},     {"CM", "crop-mask", "CM", false},
                                   {"CM_RAW", "crop-mask", "CM_RAW", false}, {"CM_CONF", "crop-mask", "CONF", false}};

absl::StatusOr<int> EpsgOf(const std::string& crs, const std::vector<MapTile>& tiles) {
  if (crs.empty()) {
    std::map<int, int> counts;
    for (const MapTile& tile : tiles) ++counts[tile.grid.epsg];
    return std::max_element(counts.begin(), counts.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
  }
  int epsg = 0;
  if (!absl::SimpleAtoi(absl::StripPrefix(crs, "EPSG:"), &epsg) || epsg <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("map: crs '", crs, "' is not of the form EPSG:32637"));
  }
  return epsg;
}

// The part of a tile's grid that it can own, in its own CRS; west > east when there is none.
geo::Extent OwnedExtent(const MapTile& tile) {
  geo::Extent extent = tile.grid.extent();
  if (!tile.ownership.has_value()) return extent;
  const auto id = geo::TileId::Parse(tile.name);
  const geo::Extent square = id->Square();
  return {std::max(extent.west, square.west), std::max(extent.south, square.south), std::min(extent.east, square.east),
          std::min(extent.north, square.north)};
}

geo::Extent Union(const geo::Extent& a, const geo::Extent& b) {
  return {std::min(a.west, b.west), std::min(a.south, b.south), std::max(a.east, b.east), std::max(a.north, b.north)};
}

// The map's grid, and each tile's place in it.
absl::Status LayOut(int epsg, MapSources& sources) {
  const absl::StatusOr<bool> degrees = geo::IsGeographic(epsg);
  if (!degrees.ok()) return Annotate(degrees.status(), "map: crs");
  sources.in_degrees = *degrees;
  const double pixel = *degrees ? kPixel_deg : kPixel_m;
  std::vector<geo::Extent> extents;
  geo::Extent all = {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(),
                     -std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const MapTile& tile : sources.tiles) {
    const geo::Extent own = OwnedExtent(tile);
    geo::Extent extent = own;
    if (own.west < own.east && own.south < own.north && tile.grid.epsg != epsg) {
      ARPENT_ASSIGN_OR_RETURN(extent, geo::TransformExtent(own, tile.grid.epsg, epsg));
      const double stretch = (extent.east - extent.west) / (own.east - own.west);
      if (!*degrees && !(stretch > 0.3 && stretch < 2.5)) {
        return absl::InvalidArgumentError(absl::StrCat("map: crs EPSG:", epsg, " is neither in metres nor in degrees around tile ",
                                                       tile.name, "; choose another one"));
      }
    }
    extents.push_back(extent);
    if (extent.west < extent.east && extent.south < extent.north) all = Union(all, extent);
  }
  if (!(all.west < all.east)) return absl::OkStatus();  // an empty grid
  const double west = std::floor(all.west / pixel) * pixel, north = std::ceil(all.north / pixel) * pixel;
  sources.grid = {epsg,
                  west,
                  north,
                  pixel,
                  static_cast<int>(std::ceil((all.east - west) / pixel)),
                  static_cast<int>(std::ceil((north - all.south) / pixel))};
  for (size_t i = 0; i < extents.size(); ++i) {
    const geo::Extent& e = extents[i];
    if (e.west >= e.east || e.south >= e.north) continue;
    const int x = static_cast<int>(std::floor((e.west - west) / pixel)) - 1;
    const int y = static_cast<int>(std::floor((north - e.north) / pixel)) - 1;
    const int right = static_cast<int>(std::ceil((e.east - west) / pixel)) + 1;
    const int bottom = static_cast<int>(std::ceil((north - e.south) / pixel)) + 1;
    sources.tiles[i].place = geo::Intersection({x, y, right - x, bottom - y}, sources.grid.Whole());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MapSources> OpenMapSources(const TaskSpec& task, const StageContext& context, const std::string& crs) {
  MapSources sources;
  std::map<std::string, MapTile> tiles;
  std::map<std::string, std::map<int, product::CodeClass>> classes;  // by layer and code
  for (const TaskInput& input : task.inputs) {
    if (input.role != "crop-mask" && input.role != "crop-type") continue;
    ARPENT_ASSIGN_OR_RETURN(const product::ProductDescription description,
                            product::ReadDescription(*context.stores, input.uri));
    ARPENT_ASSIGN_OR_RETURN(const product::PublishedProduct product,
                            product::ReadPublished(*context.stores, input.uri));
    ARPENT_ASSIGN_OR_RETURN(const auto legends, product::ReadClasses(*context.stores, input.uri));
    MapTile& tile = tiles[description.tile];
    for (const LayerSource& layer : kLayers) {
      const bool has = std::any_of(product.assets.begin(), product.assets.end(),
                                   [&](const product::PublishedAsset& asset) { return asset.name == layer.asset; });
      if (input.role != layer.role || !has) continue;
      ARPENT_ASSIGN_OR_RETURN(
          auto reader, product::RasterReader::Open(context.stores, absl::StrCat(input.uri, "/", layer.asset, ".tif")));
      if (tile.readers.empty()) tile.grid = reader->grid();
      if (!(reader->grid() == tile.grid)) {
        return absl::InvalidArgumentError(absl::StrCat(
            input.uri, ": ", layer.asset, " has another grid than the other ", "rasters of tile ", description.tile));
      }
      tile.readers[layer.layer] = std::move(reader);
      if (const auto legend = legends.find(layer.asset); legend != legends.end()) {
        for (const product::CodeClass& entry : legend->second) classes[layer.layer].emplace(entry.value, entry);
      }
    }
  }
  for (auto& [name, tile] : tiles) {
    if (tile.readers.empty()) continue;
    tile.name = name;
    if (const auto id = geo::TileId::Parse(name); id.ok() && id->epsg() == tile.grid.epsg) {
      ARPENT_ASSIGN_OR_RETURN(tile.ownership, geo::Ownership::Of(*id));
    }
    sources.tiles.push_back(std::move(tile));
  }
  if (sources.tiles.empty()) return sources;
  for (const LayerSource& layer : kLayers) {
    const bool has = std::any_of(sources.tiles.begin(), sources.tiles.end(),
                                 [&](const MapTile& tile) { return tile.readers.count(layer.layer) != 0; });
    if (!has) continue;
    sources.layers.push_back({layer.layer, layer.wide, {}});
    for (const auto& [code, entry] : classes[layer.layer]) sources.layers.back().classes.push_back(entry);
  }
  ARPENT_ASSIGN_OR_RETURN(const int epsg, EpsgOf(crs, sources.tiles));
  const absl::Status laid_out = LayOut(epsg, sources);
  if (!laid_out.ok()) return laid_out;
  return sources;
}

absl::StatusOr<PixelSources> FindSources(const MapSources& sources, const geo::Window& window) {
  PixelSources found = {raster::Image<int16_t>(window.width, window.height, -1),
                        raster::Image<int32_t>(window.width, window.height),
                        raster::Image<int32_t>(window.width, window.height)};
  std::map<int, NodeGrid> nodes;  // by CRS
  for (size_t i = 0; i < sources.tiles.size(); ++i) {
    const MapTile& tile = sources.tiles[i];
    const geo::Window part = geo::Intersection(window, tile.place);
    if (part.width <= 0 || part.height <= 0) continue;
    if (nodes.count(tile.grid.epsg) == 0) {
      ARPENT_ASSIGN_OR_RETURN(NodeGrid grid, NodeGrid::Create(sources.grid, window, tile.grid.epsg));
      nodes.emplace(tile.grid.epsg, std::move(grid));
    }
    const NodeGrid& grid = nodes.at(tile.grid.epsg);
    for (int y = part.y - window.y; y < part.y - window.y + part.height; ++y) {
      for (int x = part.x - window.x; x < part.x - window.x + part.width; ++x) {
        if (found.tile(x, y) >= 0) continue;
        double east, north;
        grid.At(x, y, east, north);
        if (tile.ownership.has_value() && !tile.ownership->Owns(east, north)) continue;
        const double column = std::floor((east - tile.grid.west) / tile.grid.pixel_m);
        const double row = std::floor((tile.grid.north - north) / tile.grid.pixel_m);
        if (!(column >= 0 && column < tile.grid.width && row >= 0 && row < tile.grid.height)) continue;
        found.tile(x, y) = static_cast<int16_t>(i);
        found.x(x, y) = static_cast<int32_t>(column);
        found.y(x, y) = static_cast<int32_t>(row);
      }
    }
  }
  return found;
}

template <typename T>
absl::StatusOr<raster::Image<T>> ReadLayer(const MapSources& sources, const PixelSources& pixels,
                                           const std::string& layer, T none) {
  raster::Image<T> out(pixels.tile.width(), pixels.tile.height(), none);
  struct Box {
    int left = std::numeric_limits<int>::max(), top = std::numeric_limits<int>::max(), right = -1, bottom = -1;
  };
  std::map<int, Box> boxes;  // what is needed of each tile
  for (size_t i = 0; i < pixels.tile.size(); ++i) {
    const int tile = pixels.tile.data()[i];
    if (tile < 0) continue;
    Box& box = boxes[tile];
    box.left = std::min(box.left, pixels.x.data()[i]);
    box.right = std::max(box.right, pixels.x.data()[i]);
    box.top = std::min(box.top, pixels.y.data()[i]);
    box.bottom = std::max(box.bottom, pixels.y.data()[i]);
  }
  for (const auto& [tile, box] : boxes) {
    const auto reader = sources.tiles[tile].readers.find(layer);
    if (reader == sources.tiles[tile].readers.end()) continue;
    raster::Image<T> source(box.right - box.left + 1, box.bottom - box.top + 1);
    ARPENT_RETURN_IF_ERROR(
        reader->second->Read({box.left, box.top, source.width(), source.height()}, none, source.view()));
    for (size_t i = 0; i < pixels.tile.size(); ++i) {
      if (pixels.tile.data()[i] != tile) continue;
      out.data()[i] = source(pixels.x.data()[i] - box.left, pixels.y.data()[i] - box.top);
    }
  }
  return out;
}

template absl::StatusOr<raster::Image<uint8_t>> ReadLayer(const MapSources&, const PixelSources&, const std::string&,
                                                          uint8_t);
template absl::StatusOr<raster::Image<uint16_t>> ReadLayer(const MapSources&, const PixelSources&, const std::string&,
                                                           uint16_t);

}  // namespace arpent::stages
