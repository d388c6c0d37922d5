// Cleans maps of codes: regions that are too small take the code of their neighbours.
//
// Every output pixel depends on the input within twice `smallest` steps alone: a window with that margin gives the same
// codes as the whole map, whatever the division.
#ifndef ARPENT_COMMON_KERNELS_REGULARISE_REGULARISE_H_
#define ARPENT_COMMON_KERNELS_REGULARISE_REGULARISE_H_

#include <cstdint>
#include <span>

#include "common/raster/image.h"

namespace arpent::kernels {

// Gives each region (pixels of one code that touch by their sides or corners: a track may run aslant) of fewer than `smallest` pixels the code that is most
// frequent along its outline: among regions that are large enough, else among all; the lowest of equally frequent ones.
// Regions in `frozen` codes, and those that touch nothing else, stay. Codes are those of `in` throughout: the order of
// regions does not matter. A region cut by the edge of `in` counts as it is seen.
void RemoveSmallRegions(raster::View<const uint16_t> in, int smallest, std::span<const uint16_t> frozen,
                        raster::View<uint16_t> out);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_REGULARISE_REGULARISE_H_
