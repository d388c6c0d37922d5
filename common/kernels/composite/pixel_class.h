// What a date saw at a pixel, for compositing: from the scene classes and QA bits of an L2A.
#ifndef ARPENT_COMMON_KERNELS_COMPOSITE_PIXEL_CLASS_H_
#define ARPENT_COMMON_KERNELS_COMPOSITE_PIXEL_CLASS_H_

#include <cstdint>

#include "common/raster/image.h"

namespace arpent::kernels {

// A higher class is preferred: a pixel is composed only from the dates of the best class that any date has there.
// Land before water before snow, as in Sen2Agri's composite. Doubtful: beside a cloud or its shadow, or under cirrus.
enum PixelClass : uint8_t {
  kClassNone = 0,
  kClassCloud = 1,
  kClassDoubtful = 2,
  kClassSnow = 3,
  kClassWater = 4,
  kClassLand = 5,
};

// What a pixel's classes and bits mean for the mask of the whole date.
enum PixelTrait : uint8_t {
  kTraitData = 1,      // the date saw the pixel
  kTraitHidden = 2,    // cloud or cloud shadow: keeps a distance to its neighbours
  kTraitObscured = 4,  // those and cirrus: what the distance to clouds is measured from
};

void FindTraits(raster::View<const uint8_t> scl, raster::View<const uint16_t> qa, raster::View<uint8_t> traits);

// Clouds and shadows reach this many 20 m pixels further than their mask: their edges are soft, and masks miss them.
inline constexpr int kCloudGuardPixels = 5;

// `hidden` is 1 where kTraitHidden; it carries a margin of kCloudGuardPixels on all sides of the others (20 m).
void ClassifyPixels(raster::View<const uint8_t> scl, raster::View<const uint16_t> qa,
                    raster::View<const uint8_t> hidden, raster::View<uint8_t> out);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_COMPOSITE_PIXEL_CLASS_H_
