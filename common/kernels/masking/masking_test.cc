#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "common/kernels/masking/clouds.h"
#include "common/kernels/masking/regions.h"
#include "common/kernels/masking/scene_class.h"
#include "common/kernels/masking/shadows.h"

namespace arpent::kernels {
namespace {

using raster::Image;

// Reflectance of blue, green, red, nir, nir narrow, swir1, swir2 of common covers (rounded from published libraries).
using Cover = std::array<float, 7>;
constexpr Cover kForest = {0.015f, 0.032f, 0.017f, 0.28f, 0.30f, 0.14f, 0.055f};
constexpr Cover kMeadow = {0.028f, 0.060f, 0.035f, 0.38f, 0.40f, 0.21f, 0.10f};
constexpr Cover kSoil = {0.085f, 0.115f, 0.15f, 0.245f, 0.26f, 0.33f, 0.29f};
constexpr Cover kDuneSand = {0.17f, 0.26f, 0.38f, 0.45f, 0.47f, 0.55f, 0.52f};
constexpr Cover kWater = {0.035f, 0.030f, 0.015f, 0.009f, 0.008f, 0.004f, 0.003f};
constexpr Cover kSnow = {0.85f, 0.84f, 0.82f, 0.78f, 0.76f, 0.08f, 0.06f};
constexpr Cover kTown = {0.115f, 0.13f, 0.14f, 0.175f, 0.185f, 0.21f, 0.19f};
constexpr Cover kCloud = {0.50f, 0.50f, 0.50f, 0.51f, 0.51f, 0.45f, 0.40f};

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

int Count(const Image<uint8_t>& mask) {
  int count = 0;
  for (int y = 0; y < mask.height(); ++y) {
    for (const uint8_t v : mask.row(y)) count += v != 0;
  }
  return count;
}

TEST(Dilate, EqualsTheObviousLoop) {
  std::mt19937 random(2);
  for (const int radius : {0, 1, 3, 40}) {
    Image<uint8_t> mask(31, 23);
    for (int y = 0; y < 23; ++y) {
      for (uint8_t& v : mask.row(y)) v = random() % 60 == 0;
    }
    const Image<uint8_t> grown = Dilate(mask.view(), radius);
    for (int y = 0; y < 23; ++y) {
      for (int x = 0; x < 31; ++x) {
        bool any = false;
        for (int j = std::max(0, y - radius); j <= std::min(22, y + radius); ++j) {
          for (int i = std::max(0, x - radius); i <= std::min(30, x + radius); ++i) any |= mask(i, j) != 0;
        }
        ASSERT_EQ(grown(x, y), any) << radius << ' ' << x << ' ' << y;
      }
    }
  }
}

TEST(LabelRegions, JoinsDiagonalsAndCountsInOrder) {
  const std::vector<std::string> picture = {"X..X.", ".X.X.", "....X", "X...X"};
  Image<uint8_t> mask(5, 4);
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 5; ++x) mask(x, y) = picture[y][x] == 'X';
  }
  const Regions regions = LabelRegions(mask.view());
  EXPECT_EQ(regions.count, 3);
  EXPECT_EQ(regions.labels(0, 0), 1);
  EXPECT_EQ(regions.labels(1, 1), 1);
  EXPECT_EQ(regions.labels(3, 0), 2);
  EXPECT_EQ(regions.labels(4, 3), 2);
  EXPECT_EQ(regions.labels(0, 3), 3);
}

TEST(MeanAround, EqualsTheObviousLoop) {
  std::mt19937 random(4);
  Image<float> values(19, 14);
  Image<uint8_t> mask(19, 14);
  for (int y = 0; y < 14; ++y) {
    for (int x = 0; x < 19; ++x) values(x, y) = (random() % 10000) * 1e-4f, mask(x, y) = random() % 3 != 0;
  }
  const LocalMean around = MeanAround(values.view(), mask.view(), 2);
  for (int y = 0; y < 14; ++y) {
    for (int x = 0; x < 19; ++x) {
      double sum = 0;
      int count = 0;
      for (int j = std::max(0, y - 2); j <= std::min(13, y + 2); ++j) {
        for (int i = std::max(0, x - 2); i <= std::min(18, x + 2); ++i) {
          if (mask(i, j)) sum += values(i, j), ++count;
        }
      }
      ASSERT_EQ(around.count(x, y), count);
      ASSERT_NEAR(around.mean(x, y), count > 0 ? sum / count : 0, 1e-6);
    }
  }
}

TEST(DetectClouds, ClearCoversAreNoCloud) {
  for (const Cover& cover : {kForest, kMeadow, kSoil, kDuneSand, kWater, kSnow, kTown}) {
    const Scene scene(40, 40, cover);
    const CloudMasks masks = DetectClouds(scene.Input());
    EXPECT_EQ(Count(masks.cloud), 0) << "cover with blue " << cover[0];
    EXPECT_EQ(CloudCover(masks), 0);
  }
}

TEST(DetectClouds, SnowAndWaterHaveTheirOwnMasks) {
  EXPECT_EQ(Count(DetectClouds(Scene(10, 10, kSnow).Input()).snow), 100);
  EXPECT_EQ(Count(DetectClouds(Scene(10, 10, kWater).Input()).water), 100);
  EXPECT_EQ(Count(DetectClouds(Scene(10, 10, kForest).Input()).water), 0);
}

TEST(DetectClouds, FindsOpaqueCloudsOverEverything) {
  for (const Cover& cover : {kForest, kMeadow, kSoil, kDuneSand, kWater}) {
    Scene scene(60, 60, cover);
    scene.Rectangle(20, 20, 10, 8, kCloud);
    const CloudMasks masks = DetectClouds(scene.Input());
    EXPECT_EQ(Count(masks.cloud), 80) << "over blue " << cover[0];
    EXPECT_GE(masks.cloud_percent(25, 24), kCertainCloudPercent);
    EXPECT_NEAR(CloudCover(masks), 80.0 / 3600, 1e-9);
  }
}

TEST(DetectClouds, ACloudDoesNotRunOverTheTownBelow) {
  Scene scene(80, 80, kTown);
  scene.Rectangle(20, 20, 10, 8, kCloud);
  const CloudMasks masks = DetectClouds(scene.Input());
  EXPECT_GE(Count(masks.cloud), 80);
  EXPECT_EQ(masks.cloud(60, 60), 0);
}

TEST(DetectClouds, FindsAThinDeckOverForestButNoWhiteRoof) {
  Scene deck(40, 40, kForest);
  deck.Rectangle(0, 0, 40, 40, kCloud, 0.25f);
  EXPECT_EQ(Count(DetectClouds(deck.Input()).cloud), 1600);

  Scene roof(40, 40, kMeadow);
  roof.Rectangle(20, 20, 1, 2, kCloud);  // 60 x 120 m
  EXPECT_EQ(Count(DetectClouds(roof.Input()).cloud), 0);
}

TEST(DetectClouds, PixelsOfSnowAndGroundAreNoCloudButCloudsBesideSnowAre) {
  Scene scene(120, 120, kSoil);
  for (int top = 10; top < 110; top += 20) {
    for (int left = 10; left < 50; left += 20) {
      scene.Rectangle(left - 1, top - 1, 12, 12, kSnow, 0.5f);
      scene.Rectangle(left, top, 10, 10, kSnow);
    }
  }
  EXPECT_EQ(Count(DetectClouds(scene.Input()).cloud), 0);
  EXPECT_EQ(Count(DetectClouds(scene.Input()).snow), 10 * 100);
  scene.Rectangle(60, 20, 20, 60, kCloud);
  scene.Rectangle(41, 30, 19, 20, kCloud);  // runs up to a field of snow
  EXPECT_GE(Count(DetectClouds(scene.Input()).cloud), 20 * 60 + 19 * 20 - 20);
}

// Aerosol over meadows and ploughed fields that thickens from west to east, as much as `blue` in the blue.
Scene UnderVaryingHaze(float blue) {
  Scene scene(300, 100, kMeadow);
  for (int x = 0; x < 300; x += 12) scene.Rectangle(x, 0, 6, 100, kSoil);
  for (size_t b = 0; b < scene.bands.size(); ++b) {
    const float share = b == 0 ? 1.0f : b == 1 ? 0.8f : b == 2 ? 0.6f : 0.3f;
    for (int y = 0; y < 100; ++y) {
      for (int x = 0; x < 300; ++x) scene.bands[b](x, y) += share * blue * x / 300;
    }
  }
  return scene;
}

TEST(DetectClouds, HazeThatVariesUnderALowSunIsNoCloud) {
  const Scene scene = UnderVaryingHaze(0.09f);
  MaskInput input = scene.Input();
  input.sun_zenith_deg = 72;
  EXPECT_EQ(Count(DetectClouds(input).cloud), 0);
  // A high sun lights no haze as much: it is cloud.
  input.sun_zenith_deg = 30;
  EXPECT_GT(Count(DetectClouds(input).cloud), 1000);
}

TEST(DetectClouds, CloudsInHazeThatVariesAreFoundWithTheirRims) {
  Scene scene = UnderVaryingHaze(0.03f);
  Image<uint8_t> painted(300, 100);
  for (int left = 30; left < 280; left += 60) {
    for (int y = 40; y < 54; ++y) {
      for (int x = left; x < left + 14; ++x) {
        const int inside = std::min({x - left, left + 13 - x, y - 40, 53 - y});
        scene.Mix(x, y, kCloud, inside == 0 ? 0.08f : inside == 1 ? 0.15f : 0.6f);
        painted(x, y) = 1;
      }
    }
  }
  MaskInput input = scene.Input();
  input.sun_zenith_deg = 60;
  const CloudMasks masks = DetectClouds(input);
  int both = 0;
  for (int y = 0; y < 100; ++y) {
    for (int x = 0; x < 300; ++x) both += painted(x, y) && masks.cloud(x, y);
  }
  EXPECT_GE(both, 0.95 * Count(painted));
  EXPECT_LE(Count(masks.cloud) - both, 0.01 * 300 * 100);
}

TEST(DetectClouds, ThinCirrusIsSeenAt1380nm) {
  Scene scene(20, 20, kMeadow);
  scene.cirrus = Image<float>(20, 20, 0.02f);
  const CloudMasks masks = DetectClouds(scene.Input());
  EXPECT_EQ(Count(masks.cirrus), 400);
  EXPECT_EQ(Count(masks.cloud), 0);
  scene.cirrus = Image<float>(20, 20, 0.05f);
  EXPECT_EQ(Count(DetectClouds(scene.Input()).cloud), 400);
}

TEST(DetectClouds, PixelsWithoutDataAreLeftOut) {
  Scene scene(10, 10, kCloud);
  scene.valid = Image<uint8_t>(10, 10, 0);
  scene.valid(3, 3) = 1;
  const CloudMasks masks = DetectClouds(scene.Input());
  EXPECT_EQ(masks.cloud_percent(0, 0), raster::kByteNoData);
  EXPECT_EQ(masks.cloud_percent(3, 3), 100);
  EXPECT_EQ(masks.cloud(0, 0), 0);
}

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
  int both = 0;
  for (int y = 0; y < 160; ++y) {
    for (int x = 0; x < 160; ++x) both += painted(x, y) && found.shadow(x, y);
  }
  EXPECT_GT(2.0 * both / (Count(painted) + Count(found.shadow)), 0.9);
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
  int both = 0;
  for (int y = 0; y < 260; ++y) {
    for (int x = 0; x < 260; ++x) both += painted(x, y) && found.shadow(x, y);
  }
  EXPECT_GT(2.0 * both / (Count(painted) + Count(found.shadow)), 0.9);
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
  int both = 0;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) both += painted(x, y) && found.shadow(x, y);
  }
  EXPECT_GT(2.0 * both / (Count(painted) + Count(found.shadow)), 0.9);
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

GroundSpectrum SpectrumOf(const Cover& c) { return {c[0], c[1], c[2], c[4], c[5], c[6]}; }

TEST(SceneClass, NamesCoversAndPutsMasksFirst) {
  PixelMasks clear;
  clear.valid = true;
  EXPECT_EQ(SceneClass(clear, SpectrumOf(kForest)), raster::kSclVegetation);
  EXPECT_EQ(SceneClass(clear, SpectrumOf(kSoil)), raster::kSclBare);
  EXPECT_EQ(SceneClass(clear, SpectrumOf(kWater)), raster::kSclWater);
  PixelMasks hazy = clear;
  hazy.cloud_percent = 30;
  EXPECT_EQ(SceneClass(hazy, SpectrumOf(kSoil)), raster::kSclUnclassified);
  EXPECT_EQ(SceneClass(hazy, SpectrumOf(kForest)), raster::kSclVegetation);
  PixelMasks cloudy = clear;
  cloudy.cloud = cloudy.shadow = true;
  cloudy.cloud_percent = 55;
  EXPECT_EQ(SceneClass(cloudy, SpectrumOf(kCloud)), raster::kSclCloudMedium);
  cloudy.cloud_percent = 80;
  EXPECT_EQ(SceneClass(cloudy, SpectrumOf(kCloud)), raster::kSclCloudHigh);
  EXPECT_EQ(QualityBits(cloudy, raster::kSclCloudHigh), raster::kQaCloud | raster::kQaCloudShadow);
  EXPECT_EQ(SceneClass(PixelMasks{}, SpectrumOf(kSoil)), raster::kSclNoData);
  EXPECT_EQ(QualityBits(PixelMasks{}, raster::kSclNoData), raster::kQaNoData);
}

// What is known of a scene's ground: its covers as they are, before clouds and haze.
struct Known {
  Image<float> blue, red;
  explicit Known(const Scene& scene) : blue(scene.bands[0]), red(scene.bands[2]) {}
  KnownReflectance View() const { return {blue.view(), red.view()}; }
};

TEST(JudgeByChange, FindsThinCloudThatColourAloneMisses) {
  Scene scene(120, 120, kMeadow);
  scene.Rectangle(0, 60, 120, 60, kSoil);
  const Known known(scene);
  scene.Rectangle(20, 20, 30, 30, kCloud, 0.12f);
  const KnownReflectance view = known.View();
  EXPECT_EQ(Count(DetectClouds(scene.Input()).cloud), 0);
  const CloudMasks found = DetectClouds(scene.Input(), &view);
  EXPECT_GE(Count(found.cloud), 800);
  EXPECT_LE(Count(found.cloud), 32 * 32);
  EXPECT_EQ(found.cloud(35, 35), 1);
}

TEST(JudgeByChange, BrightGroundThatWasBrightBeforeIsNoCloud) {
  constexpr Cover kWhiteRoofs = {0.33f, 0.34f, 0.35f, 0.37f, 0.38f, 0.36f, 0.30f};
  Scene scene(120, 120, kMeadow);
  scene.Rectangle(30, 30, 20, 20, kWhiteRoofs);
  const Known known(scene);
  const KnownReflectance view = known.View();
  EXPECT_GE(Count(DetectClouds(scene.Input()).cloud), 300);
  EXPECT_EQ(Count(DetectClouds(scene.Input(), &view).cloud), 0);
}

TEST(JudgeByChange, PloughedFieldsHazeOverAllAndUnknownGroundAreLeftAlone) {
  Scene scene(120, 120, kMeadow);
  const Known known(scene);
  scene.Rectangle(10, 10, 40, 40, kSoil);  // ploughed since
  for (size_t b = 0; b < 3; ++b) {
    for (int y = 0; y < 120; ++y) {
      for (float& v : scene.bands[b].row(y)) v += b == 0 ? 0.025f : 0.015f;  // haze everywhere
    }
  }
  const KnownReflectance view = known.View();
  EXPECT_EQ(Count(DetectClouds(scene.Input(), &view).cloud), 0);
  Known nothing(scene);
  for (Image<float>* band : {&nothing.blue, &nothing.red}) {
    for (int y = 0; y < 120; ++y) std::fill(band->row(y).begin(), band->row(y).end(), NAN);
  }
  scene.Rectangle(70, 70, 30, 30, kCloud);
  const KnownReflectance unknown = nothing.View();
  const CloudMasks with = DetectClouds(scene.Input(), &unknown), without = DetectClouds(scene.Input());
  for (int y = 0; y < 120; ++y) {
    for (int x = 0; x < 120; ++x) ASSERT_EQ(with.cloud_percent(x, y), without.cloud_percent(x, y));
  }
}

}  // namespace
}  // namespace arpent::kernels
