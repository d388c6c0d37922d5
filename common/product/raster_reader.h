// Reads windows of one published raster asset.
#ifndef ARPENT_COMMON_PRODUCT_RASTER_READER_H_
#define ARPENT_COMMON_PRODUCT_RASTER_READER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"
#include "common/scene/reflectance.h"
#include "common/storage/stores.h"

namespace arpent::product {

// Thread-safe. A window may reach outside the raster: those pixels get `outside`.
class RasterReader {
 public:
  // `uri`: "output:/crop-type/.../CT.tif". NOT_FOUND, or DATA_LOSS when it does not decode; both name it.
  static absl::StatusOr<std::unique_ptr<RasterReader>> Open(std::shared_ptr<const storage::StoreSet> stores,
                                                            const std::string& uri);
  virtual ~RasterReader() = default;
  virtual const geo::Grid& grid() const = 0;
  virtual absl::Status Read(const geo::Window& window, uint8_t outside, raster::View<uint8_t> out) const = 0;
  virtual absl::Status Read(const geo::Window& window, uint16_t outside, raster::View<uint16_t> out) const = 0;
  virtual absl::Status Read(const geo::Window& window, int16_t outside, raster::View<int16_t> out) const = 0;
  virtual absl::Status Read(const geo::Window& window, float outside, raster::View<float> out) const = 0;
};

// Opens any L2A: ours (a product folder), Sen2Cor's SAFE, MAJA's folder.
absl::StatusOr<std::unique_ptr<scene::Reflectance>> OpenReflectance(std::shared_ptr<const storage::StoreSet> stores,
                                                                    const std::string& uri);

}  // namespace arpent::product

#endif  // ARPENT_COMMON_PRODUCT_RASTER_READER_H_
