// Neighbourhoods on masks (0 or 1 per pixel): growing, connected regions, local means. Outside of the image is 0.
#ifndef ARPENT_COMMON_KERNELS_MASKING_REGIONS_H_
#define ARPENT_COMMON_KERNELS_MASKING_REGIONS_H_

#include <cstdint>
#include <vector>

#include "common/raster/image.h"

namespace arpent::kernels {

// 1 where any pixel of the (2 radius + 1)-square around is not 0.
raster::Image<uint8_t> Dilate(raster::View<const uint8_t> mask, int radius);

// 8-connected regions: label 0 is outside, labels 1.. in order of their first pixel, row by row.
struct Regions {
  raster::Image<int32_t> labels;
  int count = 0;
};
Regions LabelRegions(raster::View<const uint8_t> mask);

// Mean of `values` over the pixels with mask 1 in the (2 radius + 1)-square around each pixel, and their number.
// Where there are none the mean is 0. Sums are taken in whole numbers of 1e-6, so that they do not depend on order.
struct LocalMean {
  raster::Image<float> mean;
  raster::Image<int32_t> count;
};
LocalMean MeanAround(raster::View<const float> values, raster::View<const uint8_t> mask, int radius);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_MASKING_REGIONS_H_
