#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

#include "common/kernels/masking/clouds.h"
#include "common/kernels/masking/painted_scene_for_test.h"
#include "common/kernels/masking/shadows.h"

namespace arpent::kernels {
namespace {

// A cloud whose shadow is painted by hand where the geometry puts it.
struct ShadowCase {
  double sun_zenith_deg, sun_azimuth_deg, height_m;
};
class DetectShadowsTest : public ::testing::TestWithParam<ShadowCase> {};

TEST_P(DetectShadowsTest, FindsThePaintedShadowAndItsHeight) {
  const ShadowCase c = GetParam();
  std::mt19937 random(8);
  Scene scene(160, 160, kMeadow);
  for (int y = 0; y < 160; ++y) {
    for (int x = 0; x < 160; ++x) scene.Mix(x, y, kSoil, ((x / 7 + y / 5) % 4) * 0.3f + (random() % 100) * 0.001f);
  }
  Image<uint8_t> painted(160, 160);
  const double shift = c.height_m * std::tan(c.sun_zenith_deg * M_PI / 180) / 60;
  const double to_x = -shift * std::sin(c.sun_azimuth_deg * M_PI / 180);
  const double to_y = shift * std::cos(c.sun_azimuth_deg * M_PI / 180);
  for (int y = 60; y < 78; ++y) {
    for (int x = 60; x < 85; ++x) {
      if ((x - 72) * (x - 72) + (y - 69) * (y - 69) * 2 > 150) continue;
      const int sx = static_cast<int>(std::lround(x + to_x)), sy = static_cast<int>(std::lround(y + to_y));
      painted(sx, sy) = 1;
      scene.Mix(sx, sy, Cover{}, 0.6f);
    }
  }
  for (int y = 60; y < 78; ++y) {
    for (int x = 60; x < 85; ++x) {
      if ((x - 72) * (x - 72) + (y - 69) * (y - 69) * 2 > 150) continue;
      painted(x, y) = 0;
      scene.Rectangle(x, y, 1, 1, kCloud);
    }
  }
  const CloudMasks masks = DetectClouds(scene.Input());
  const ShadowMask found = DetectShadows(scene.Input(), masks, {c.sun_zenith_deg, c.sun_azimuth_deg, 0, 0, 60});
  EXPECT_GT(F1(painted, found.shadow), 0.9);
  EXPECT_NEAR(found.cloud_height_m, c.height_m, 1.1 * 60 / std::tan(c.sun_zenith_deg * M_PI / 180));
}

INSTANTIATE_TEST_SUITE_P(Geometries, DetectShadowsTest,
                         ::testing::Values(ShadowCase{30, 150, 1500}, ShadowCase{55, 165, 900},
                                           ShadowCase{40, 40, 2500}, ShadowCase{45, 250, 1200}));

TEST(DetectShadows, NoCloudGivesNoShadow) {
  Scene scene(60, 60, kMeadow);
  scene.Rectangle(10, 10, 20, 20, kForest);
  const ShadowMask found = DetectShadows(scene.Input(), DetectClouds(scene.Input()), {40, 150, 0, 0, 60});
  EXPECT_EQ(Count(found.shadow), 0);
  EXPECT_EQ(found.cloud_height_m, 0);
}

// Half of the ground lies in shadow: the mean around is no measure of lit ground.
TEST(DetectShadows, ManyShadowsAreAllFoundAtTheirHeight) {
  constexpr double kHeight_m = 1500, kSunZenithDeg = 45;
  constexpr int kShift = 25;  // due north
  std::mt19937 random(9);
  Scene scene(260, 260, kMeadow);
  for (int y = 0; y < 260; ++y) {
    for (int x = 0; x < 260; ++x) scene.Mix(x, y, kSoil, ((x / 7 + y / 5) % 4) * 0.3f + (random() % 100) * 0.001f);
  }
  Image<uint8_t> cloudy(260, 260), painted(260, 260);
  for (int y = 0; y < 260; ++y) {
    for (int x = 0; x < 260; ++x) cloudy(x, y) = (y + 9 * (x / 40)) % 52 < 22 && x % 40 < 34;
  }
  for (int y = 0; y < 260; ++y) {
    for (int x = 0; x < 260; ++x) {
      if (cloudy(x, y)) {
        scene.Rectangle(x, y, 1, 1, kCloud);
      } else if (y + kShift < 260 && cloudy(x, y + kShift)) {
        scene.Mix(x, y, Cover{}, 0.55f);
        painted(x, y) = 1;
      }
    }
  }
  const ShadowMask found = DetectShadows(scene.Input(), DetectClouds(scene.Input()), {kSunZenithDeg, 180, 0, 0, 60});
  EXPECT_NEAR(found.cloud_height_m, kHeight_m, 70);
  EXPECT_GT(F1(painted, found.shadow), 0.9);
}

constexpr Cover kDarkForest = {0.01f, 0.02f, 0.01f, 0.12f, 0.13f, 0.05f, 0.02f};

// Fields of 5 x 5 pixels between meadow, soil and forest in deep shade.
Scene Fields(int side, uint32_t seed) {
  std::mt19937 random(seed);
  Scene scene(side, side, kMeadow);
  for (int y = 0; y < side; y += 5) {
    for (int x = 0; x < side; x += 5) scene.Rectangle(x, y, 5, 5, random() % 5 == 0 ? kDarkForest : kSoil, (random() % 100) * 0.01f);
  }
  return scene;
}

// A small scene under a low sun: a cloud at its edge shades nearly all of it, so that darkness must be told by what lies beyond.
TEST(DetectShadows, AShadowThatFillsMostOfASmallSceneIsFound) {
  constexpr int kSide = 120, kCloudTop = 108, kShift = 90;
  Scene scene = Fields(kSide, 3);
  Image<uint8_t> painted(kSide, kSide);
  scene.Rectangle(0, kCloudTop, kSide, kSide - kCloudTop, kCloud);
  for (int y = kCloudTop - kShift; y < kCloudTop; ++y) {
    for (int x = 0; x < kSide; ++x) scene.Mix(x, y, Cover{}, 0.6f), painted(x, y) = 1;
  }
  const ShadowMask found = DetectShadows(scene.Input(), DetectClouds(scene.Input()), {75, 180, 0, 0, 60});
  EXPECT_GT(F1(painted, found.shadow), 0.9);
}

// Dark fields beside clouds: some height always matches them a little, but another sun would match them better.
TEST(DetectShadows, ShadedSoilUnderHazeIsNotTakenForWater) {
  constexpr double kSunZenithDeg = 71.57;  // a shadow of three times the height, due north
  constexpr int kShift = 60;               // of 1200 m
  Scene scene(160, 160, kSoil);
  Image<uint8_t> painted(160, 160);
  for (int y = 100; y < 120; ++y) {
    for (int x = 60; x < 90; ++x) scene.Mix(x, y - kShift, Cover{}, 0.62f), painted(x, y - kShift) = 1;
  }
  for (int y = 0; y < 160; ++y) {
    for (int x = 0; x < 160; ++x) {
      for (size_t b = 0; b < scene.bands.size(); ++b) scene.bands[b](x, y) += std::array{.1f, .08f, .06f, .02f, .02f, .01f, .0f}[b];
    }
  }
  ASSERT_GT(scene.bands[1](70, 50), scene.bands[4](70, 50));
  scene.Rectangle(60, 100, 30, 20, kCloud);
  MaskInput input = scene.Input();
  input.sun_zenith_deg = kSunZenithDeg;
  const ShadowMask found = DetectShadows(input, DetectClouds(input), {kSunZenithDeg, 180, 0, 0, 60});
  EXPECT_GT(F1(painted, found.shadow), 0.9);
  EXPECT_NEAR(found.cloud_height_m, 1200, 40);
}

TEST(DetectShadows, DarkGroundThatAnotherSunExplainsBetterIsNoShadow) {
  constexpr int kShift = 12;
  Scene scene = Fields(100, 5);
  for (const int left : {10, 45, 75}) {
    for (int y = 60; y < 66; ++y) {
      for (int x = left; x < left + 9; ++x) scene.Mix(x + kShift, y, Cover{}, 0.3f);
    }
    scene.Rectangle(left, 60, 9, 6, kCloud);
  }
  const CloudMasks masks = DetectClouds(scene.Input());
  const auto shadow = [&](double sun_azimuth_deg) { return Count(DetectShadows(scene.Input(), masks, {60, sun_azimuth_deg, 0, 0, 60}).shadow); };
  EXPECT_EQ(shadow(180), 0);
  EXPECT_EQ(shadow(0), 0);
  EXPECT_EQ(shadow(90), 0);
  EXPECT_GT(shadow(270), 50);
}

// Shadows larger than the neighbourhood in which lit land is looked for.
TEST(DetectShadows, WideShadowsWithNoLitGroundNearThemAreFound) {
  constexpr int kShift = 60, kSide = 400;  // 3.6 km at 45 degrees, due north
  std::mt19937 random(11);
  Scene scene(kSide, kSide, kMeadow);
  Image<uint8_t> painted(kSide, kSide);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) scene.Mix(x, y, kSoil, ((x / 7 + y / 5) % 4) * 0.3f + (random() % 100) * 0.001f);
  }
  const auto cloudy = [](int x, int y) { return x > 60 && x < 340 && ((y > 90 && y < 240) || y > 300); };
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      if (cloudy(x, y)) {
        scene.Rectangle(x, y, 1, 1, kCloud);
      } else if (y + kShift < kSide && cloudy(x, y + kShift)) {
        scene.Mix(x, y, Cover{}, 0.6f);
        painted(x, y) = 1;
      }
    }
  }
  const ShadowMask found = DetectShadows(scene.Input(), DetectClouds(scene.Input()), {45, 180, 0, 0, 60});
  EXPECT_NEAR(found.cloud_height_m, 3600, 130);
  EXPECT_GT(F1(painted, found.shadow), 0.9);
}

// All that is seen through the holes of a deck is in shadow: nothing tells its height.
TEST(DetectShadows, GroundUnderADeckWhoseHeightNothingTellsIsShadow) {
  Scene scene(200, 200, kMeadow);
  scene.Rectangle(0, 0, 200, 200, Cover{}, 0.6f);
  Image<uint8_t> holes(200, 200);
  for (int y = 0; y < 200; ++y) {
    for (int x = 0; x < 200; ++x) {
      holes(x, y) = x % 40 < 12 && y % 40 < 12;
      if (!holes(x, y)) scene.Rectangle(x, y, 1, 1, kCloud);
    }
  }
  const ShadowMask found = DetectShadows(scene.Input(), DetectClouds(scene.Input()), {45, 180, 0, 0, 60});
  EXPECT_EQ(found.cloud_height_m, 0);
  EXPECT_GE(Count(found.shadow), 0.95 * Count(holes));
}

// The swath ends in the scene: what throws the shadow may not have been seen.
TEST(DetectShadows, AShadowOfACloudBeyondTheSwathIsFound) {
  Scene scene(160, 160, kMeadow);
  scene.Rectangle(100, 60, 20, 20, kCloud);
  for (int y = 35; y < 55; ++y) {
    for (int x = 100; x < 120; ++x) scene.Mix(x, y, Cover{}, 0.6f);
  }
  scene.Rectangle(20, 60, 20, 20, kCloud);  // without data: only its shadow is seen
  for (int y = 35; y < 55; ++y) {
    for (int x = 20; x < 40; ++x) scene.Mix(x, y, Cover{}, 0.6f);
  }
  for (int y = 58; y < 160; ++y) {
    for (int x = 0; x < 60; ++x) scene.valid(x, y) = 0;
  }
  const ShadowMask found = DetectShadows(scene.Input(), DetectClouds(scene.Input()), {45, 180, 0, 0, 60});
  EXPECT_EQ(found.shadow(110, 45), 1);
  EXPECT_EQ(found.shadow(30, 45), 1);
  EXPECT_EQ(found.shadow(75, 45), 0);
}

}  // namespace
}  // namespace arpent::kernels
