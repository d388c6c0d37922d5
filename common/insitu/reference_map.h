// A raster of codes in any coordinate system (land cover, strata), read on a tile's grid: nearest neighbour.
#ifndef ARPENT_COMMON_INSITU_REFERENCE_MAP_H_
#define ARPENT_COMMON_INSITU_REFERENCE_MAP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"
#include "common/storage/stores.h"

namespace arpent::insitu {

inline constexpr int32_t kNoCode = -2147483647;

// Thread-safe.
class ReferenceMap {
 public:
  // NOT_FOUND; INVALID_ARGUMENT when it is no raster, has no coordinate system or no position. Band 1 is read.
  static absl::StatusOr<std::unique_ptr<ReferenceMap>> Open(const storage::StoreSet& stores, const std::string& uri,
                                                            const geo::Grid& grid);
  virtual ~ReferenceMap() = default;

  // The codes of a window of the grid given to Open; kNoCode outside of the raster and where it has no data. Pixel centres
  // are transformed exactly at every 32nd column and row of the grid and bilinearly between: below 0.01 pixel of error in
  // UTM, and the same pixels whatever the window. DATA_LOSS naming the file.
  virtual absl::StatusOr<raster::Image<int32_t>> Read(const geo::Window& window) const = 0;

  // Every code that stands in the raster, ascending. Reads all of it.
  virtual absl::StatusOr<std::vector<int32_t>> AllCodes() const = 0;
};

}  // namespace arpent::insitu

#endif  // ARPENT_COMMON_INSITU_REFERENCE_MAP_H_
