// Methods that look at all bands of a pixel at once (20 m): they turn the weights of the dates into those that compose
// it.
//   geometric median: the point with the least sum of Euclidean distances to the dates (Weiszfeld 1937), which is their
//     mean with weights 1 / distance; stops when it moves less than half a unit of 1e-4, or after 32 steps.
//   medoid: the date with the least sum of distances to the others (Flood 2013, the first of equals).
#ifndef ARPENT_COMMON_KERNELS_COMPOSITE_SPECTRAL_CENTRE_H_
#define ARPENT_COMMON_KERNELS_COMPOSITE_SPECTRAL_CENTRE_H_

#include <cstdint>
#include <span>

#include "common/raster/image.h"

namespace arpent::kernels {

// values[date * bands + band]: reflectance x 10000 at 20 m, all of one size. A date takes part in a pixel when its
// weight is above 0 and all its bands have data; the weights of others become 0, unless no date has all bands: such a
// pixel keeps its weights.
struct SpectralStack {
  std::span<const raster::View<const int16_t>> values;
  std::span<const raster::View<uint16_t>> weights;  // one per date
  int bands = 0;
};

void WeightByGeometricMedian(const SpectralStack& stack);
void KeepMedoid(const SpectralStack& stack);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_COMPOSITE_SPECTRAL_CENTRE_H_
