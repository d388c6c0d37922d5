// Area of each class in each region of a map.
#ifndef ARPENT_COMMON_STAGES_MAP_AREA_TABLE_H_
#define ARPENT_COMMON_STAGES_MAP_AREA_TABLE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "common/product/raster_writer.h"
#include "common/raster/image.h"

namespace arpent::stages {

// The row of the whole map; regions of the site may not bear this name.
inline constexpr char kWholeMap[] = "all";

// Thread-safe; counts are sums, so the order of blocks does not matter.
class AreaTable {
 public:
  AreaTable(std::vector<std::string> regions, double pixel_area_m2)
      : regions_(std::move(regions)), pixel_area_m2_(pixel_area_m2) {}

  // Counts the codes of a block, whole and by region (index into `regions`, others are outside). `none` is no-data.
  template <typename T>
  void Count(const std::string& layer, const raster::Image<T>& codes, T none, const raster::Image<uint16_t>& regions);

  // CSV "layer,region,code,name,pixels,area_ha,share_percent": for each layer the whole map first, then the regions in
  // order; ascending codes; shares are of the region's pixels with data.
  std::string Csv(const std::map<std::string, std::vector<product::CodeClass>>& legends) const;

 private:
  using Codes = std::map<int, int64_t>;
  const std::vector<std::string> regions_;
  const double pixel_area_m2_;
  mutable absl::Mutex mutex_;
  std::map<std::string, std::map<int, Codes>> pixels_ ABSL_GUARDED_BY(mutex_);  // by layer and region, -1 is the whole
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_MAP_AREA_TABLE_H_
