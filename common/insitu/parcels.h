// In-situ parcels: polygons with crop / no crop, crop code and land cover, from GeoPackage, Shapefile or GeoJSON.
#ifndef ARPENT_COMMON_INSITU_PARCELS_H_
#define ARPENT_COMMON_INSITU_PARCELS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/parameters.h"
#include "common/geo/grid.h"
#include "common/insitu/legend.h"
#include "common/insitu/polygon.h"
#include "common/raster/image.h"
#include "common/storage/stores.h"

namespace arpent::insitu {

// Sen2Agri's columns by default. They are found in any case of letters ("code" for CODE).
struct ParcelOptions {
  std::string layer;  // "": the only or first one
  std::string id = "ID", crop = "CROP", land_cover = "LC", code = "CODE", irrigation = "IRRIGATION";
  std::vector<std::string> columns_named;  // by the site file: these must exist
  bool need_crop = false;                  // the crop mask cannot do without `crop`
  bool need_code = false;                  // nor crop type without `code`
  std::vector<LegendClass> legend;         // of the site; empty when there is none

  // From column_*, columns_named and layer of a stage's parameters.
  static absl::StatusOr<ParcelOptions> FromParameters(const Parameters& parameters);
};

struct Parcel {
  uint32_t number = 0;        // of the row in its file, from 0: unique and the same on every tile
  std::string id;             // column `id`, else the number
  std::optional<bool> crop;   // column `crop`; none when the column is absent or empty
  uint16_t code = 0;          // 0: no crop, or its code is unknown
  std::string label;          // what column `code` says (land cover when it says nothing)
  Polygon polygon;            // in the tile's CRS; empty when it lies elsewhere
  bool train = false, validate = false;  // set by SplitParcels; both when the class has too few polygons

  // 1, 0, or none when the file does not say; a crop code without column `crop` means crop.
  std::optional<uint16_t> MaskClass() const;
};

// Something wrong with one row.
struct RowIssue {
  uint32_t number = 0;
  std::string id;
  std::string problem;
  bool left_out = false;  // the parcel is not used
};

struct ParcelSet {
  std::vector<Parcel> parcels;       // usable ones, by number
  std::vector<LegendClass> legend;   // of every crop code in the file, ascending
  std::vector<RowIssue> issues;      // by number
  std::vector<std::string> warnings; // about classes
  uint32_t rows = 0;                 // of the file
};

// Reads every row; polygons that touch `grid` are transformed to its CRS. `uri` names a stored file. NOT_FOUND.
// INVALID_ARGUMENT naming file and field: no vector file, no such layer, a needed or named column that is absent (with the
// columns that exist), no CRS, no usable row. DATA_LOSS when it cannot be read to its end.
absl::StatusOr<ParcelSet> ReadParcels(const storage::StoreSet& stores, const std::string& uri,
                                      const ParcelOptions& options, const geo::Grid& grid);

// Divides the polygons of each class: floor(train_share * n + 0.5) train, the others validate; where either would be
// none, all of the class do both, with a warning. A class is the crop code, or the label of what is no crop. Decided by
// the seed and the polygons' numbers alone, the same on every machine and tile.
void SplitParcels(uint64_t seed, double train_share, ParcelSet& parcels);

// INVALID_ARGUMENT naming class and polygon when a crop code has only one: what learns from it could not be judged.
absl::Status CheckEnoughPolygons(const ParcelSet& parcels);

// Which parcel covers each pixel of a window.
inline constexpr int32_t kNoParcel = -1;
inline constexpr int32_t kSharedPixel = -2;  // two parcels or more: nobody knows whose it is
struct ParcelRaster {
  geo::Window window;
  raster::Image<int32_t> index;  // into ParcelSet::parcels, kNoParcel or kSharedPixel
  std::set<std::pair<int32_t, int32_t>> overlaps;  // pairs of indices that share a pixel, smaller first
};
ParcelRaster RasteriseParcels(const ParcelSet& parcels, const geo::Grid& grid, const geo::Window& window);

// Adds an issue for each pair; its shared pixels are not sampled.
void AddOverlapIssues(const std::set<std::pair<int32_t, int32_t>>& overlaps, ParcelSet& parcels);

// The issues as JSON, for the product.
std::string IssuesJson(const ParcelSet& parcels);

}  // namespace arpent::insitu

#endif  // ARPENT_COMMON_INSITU_PARCELS_H_
