#include "common/kernels/retrieval/dark_water.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace arpent::kernels {
namespace {

// A plain single-scattering atmosphere, not the tables'.
BandCoefficients Air(double path_per_aot, double extinction, double aot) {
  BandCoefficients c;
  c.rho_path = path_per_aot * aot;
  c.t_down_direct = std::exp(-extinction * aot * 1.3);
  c.t_down_diffuse = 0.8 * (1 - c.t_down_direct);
  c.t_up_direct = std::exp(-extinction * aot);
  c.t_up_diffuse = 0.8 * (1 - c.t_up_direct);
  c.s_albedo = 0.1 * aot;
  FinishCoefficients(c);
  return c;
}
BandCoefficients Red(double aot) { return Air(0.085, 0.6, aot); }
BandCoefficients Nir(double aot) { return Air(0.060, 0.45, aot); }
BandCoefficients Swir1(double aot) { return Air(0.020, 0.2, aot); }
BandCoefficients Swir2(double aot) { return Air(0.010, 0.1, aot); }

WaterSteps Steps() {
  WaterSteps steps;
  for (const double aot : {0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0}) {
    steps.aot.push_back(aot);
    steps.red.push_back(Red(aot));
    steps.nir.push_back(Nir(aot));
    steps.swir1.push_back(Swir1(aot));
    steps.swir2.push_back(Swir2(aot));
  }
  return steps;
}

std::vector<WaterPixel> Sea(double aot, double red, double nir, double glint) {
  const auto seen = [](const BandCoefficients& c, double rho) {
    const auto toa = static_cast<float>(ToaReflectance(c, rho));
    return SeenPixel{toa, toa};
  };
  return std::vector<WaterPixel>(80, {seen(Red(aot), red + glint), seen(Nir(aot), nir + glint), seen(Swir1(aot), 0.93 * glint),
                                      seen(Swir2(aot), 0.86 * glint)});
}

TEST(DarkWater, ClearWaterGivesTheAotWhateverTheGlint) {
  for (const double aot : {0.02, 0.12, 0.25, 0.6}) {
    for (const double glint : {0.0, 0.004, 0.015}) {
      const AotEstimate e = EstimateAotOverWater(Steps(), Sea(aot, 0.004, 0.0003, glint), 0.01);
      EXPECT_EQ(e.pixels, 80);
      EXPECT_NEAR(e.aot, aot, std::max(0.02, 0.05 * aot)) << glint;  // expected glint pulls a little
    }
  }
}

TEST(DarkWater, TurbidWaterIsNotHaze) {
  EXPECT_EQ(EstimateAotOverWater(Steps(), Sea(0.2, 0.10, 0.03, 0), 0.005).pixels, 0);
  EXPECT_EQ(EstimateAotOverWater(Steps(), Sea(0.2, 0.06, 0.012, 0), 0.005).pixels, 0);
  const AotEstimate slightly = EstimateAotOverWater(Steps(), Sea(0.2, 0.012, 0.0019, 0), 0.005);
  EXPECT_EQ(slightly.pixels, 80);
  EXPECT_NEAR(slightly.aot, 0.2, 0.03);
}

TEST(DarkWater, GroundIsNoWater) {
  std::vector<WaterPixel> pixels = Sea(0.2, 0.03, 0.3, 0);
  for (WaterPixel& p : pixels) p.swir1.toa = p.swir1.around = 0.15f;
  EXPECT_EQ(EstimateAotOverWater(Steps(), pixels, 0.005).pixels, 0);
  EXPECT_EQ(EstimateAotOverWater(Steps(), {}, 0.005).pixels, 0);
}

TEST(SunGlint, IsBrightestInTheMirrorDirectionAndFadesAway) {
  // Mirror at 30 degrees: the tilt is 0, p = 1 / (pi s2), and glint = 0.0211 / (4 s2 cos2 30).
  const double variance = 0.003 + 0.00512 * 5;
  EXPECT_NEAR(SunGlint(30, 30, 180), 0.0211 / (4 * variance * 0.75), 1e-6);
  EXPECT_LT(SunGlint(60, 0, 0), 1e-5);
  EXPECT_GT(SunGlint(30, 10, 180), SunGlint(30, 10, 90));
  EXPECT_GT(SunGlint(30, 10, 90), SunGlint(30, 10, 0));
  EXPECT_NEAR(SunGlint(40, 8, 70), SunGlint(8, 40, 70), 1e-12);  // reciprocity
}

}  // namespace
}  // namespace arpent::kernels
