// Loops over whole planes of pixels, for what crop types need of every date. The same bits with every instruction set.
#ifndef ARPENT_COMMON_KERNELS_FEATURES_PLANE_LOOPS_H_
#define ARPENT_COMMON_KERNELS_FEATURES_PLANE_LOOPS_H_

#include <cstddef>
#include <cstdint>

namespace arpent::kernels {

// The indices of indices.h.
void NdviOfPlanes(const float* nir, const float* red, size_t pixels, float* out);
void NdwiOfPlanes(const float* swir1, const float* nir, size_t pixels, float* out);
void BrightnessOfPlanes(const float* green, const float* red, const float* nir, const float* swir1, size_t pixels, float* out);

// Takes the weight of the pixels whose value is `no_data`.
void DropNoData(const int16_t* values, int16_t no_data, size_t pixels, float* weight);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_FEATURES_PLANE_LOOPS_H_
