#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "common/kernels/masking/clouds.h"
#include "common/kernels/masking/painted_scene_for_test.h"
#include "common/kernels/masking/regions.h"
#include "common/kernels/masking/scene_class.h"

namespace arpent::kernels {
namespace {

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
  const int both = CountBoth(painted, masks.cloud);
  EXPECT_GE(both, 0.95 * Count(painted));
  EXPECT_LE(Count(masks.cloud) - both, 0.01 * 300 * 100);
}

// Grey through and through, as thin cloud would be: a town under haze.
constexpr Cover kGreyTown = {0.16f, 0.17f, 0.19f, 0.22f, 0.23f, 0.26f, 0.24f};

TEST(DetectClouds, APatchOfOneThicknessIsGroundButOneThatThickensInwardsIsCloud) {
  Scene town(80, 80, kMeadow);
  town.Rectangle(30, 30, 10, 10, kGreyTown);
  const CloudMasks masks = DetectClouds(town.Input());
  ASSERT_GE(masks.cloud_percent(35, 35), 80);  // by colour alone it is cloud
  EXPECT_EQ(Count(masks.cloud), 0);

  Scene cloud(80, 80, kMeadow);
  for (int ring = 0; ring < 5; ++ring) {
    cloud.Rectangle(30 + ring, 30 + ring, 10 - 2 * ring, 10 - 2 * ring, kMeadow);
    cloud.Rectangle(30 + ring, 30 + ring, 10 - 2 * ring, 10 - 2 * ring, kCloud, 0.17f + 0.03f * ring);
  }
  EXPECT_GE(Count(DetectClouds(cloud.Input()).cloud), 90);
}

TEST(DetectClouds, ATownBesideACloudIsGroundButAThinPartInsideACloudIsCloud) {
  Scene town(80, 80, kMeadow);
  town.Rectangle(30, 30, 12, 12, kGreyTown);
  town.Rectangle(42, 30, 12, 12, kCloud);
  Image<uint8_t> painted(80, 80);
  for (int y = 30; y < 42; ++y) {
    for (int x = 42; x < 54; ++x) painted(x, y) = 1;
  }
  const CloudMasks beside = DetectClouds(town.Input());
  ASSERT_GE(beside.cloud_percent(35, 35), 80);
  EXPECT_EQ(CountBoth(beside.cloud, painted), 144);
  EXPECT_LE(Count(beside.cloud), 144 + 2 * 16);  // and the cloud's rim

  Scene inside(80, 80, kMeadow);
  inside.Rectangle(20, 20, 40, 40, kCloud);
  inside.Rectangle(34, 34, 12, 12, kMeadow);
  inside.Rectangle(34, 34, 12, 12, kCloud, 0.22f);
  EXPECT_EQ(Count(DetectClouds(inside.Input()).cloud), 1600);
}

TEST(DetectClouds, BrightSoilUnderThinCirrusIsNoRimOfACloud) {
  constexpr Cover kBrightSoil = {0.136f, 0.184f, 0.24f, 0.39f, 0.42f, 0.53f, 0.46f};
  Scene scene(80, 80, kMeadow);
  scene.Rectangle(20, 20, 40, 40, kBrightSoil);
  scene.Rectangle(30, 30, 12, 12, kCloud);
  for (int y = 10; y < 70; ++y) {
    for (int x = 10; x < 70; ++x) {
      for (auto& band : scene.bands) band(x, y) += 0.011f;
      scene.cirrus(x, y) = 0.011f;
    }
  }
  EXPECT_NEAR(HazeAt(scene.Input(), 25, 25), 0.016f + 0.5f * 0.0025f, 1e-6f);
  EXPECT_EQ(Count(DetectClouds(scene.Input()).cloud), 144);
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
