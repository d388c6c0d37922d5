// Scenes painted by hand for the tests of masks.
#ifndef ARPENT_COMMON_KERNELS_MASKING_PAINTED_SCENE_FOR_TEST_H_
#define ARPENT_COMMON_KERNELS_MASKING_PAINTED_SCENE_FOR_TEST_H_

#include <array>

#include "common/kernels/masking/mask_input.h"
#include "common/raster/image.h"

namespace arpent::kernels {

using raster::Image;

// Reflectance of blue, green, red, nir, nir narrow, swir1, swir2 of common covers (rounded from published libraries).
using Cover = std::array<float, 7>;
inline constexpr Cover kForest = {0.015f, 0.032f, 0.017f, 0.28f, 0.30f, 0.14f, 0.055f};
inline constexpr Cover kMeadow = {0.028f, 0.060f, 0.035f, 0.38f, 0.40f, 0.21f, 0.10f};
inline constexpr Cover kSoil = {0.085f, 0.115f, 0.15f, 0.245f, 0.26f, 0.33f, 0.29f};
inline constexpr Cover kDuneSand = {0.17f, 0.26f, 0.38f, 0.45f, 0.47f, 0.55f, 0.52f};
inline constexpr Cover kWater = {0.035f, 0.030f, 0.015f, 0.009f, 0.008f, 0.004f, 0.003f};
inline constexpr Cover kSnow = {0.85f, 0.84f, 0.82f, 0.78f, 0.76f, 0.08f, 0.06f};
inline constexpr Cover kTown = {0.115f, 0.13f, 0.14f, 0.175f, 0.185f, 0.21f, 0.19f};
inline constexpr Cover kCloud = {0.50f, 0.50f, 0.50f, 0.51f, 0.51f, 0.45f, 0.40f};

struct Scene {
  std::array<Image<float>, 7> bands;
  Image<float> cirrus;
  Image<uint8_t> valid;

  Scene(int width, int height, const Cover& cover) : cirrus(width, height, 0.001f), valid(width, height, 1) {
    for (size_t b = 0; b < bands.size(); ++b) bands[b] = Image<float>(width, height, cover[b]);
  }
  void Mix(int x, int y, const Cover& cover, float share) {
    for (size_t b = 0; b < bands.size(); ++b) bands[b](x, y) += share * (cover[b] - bands[b](x, y));
  }
  void Rectangle(int x0, int y0, int width, int height, const Cover& cover, float share = 1) {
    for (int y = y0; y < y0 + height; ++y) {
      for (int x = x0; x < x0 + width; ++x) Mix(x, y, cover, share);
    }
  }
  MaskInput Input() const {
    return {bands[0].view(), bands[1].view(), bands[2].view(), bands[3].view(), bands[4].view(),
            bands[5].view(), bands[6].view(), cirrus.view(),   valid.view()};
  }
};

inline int Count(const Image<uint8_t>& mask) {
  int count = 0;
  for (int y = 0; y < mask.height(); ++y) {
    for (const uint8_t v : mask.row(y)) count += v != 0;
  }
  return count;
}

// Pixels that both masks have.
inline int CountBoth(const Image<uint8_t>& a, const Image<uint8_t>& b) {
  int count = 0;
  for (size_t i = 0; i < a.size(); ++i) count += a.data()[i] && b.data()[i];
  return count;
}

inline double F1(const Image<uint8_t>& painted, const Image<uint8_t>& found) {
  return 2.0 * CountBoth(painted, found) / (Count(painted) + Count(found));
}

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_MASKING_PAINTED_SCENE_FOR_TEST_H_
