// Strata: regions that have a crop model of their own, from polygons or a raster.
#ifndef ARPENT_COMMON_INSITU_STRATA_H_
#define ARPENT_COMMON_INSITU_STRATA_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/insitu/polygon.h"
#include "common/insitu/reference_map.h"
#include "common/raster/image.h"
#include "common/storage/stores.h"

namespace arpent::insitu {

inline constexpr uint16_t kNoStratum = 65535;
// The only stratum of a site that has none.
inline constexpr char kWholeSite[] = "all";

// Thread-safe.
class Strata {
 public:
  // One stratum, "all", everywhere.
  static Strata Whole();
  // `uri`: a polygon file whose `column` names the strata, or a raster whose codes are their names. Errors as ReadParcels.
  static absl::StatusOr<Strata> Read(const storage::StoreSet& stores, const std::string& uri, const std::string& column,
                                     const geo::Grid& grid);

  // Sorted; the names of all strata of the file.
  const std::vector<std::string>& names() const { return names_; }

  // Index into names() of each pixel of a window of the grid of Read, kNoStratum outside of all. Where two polygons
  // overlap, the first row of the file counts.
  absl::StatusOr<raster::Image<uint16_t>> Read(const geo::Window& window) const;

 private:
  struct Region {
    uint16_t stratum;
    Polygon polygon;
  };
  geo::Grid grid_;
  std::vector<std::string> names_;
  std::vector<Region> regions_;             // in order of rows
  std::shared_ptr<const ReferenceMap> map_;  // when the strata are a raster
  std::vector<int32_t> codes_;              // of the raster, in the order of names_
};

}  // namespace arpent::insitu

#endif  // ARPENT_COMMON_INSITU_STRATA_H_
