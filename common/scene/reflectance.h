// Surface reflectance of one date, whatever made it: our own L2A, Sen2Cor's, MAJA's. What composites and features read.
// Implementations: sen2cor_l2a.h, maja_l2a.h here; product/l2a_product.h for ours.
#ifndef ARPENT_COMMON_SCENE_REFLECTANCE_H_
#define ARPENT_COMMON_SCENE_REFLECTANCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"
#include "common/storage/stores.h"

namespace arpent::scene {

struct ReflectanceMetadata {
  std::string acquisition;
  std::string platform;  // "S2A", "LC08"
  std::string tile;
  absl::CivilDay day;    // UTC day of sensing start
  geo::Grid grid10;      // at 10 m; bands of 20 and 60 m have the same corner
  std::vector<std::string> bands;  // "B02", ... those that exist
  double sun_zenith_deg = 0, sun_azimuth_deg = 0, view_zenith_deg = 0, view_azimuth_deg = 0;  // scene means
};

// Thread-safe. Windows are in the pixels of the named raster and may reach outside of it: those pixels are no-data.
class Reflectance {
 public:
  virtual ~Reflectance() = default;
  virtual const ReflectanceMetadata& metadata() const = 0;

  // Own resolution of a band: 10, 20 or 60.
  virtual int ResolutionOf(const std::string& band) const = 0;

  // Surface reflectance x 10000, kReflectanceNoData, into a view of the window's size. NOT_FOUND when the band is absent.
  virtual absl::Status ReadBandInto(const std::string& band, const geo::Window& window, raster::View<int16_t> out) const = 0;
  absl::StatusOr<raster::Image<int16_t>> ReadBand(const std::string& band, const geo::Window& window) const {
    raster::Image<int16_t> image(window.width, window.height);
    if (const absl::Status status = ReadBandInto(band, window, image.view()); !status.ok()) return status;
    return image;
  }

  // At 20 m: scene classes (kSclNoData outside), QA bits (kQaNoData outside), AOT x 1000 (65535 none).
  virtual absl::StatusOr<raster::Image<uint8_t>> ReadScl(const geo::Window& window) const = 0;
  virtual absl::StatusOr<raster::Image<uint16_t>> ReadQa(const geo::Window& window) const = 0;
  virtual absl::StatusOr<raster::Image<uint16_t>> ReadAot(const geo::Window& window) const = 0;
};

// Opens a Level-2A product that others made: Sen2Cor's or MAJA's, a folder or .zip. NOT_FOUND; INVALID_ARGUMENT when it is
// neither or its metadata is wrong; DATA_LOSS naming a file that is missing or cut.
absl::StatusOr<std::unique_ptr<Reflectance>> OpenForeignReflectance(std::shared_ptr<const storage::StoreSet> stores,
                                                                    const std::string& uri);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_REFLECTANCE_H_
