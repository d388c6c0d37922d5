// Cloud by change: what is brighter in the blue than it was on clear dates, and as white.
//
// After MAJA's multi-temporal test (Hagolle et al. 2010): blue rises under cloud, red no more than the blue; a field that is
// ploughed rises more in the red. What haze of the whole scene adds is taken off first (the median rise of pixels that are no
// cloud by their colour). And the other way round: ground that looks as it did is no cloud, however bright and white.
#ifndef ARPENT_COMMON_KERNELS_MASKING_CHANGE_H_
#define ARPENT_COMMON_KERNELS_MASKING_CHANGE_H_

#include "common/kernels/masking/mask_input.h"
#include "common/raster/image.h"

namespace arpent::kernels {

// Surface reflectance of the same ground on clear dates, NaN where unknown; of the scene's size.
struct KnownReflectance {
  raster::View<const float> blue, red;
};

// Changes the cloud probabilities (0-100, kByteNoData elsewhere) of a scene by what is known of its ground. Snow stays.
void JudgeByChange(const MaskInput& input, const KnownReflectance& known, raster::View<const uint8_t> snow,
                   raster::View<uint8_t> cloud_percent);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_MASKING_CHANGE_H_
