#include "common/kernels/masking/terrain.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace arpent::kernels {
namespace {

using raster::Image;

Image<float> Plane(double east, double north) {
  Image<float> heights(30, 30);
  for (int y = 0; y < 30; ++y) {
    for (int x = 0; x < 30; ++x) heights(x, y) = static_cast<float>(500 + 20 * (east * x - north * y));
  }
  return heights;
}

TEST(Illuminate, FlatGroundChangesNothingAtAll) {
  const Illumination light = Illuminate(Image<float>(10, 10, 321.5f).view(), 20, {47, 150});
  for (int y = 0; y < 10; ++y) {
    for (int x = 0; x < 10; ++x) EXPECT_EQ(SlopeFactor(light.direct(x, y), light.sky(x, y), 0.83f, 0.2f), 1.0f);
  }
}

TEST(Illuminate, EqualsTheAngleBetweenSunAndNormal) {
  // A 20 degree slope facing south under a sun 50 degrees from the zenith in the south: the sun stands 30 degrees off.
  const double slope = 20 * M_PI / 180;
  const Illumination light = Illuminate(Plane(0, std::tan(slope)).view(), 20, {50, 180});
  EXPECT_NEAR(light.direct(15, 15), std::cos(30 * M_PI / 180) / std::cos(50 * M_PI / 180), 1e-4);
  EXPECT_NEAR(light.sky(15, 15), (1 + std::cos(slope)) / 2, 1e-5);
  const Illumination away = Illuminate(Plane(0, -std::tan(slope)).view(), 20, {50, 180});
  EXPECT_NEAR(away.direct(15, 15), std::cos(70 * M_PI / 180) / std::cos(50 * M_PI / 180), 1e-4);
  const Illumination east = Illuminate(Plane(-std::tan(slope), 0).view(), 20, {50, 90});
  EXPECT_NEAR(east.direct(15, 15), std::cos(30 * M_PI / 180) / std::cos(50 * M_PI / 180), 1e-4);
}

TEST(SlopeFactor, ATiltedPlaneComesBack) {
  // What a plane of 0.3 reflects, summed up from its direct, sky and ground light, over what flat ground would.
  for (const double slope : {5.0, 15.0, 30.0}) {
    const double zenith = 40, reflectance = 0.3, environment = 0.25, share = 0.8;
    const double direct = std::cos((zenith - slope) * M_PI / 180) / std::cos(zenith * M_PI / 180);
    const double sky = (1 + std::cos(slope * M_PI / 180)) / 2;
    const double apparent = reflectance * (share * direct + (1 - share) * sky + environment * (1 - sky));
    const Illumination light = Illuminate(Plane(0, std::tan(slope * M_PI / 180)).view(), 20, {zenith, 180});
    const float factor = SlopeFactor(light.direct(15, 15), light.sky(15, 15), 0.8f, 0.25f);
    EXPECT_NEAR(apparent / factor, reflectance, 1e-4) << slope;
  }
}

TEST(CastShadows, AWallThrowsItsShadowAwayFromTheSun) {
  Image<float> heights(40, 40, 0.0f);
  for (int x = 0; x < 40; ++x) heights(x, 20) = 100;
  // Sun in the south, 45 degrees high: 100 m of wall darken 100 m of ground, five pixels, to the north.
  const Image<uint8_t> shadow = CastShadows(heights.view(), 20, {45, 180});
  for (int k = 1; k <= 4; ++k) EXPECT_EQ(shadow(10, 20 - k), 1) << k;
  EXPECT_EQ(shadow(10, 14), 0);
  EXPECT_EQ(shadow(10, 25), 0);
}

TEST(Illuminate, HolesAreFlat) {
  Image<float> heights = Plane(0.3, 0);
  heights(10, 10) = std::numeric_limits<float>::quiet_NaN();
  const Illumination light = Illuminate(heights.view(), 20, {50, 180});
  EXPECT_EQ(light.direct(10, 10), 1.0f);
  EXPECT_TRUE(std::isfinite(light.direct(11, 10)));
}

}  // namespace
}  // namespace arpent::kernels
