#include "common/kernels/features/plane_loops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "common/kernels/features/indices.h"
#include "common/testing/instruction_sets.h"

namespace arpent::kernels {
namespace {

constexpr size_t kPixels = 1003;  // no whole number of vectors

// Reflectance with negative values, sums of zero and pixels that were never seen.
std::vector<float> Plane(uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(-0.1f, 0.9f);
  std::vector<float> plane(kPixels);
  for (float& v : plane) v = value(random);
  plane[3] = NAN;
  plane[7] = 0;
  return plane;
}

void ExpectBits(const std::vector<float>& found, const std::vector<float>& expected, const char* name) {
  for (size_t i = 0; i < kPixels; ++i) {
    if (std::isnan(expected[i])) {
      EXPECT_TRUE(std::isnan(found[i])) << name << " " << i;
    } else {
      EXPECT_EQ(std::memcmp(&found[i], &expected[i], sizeof(float)), 0) << name << " " << i << ": " << found[i] << " " << expected[i];
    }
  }
}

TEST(PlaneLoops, IndicesAreThoseOfEachPixelWithEveryInstructionSet) {
  const std::vector<float> green = Plane(1), red = Plane(2), nir = Plane(3), swir = Plane(4);
  std::vector<float> ndvi(kPixels), ndwi(kPixels), brightness(kPixels), found(kPixels);
  for (size_t i = 0; i < kPixels; ++i) {
    ndvi[i] = Ndvi(nir[i], red[i]);
    ndwi[i] = Ndwi(swir[i], nir[i]);
    brightness[i] = Brightness(green[i], red[i], nir[i], swir[i]);
  }
  EXPECT_GE(testing::ForEachInstructionSet([&](const char* name) {
              NdviOfPlanes(nir.data(), red.data(), kPixels, found.data());
              ExpectBits(found, ndvi, name);
              NdwiOfPlanes(swir.data(), nir.data(), kPixels, found.data());
              ExpectBits(found, ndwi, name);
              BrightnessOfPlanes(green.data(), red.data(), nir.data(), swir.data(), kPixels, found.data());
              ExpectBits(found, brightness, name);
            }),
            1);
}

TEST(PlaneLoops, PixelsWithoutDataLoseTheirWeight) {
  std::vector<int16_t> values(kPixels, 120);
  values[0] = values[500] = values[kPixels - 1] = -9999;
  testing::ForEachInstructionSet([&](const char* name) {
    std::vector<float> weight(kPixels, 0.5f);
    DropNoData(values.data(), -9999, kPixels, weight.data());
    for (size_t i = 0; i < kPixels; ++i) EXPECT_EQ(weight[i], values[i] == -9999 ? 0.0f : 0.5f) << name << " " << i;
  });
}

}  // namespace
}  // namespace arpent::kernels
