// The quality bands of a Landsat Level-1 product, as far as reflectance needs them: where there is no ground to see, and which
// bands are saturated. Cloud bits are left alone: our masks are made for all sensors alike.
//
// Collection 1: BQA, bit 0 fill, bit 1 terrain occlusion. Collection 2: QA_PIXEL, bit 0 fill; QA_RADSAT, bit n-1 saturation of band
// n, bit 11 terrain occlusion (USGS, Landsat 8-9 data format control book).
#ifndef ARPENT_COMMON_SCENE_LANDSAT_QUALITY_H_
#define ARPENT_COMMON_SCENE_LANDSAT_QUALITY_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"
#include "common/scene/landsat_metadata.h"
#include "common/scene/product_folder.h"
#include "common/scene/raster_window.h"
#include "common/scene/scene.h"

namespace arpent::scene {

class LandsatQuality {
 public:
  // Files that the product names but has not are left out, with a note. INVALID_ARGUMENT when one covers another area than `grid`.
  static absl::StatusOr<LandsatQuality> Open(const ProductFolder& folder, const LandsatMetadata& product, const geo::Grid& grid,
                                             std::vector<std::string>& notes);

  // Marks the pixels of a window of band `number` in `image`: no-data or saturated numbers. DATA_LOSS naming the file.
  absl::Status Apply(const geo::Window& window, int number, const Band& band, raster::Image<uint16_t>& image) const;

 private:
  bool collection2_ = false;
  std::unique_ptr<DatasetPool> pixel_, saturation_;
};

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_LANDSAT_QUALITY_H_
