// Which pixels of a date enter a time series: all but no-data, saturated, cloud, cirrus and shadow. Water and snow stay
// (as in Sen2Agri, which masks cloud, edge and saturated pixels only; shadows are masked here as well: they darken an
// index as much as thin cloud brightens it).
#ifndef ARPENT_COMMON_KERNELS_FEATURES_CLEAR_H_
#define ARPENT_COMMON_KERNELS_FEATURES_CLEAR_H_

#include <cstddef>
#include <cstdint>

#include "common/raster/codes.h"

namespace arpent::kernels {

inline constexpr uint16_t kQaMasked =
    raster::kQaNoData | raster::kQaSaturated | raster::kQaCloud | raster::kQaCirrus | raster::kQaCloudShadow;

// Bit `c` is set when scene class c is clear ground.
inline constexpr uint32_t kSclClear = 1u << raster::kSclDark | 1u << raster::kSclVegetation | 1u << raster::kSclBare |
                                      1u << raster::kSclWater | 1u << raster::kSclUnclassified | 1u << raster::kSclSnow;

// Both must agree that the pixel is clear. What is no scene class counts as no-data.
inline bool IsClear(uint8_t scl, uint16_t qa) {
  return scl < 32 && (kSclClear >> scl & 1u) != 0 && (qa & kQaMasked) == 0;
}

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_FEATURES_CLEAR_H_
