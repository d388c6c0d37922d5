// A season of one pixel in four bytes: mean NDVI of its four quarters. Enough to tell whether two pixels look alike, small
// enough to keep for many rows of a tile.
#ifndef ARPENT_COMMON_KERNELS_FEATURES_SEASON_DIGEST_H_
#define ARPENT_COMMON_KERNELS_FEATURES_SEASON_DIGEST_H_

#include <array>
#include <cstdint>

#include "common/kernels/features/time_series.h"

namespace arpent::kernels {

// Byte k is round(127 (1 + mean NDVI of quarter k)); steps of 1/127.
using SeasonDigest = std::array<uint8_t, 4>;
inline constexpr double kDigestStepsPerNdvi = 127;

// Writes one digest per pixel of `series`; `red` and `nir` are places of bands in it. Zeros for a pixel never seen. A
// season of fewer than four dates repeats dates.
void DigestSeason(const FilledSeries& series, size_t red, size_t nir, SeasonDigest* out);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_FEATURES_SEASON_DIGEST_H_
