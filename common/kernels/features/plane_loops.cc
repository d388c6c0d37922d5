#include "common/kernels/features/plane_loops.h"

#include "common/kernels/features/indices.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/features/plane_loops.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

// Plain loops, which the compiler vectorises for each instruction set.
HWY_BEFORE_NAMESPACE();
namespace arpent::kernels::HWY_NAMESPACE {

void NdviLoop(const float* HWY_RESTRICT nir, const float* HWY_RESTRICT red, size_t pixels, float* HWY_RESTRICT out) {
  for (size_t i = 0; i < pixels; ++i) out[i] = Ndvi(nir[i], red[i]);
}

void NdwiLoop(const float* HWY_RESTRICT swir1, const float* HWY_RESTRICT nir, size_t pixels, float* HWY_RESTRICT out) {
  for (size_t i = 0; i < pixels; ++i) out[i] = Ndwi(swir1[i], nir[i]);
}

void BrightnessLoop(const float* HWY_RESTRICT green, const float* HWY_RESTRICT red, const float* HWY_RESTRICT nir,
                    const float* HWY_RESTRICT swir1, size_t pixels, float* HWY_RESTRICT out) {
  for (size_t i = 0; i < pixels; ++i) out[i] = Brightness(green[i], red[i], nir[i], swir1[i]);
}

void DropLoop(const int16_t* HWY_RESTRICT values, int16_t no_data, size_t pixels, float* HWY_RESTRICT weight) {
  for (size_t i = 0; i < pixels; ++i) weight[i] = values[i] == no_data ? 0.0f : weight[i];
}

}  // namespace arpent::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arpent::kernels {

HWY_EXPORT(NdviLoop);
HWY_EXPORT(NdwiLoop);
HWY_EXPORT(BrightnessLoop);
HWY_EXPORT(DropLoop);

void NdviOfPlanes(const float* nir, const float* red, size_t pixels, float* out) {
  HWY_DYNAMIC_DISPATCH(NdviLoop)(nir, red, pixels, out);
}

void NdwiOfPlanes(const float* swir1, const float* nir, size_t pixels, float* out) {
  HWY_DYNAMIC_DISPATCH(NdwiLoop)(swir1, nir, pixels, out);
}

void BrightnessOfPlanes(const float* green, const float* red, const float* nir, const float* swir1, size_t pixels, float* out) {
  HWY_DYNAMIC_DISPATCH(BrightnessLoop)(green, red, nir, swir1, pixels, out);
}

void DropNoData(const int16_t* values, int16_t no_data, size_t pixels, float* weight) {
  HWY_DYNAMIC_DISPATCH(DropLoop)(values, no_data, pixels, weight);
}

}  // namespace arpent::kernels
#endif  // HWY_ONCE
