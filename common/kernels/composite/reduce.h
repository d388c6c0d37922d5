// From the dates of one band to one value per pixel: weighted mean and median over a stack of images.
#ifndef ARPENT_COMMON_KERNELS_COMPOSITE_REDUCE_H_
#define ARPENT_COMMON_KERNELS_COMPOSITE_REDUCE_H_

#include <cstdint>
#include <span>

#include "common/raster/image.h"

namespace arpent::kernels {

// One band of the dates of a block, and their weights. A pixel of weight 0 or no-data takes no part. All images have
// one size; the weights' size is that divided by `factor` (1, or 2 for a band of 10 m with weights of 20 m).
struct BandStack {
  std::span<const raster::View<const int16_t>> values;    // reflectance x 10000, kReflectanceNoData
  std::span<const raster::View<const uint16_t>> weights;  // one per date
  int factor = 1;
};

// sum(w v) / sum(w), rounded half away from zero; exact integer sums, so the order of the dates does not matter.
// kReflectanceNoData where no date takes part.
void WeightedMean(const BandStack& stack, raster::View<int16_t> out);

// The middle value (the mean of the two middle ones, rounded half away from zero) of the dates that take part.
void Median(const BandStack& stack, raster::View<int16_t> out);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_COMPOSITE_REDUCE_H_
