// Divides a map into segments of pixels whose seasons look alike, and lets each segment agree on one code.
//
// Segments grow by region merging in the manner of Nock and Nielsen (2004, "Statistical region merging"): all pairs of
// neighbouring pixels are taken in order of how much they differ, and the two regions that a pair belongs to become one when
// their means differ by no more than a range, widened for regions of few pixels by what noise does to their means. One pass,
// no iteration, and, unlike mean shift, no path that a pixel wanders. Regions of few pixels stay when nothing around looks like
// them: a track between fields is no part of either.
//
// What a segment is depends on the whole window given: callers who cut a map into windows must cut it the same way always.
#ifndef ARPENT_COMMON_KERNELS_REGULARISE_SEGMENTATION_H_
#define ARPENT_COMMON_KERNELS_REGULARISE_SEGMENTATION_H_

#include <array>
#include <cstdint>
#include <span>

#include "common/raster/image.h"

namespace arpent::kernels {

using PixelDigest = std::array<uint8_t, 8>;

struct SegmentationOptions {
  double range = 0;     // of two regions' means: root of the sum of squares over a digest's bytes
  double noise = 0;     // the same of a single pixel against its region
};

// How much neighbouring pixels differ for no reason: the median over neighbours of a pixel's distance from what they share
// (root of half the square of their difference), so that borders of fields hardly count. 0 without any neighbours.
double PixelNoise(raster::View<const PixelDigest> digests, raster::View<const uint16_t> codes,
                  std::span<const uint16_t> frozen);

inline constexpr uint32_t kNoSegment = 0xFFFFFFFF;

// segments(x, y): the number of the pixel's segment, from 0 in the order of their first pixels, kNoSegment where `codes`
// are frozen: such pixels join nothing. Returns how many there are. At most 2^26 pixels.
uint32_t Segment(raster::View<const PixelDigest> digests, raster::View<const uint16_t> codes,
                 std::span<const uint16_t> frozen, const SegmentationOptions& options, raster::View<uint32_t> segments);

// The most frequent code of each pixel's segment, the lowest of equally frequent ones; frozen pixels keep theirs.
void VoteInSegments(raster::View<const uint16_t> codes, raster::View<const uint32_t> segments, uint32_t count,
                    raster::View<uint16_t> out);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_REGULARISE_SEGMENTATION_H_
