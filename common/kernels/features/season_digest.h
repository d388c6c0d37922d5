// A season of one pixel in eight bytes: the slow waves of its NDVI. Enough to tell whether two pixels look alike, small
// enough to keep for many rows of a tile.
//
// The waves are the first eight coefficients of the discrete cosine transform over the season's dates. They take the place
// of principal components (Sen2Agri's six): for a smooth series both concentrate the same variance in the same number of
// components (Ahmed, Natarajan, Rao 1974), but the cosines need no statistics of the whole tile.
#ifndef ARPENT_COMMON_KERNELS_FEATURES_SEASON_DIGEST_H_
#define ARPENT_COMMON_KERNELS_FEATURES_SEASON_DIGEST_H_

#include <array>
#include <cstdint>

#include "common/kernels/features/time_series.h"

namespace arpent::kernels {

// Byte k is round(127 + 127 c_k), kept within 0 ... 255, where c_0 is the mean NDVI and
// c_k = sqrt(2) / dates * sum over t of NDVI_t cos(pi (t + 1/2) k / dates), 0 for k >= dates. The sum of squares of two
// digests' differences is, in steps of 1/127, the mean square difference of their smoothed NDVI.
using SeasonDigest = std::array<uint8_t, 8>;
inline constexpr double kDigestStepsPerNdvi = 127;

// Writes one digest per pixel of `series`; `red` and `nir` are places of bands in it. Zeros for a pixel never seen.
void DigestSeason(const FilledSeries& series, size_t red, size_t nir, SeasonDigest* out);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_FEATURES_SEASON_DIGEST_H_
