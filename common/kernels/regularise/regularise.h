// Cleans maps of codes: lone pixels by a vote of those that look alike, small regions by their neighbours.
//
// Every output pixel depends on the input near it alone (`radius`, or `smallest` steps): a window with that margin gives
// the same codes as the whole map, whatever the division.
#ifndef ARPENT_COMMON_KERNELS_REGULARISE_REGULARISE_H_
#define ARPENT_COMMON_KERNELS_REGULARISE_REGULARISE_H_

#include <array>
#include <cstdint>
#include <span>

#include "common/raster/image.h"

namespace arpent::kernels {

// The most frequent code among the pixels of the (2 radius + 1)^2 window around each one of rows [first_row, last_row)
// that look like it: whose digests differ by at most `squared_difference` in the sum of squares. Among equally frequent
// ones the pixel's own, else the lowest. Codes in `frozen` (no-data, not cropland) stay as they are and have no vote. This is
// one step of mean shift with a flat kernel, on labels instead of spectra: fields keep their edges, since across an edge
// pixels do not look alike.
using PixelDigest = std::array<uint8_t, 4>;
void VoteOfSimilar(raster::View<const uint16_t> in, raster::View<const PixelDigest> digests, int radius,
                   int squared_difference, std::span<const uint16_t> frozen, int first_row, int last_row,
                   raster::View<uint16_t> out);

// Gives each region (pixels of one code that touch by their sides) of fewer than `smallest` pixels the code that is most
// frequent along its outline: among regions that are large enough, else among all; the lowest of equally frequent ones.
// Regions in `frozen` codes, and those that touch nothing else, stay. Codes are those of `in` throughout: the order of
// regions does not matter. A region cut by the edge of `in` counts as it is seen.
void RemoveSmallRegions(raster::View<const uint16_t> in, int smallest, std::span<const uint16_t> frozen,
                        raster::View<uint16_t> out);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_REGULARISE_REGULARISE_H_
