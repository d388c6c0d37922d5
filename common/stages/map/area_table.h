// Area of each class in each region of a map.
#ifndef ARPENT_COMMON_STAGES_MAP_AREA_TABLE_H_
#define ARPENT_COMMON_STAGES_MAP_AREA_TABLE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "common/geo/grid.h"
#include "common/product/raster_writer.h"
#include "common/raster/image.h"

namespace arpent::stages {

// The row of the whole map; regions of the site may not bear this name.
inline constexpr char kWholeMap[] = "all";

// Square metres of a pixel in row `y` of a map; on a grid in degrees, on the ellipsoid.
double PixelArea_m2(const geo::Grid& grid, bool in_degrees, int y);

// Thread-safe; counts and areas are sums of whole numbers, so the order of blocks does not matter.
class AreaTable {
 public:
  AreaTable(std::vector<std::string> regions, const geo::Grid& grid, bool in_degrees)
      : regions_(std::move(regions)), grid_(grid), in_degrees_(in_degrees) {}

  // Counts the codes of a block whose first row is row `top` of the map, whole and by region (index into `regions`, others
  // are outside). `none` is no-data.
  template <typename T>
  void Count(const std::string& layer, int top, const raster::Image<T>& codes, T none,
             const raster::Image<uint16_t>& regions);

  // CSV "layer,region,code,name,pixels,area_ha,share_percent": for each layer the whole map first, then the regions in
  // order; ascending codes; shares are of the region's area with data.
  std::string Csv(const std::map<std::string, std::vector<product::CodeClass>>& legends) const;

 private:
  struct Size {
    int64_t pixels = 0;
    int64_t area_cm2 = 0;
  };
  using Codes = std::map<int, Size>;
  const std::vector<std::string> regions_;
  const geo::Grid grid_;
  const bool in_degrees_;
  mutable absl::Mutex mutex_;
  std::map<std::string, std::map<int, Codes>> sizes_ ABSL_GUARDED_BY(mutex_);  // by layer and region, -1 is the whole
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_MAP_AREA_TABLE_H_
