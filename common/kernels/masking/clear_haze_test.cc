#include "common/kernels/masking/clear_haze.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "common/kernels/masking/clouds.h"
#include "common/kernels/masking/painted_scene_for_test.h"

namespace arpent::kernels {
namespace {

constexpr double kHighSun_deg = 35, kLowSun_deg = 72;

// A mosaic of covers in squares of 10 pixels, drawn at random.
Scene Mosaic(int width, int height, const std::vector<Cover>& covers, int seed) {
  Scene scene(width, height, covers[0]);
  std::mt19937 random(seed);
  for (int y = 0; y < height; y += 10) {
    for (int x = 0; x < width; x += 10) {
      scene.Rectangle(x, y, std::min(10, width - x), std::min(10, height - y), covers[random() % covers.size()]);
    }
  }
  return scene;
}

// Adds aerosol that is `blue(x, y)` in the blue and less in longer waves: 0.7 times that in the haze.
template <typename Blue>
void AddAerosol(Scene& scene, const Blue& blue) {
  const std::array<float, 7> share = {1, 0.8f, 0.6f, 0.4f, 0.35f, 0.1f, 0.05f};
  for (int y = 0; y < scene.valid.height(); ++y) {
    for (int x = 0; x < scene.valid.width(); ++x) {
      for (size_t b = 0; b < share.size(); ++b) scene.bands[b](x, y) += share[b] * blue(x, y);
    }
  }
}

MaskInput Under(const Scene& scene, double sun_zenith_deg) {
  MaskInput input = scene.Input();
  input.sun_zenith_deg = sun_zenith_deg;
  return input;
}

TEST(ClearHaze, AirGrowsWithTheSunsZenithFromFortyDegreesOn) {
  EXPECT_EQ(AirOfLowSun(0), 1);
  EXPECT_EQ(AirOfLowSun(40), 1);
  EXPECT_NEAR(AirOfLowSun(60), 1.532, 1e-3);
  EXPECT_EQ(AirOfLowSun(80), AirOfLowSun(89));
  EXPECT_EQ(LowSun(AirOfLowSun(43)), 0);
  EXPECT_EQ(LowSun(AirOfLowSun(64)), 1);
}

TEST(ClearHaze, UnderALowSunFollowsAerosolOverBareGround) {
  Scene scene = Mosaic(160, 120, {kSoil, kSoil, kSoil, kForest}, 1);
  const auto blue = [](int x, int y) { return 0.03f + 0.0004f * x + 0.0002f * y; };
  AddAerosol(scene, blue);
  const ClearHaze clear(Under(scene, kLowSun_deg));
  for (int y = 5; y < 115; ++y) {
    for (int x = 5; x < 155; ++x) ASSERT_NEAR(clear.At(x, y), 0.01f + 0.7f * blue(x, y), 0.009f) << x << ' ' << y;
  }
  EXPECT_NEAR(clear.of_scene(), 0.01f + 0.7f * blue(55, 40), 0.01f);
}

TEST(ClearHaze, LandUnderCloudTakesTheValueOfTheLandAround) {
  Scene scene = Mosaic(200, 200, {kSoil, kMeadow}, 2);
  scene.Rectangle(50, 50, 100, 100, kCloud, 0.3f);
  const ClearHaze clear(Under(scene, kLowSun_deg));
  EXPECT_LE(clear.At(60, 100), 0.030f);
  EXPECT_LE(clear.At(100, 100), 0.050f);  // of 0.08 that it shows
  EXPECT_GE(Count(DetectClouds(Under(scene, kLowSun_deg)).cloud), 9000);
}

TEST(ClearHaze, ThickAerosolOverBareGroundUnderALowSunIsNoCloud) {
  Scene scene = Mosaic(150, 150, {kSoil, kSoil, kSoil, kSoil, kSoil, kSoil, kTown, kForest}, 3);
  AddAerosol(scene, [](int x, int) { return 0.08f + 0.0002f * x; });
  EXPECT_LE(Count(DetectClouds(Under(scene, kLowSun_deg)).cloud), 100);
  scene.Rectangle(60, 60, 20, 20, kCloud, 0.5f);
  const Image<uint8_t> cloud = DetectClouds(Under(scene, kLowSun_deg)).cloud;
  EXPECT_GE(Count(cloud), 400);
  EXPECT_LE(Count(cloud), 600);
}

TEST(ClearHaze, CoversSideBySideAreNoCloudUnderAnySun) {
  for (const double sun_zenith_deg : {kHighSun_deg, 55.0, kLowSun_deg}) {
    for (const std::vector<Cover>& covers : {std::vector<Cover>{kForest, kDuneSand, kMeadow},
                                             {kSoil, kDuneSand, kWater},
                                             {kForest, kSoil, kTown, kMeadow, kDuneSand, kWater, kSnow}}) {
      const Scene scene = Mosaic(150, 150, covers, 4);
      EXPECT_EQ(Count(DetectClouds(Under(scene, sun_zenith_deg)).cloud), 0) << sun_zenith_deg << ' ' << covers.size();
    }
  }
}

TEST(ClearHaze, AHighSunAsksVegetationOnly) {
  Scene scene = Mosaic(100, 100, {kMeadow, kSoil}, 5);
  const ClearHaze clear(Under(scene, kHighSun_deg));
  EXPECT_NEAR(clear.of_scene(), kMeadow[0] - 0.5f * kMeadow[2], 1e-3);
  EXPECT_NEAR(clear.At(50, 50), kMeadow[0] - 0.5f * kMeadow[2], 1e-3);
}

TEST(ClearHaze, WithoutLandOrDataTheDefaultStands) {
  const Scene water(60, 60, kWater);
  EXPECT_NEAR(ClearHaze(Under(water, kLowSun_deg)).At(30, 30), 0.010f, 1e-6);
  Scene empty(20, 20, kSoil);
  empty.valid = Image<uint8_t>(20, 20, 0);
  EXPECT_NEAR(ClearHaze(Under(empty, kLowSun_deg)).At(10, 10), 0.010f, 1e-6);
}

}  // namespace
}  // namespace arpent::kernels
