#include "common/kernels/retrieval/aerosol.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace arpent::kernels {
namespace {

constexpr SeenPixel kNone{std::numeric_limits<float>::quiet_NaN(), 0};

SeenPixel AmongItsLike(double toa) { return {static_cast<float>(toa), static_cast<float>(toa)}; }

// A plain single-scattering atmosphere, not the tables': path and transmittance linear and exponential in AOT.
BandCoefficients Air(double path_per_aot, double extinction, double molecular_path, double aot) {
  BandCoefficients c;
  c.rho_path = molecular_path + path_per_aot * aot;
  c.t_down_direct = std::exp(-extinction * aot * 1.3);
  c.t_down_diffuse = 0.8 * (1 - c.t_down_direct);
  c.t_up_direct = std::exp(-extinction * aot);
  c.t_up_diffuse = 0.8 * (1 - c.t_up_direct);
  c.s_albedo = 0.1 * aot;
  FinishCoefficients(c);
  return c;
}
BandCoefficients Blue(double aot) { return Air(0.13, 0.9, 0.07, aot); }
BandCoefficients Red(double aot) { return Air(0.085, 0.6, 0.02, aot); }
BandCoefficients Swir2(double aot) { return Air(0.01, 0.1, 0.0, aot); }

AotSteps Steps() {
  AotSteps steps;
  for (const double aot : {0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.4, 2.0}) {
    steps.aot.push_back(aot);
    steps.blue.push_back(Blue(aot));
    steps.red.push_back(Red(aot));
    steps.swir2.push_back(Swir2(aot));
  }
  return steps;
}

std::vector<DarkPixel> Pixels(double aot, double red_ratio, double blue_ratio, int count, double noise, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> gauss(0, noise);
  std::vector<DarkPixel> pixels;
  for (int i = 0; i < count; ++i) {
    const double swir2 = 0.03 + 0.05 * i / count;
    const double red = red_ratio * swir2;
    pixels.push_back({AmongItsLike(ToaReflectance(Blue(aot), blue_ratio * red) + gauss(random)),
                      AmongItsLike(ToaReflectance(Red(aot), red) + gauss(random)),
                      AmongItsLike(ToaReflectance(Swir2(aot), swir2) + gauss(random))});
  }
  return pixels;
}

TEST(EstimateAot, FindsTheAotOfPixelsThatObeyTheRelation) {
  const AotSteps steps = Steps();
  for (const double aot : {0.02, 0.12, 0.27, 0.55, 1.2}) {
    const AotEstimate e = EstimateAot(steps, Pixels(aot, kRedToSwir2, kBlueToRed, 50, 0, 1), kNone, kNone);
    EXPECT_NEAR(e.aot, aot, 0.01 + 0.025 * aot) << aot;  // the steps are wider at high AOT
    EXPECT_EQ(e.pixels, 50);
    EXPECT_LT(e.uncertainty, 0.05 + 0.15 * aot);
  }
}

TEST(EstimateAot, StaysCloseWhenTheGroundHasOtherRatios) {
  const AotSteps steps = Steps();
  double sum = 0;
  int count = 0;
  for (const double aot : {0.05, 0.2, 0.4, 0.6}) {
    for (const double red_ratio : {0.45, 0.525, 0.6}) {
      for (const double blue_ratio : {0.4, 0.5, 0.6}) {
        const double error = EstimateAot(steps, Pixels(aot, red_ratio, blue_ratio, 60, 0.001, 3), kNone, kNone).aot - aot;
        sum += error * error;
        ++count;
      }
    }
  }
  EXPECT_LT(std::sqrt(sum / count), 0.04);  // the bound of the whole retrieval; these are its corners
}

TEST(EstimateAot, IgnoresAFewPixelsThatAreNoVegetation) {
  std::vector<DarkPixel> pixels = Pixels(0.2, kRedToSwir2, kBlueToRed, 80, 0.0005, 5);
  for (int i = 0; i < 12; ++i) pixels.push_back({AmongItsLike(0.22), AmongItsLike(0.18), AmongItsLike(0.06)});
  EXPECT_NEAR(EstimateAot(Steps(), pixels, kNone, kNone).aot, 0.2, 0.02);
}

TEST(EstimateAot, TakesOffWhatStraysInFromBrightFields) {
  // The same vegetation, a few pixels among fields of 0.10 (blue), 0.16 (red) and 0.30 (2.2 um).
  for (const double aot : {0.1, 0.3, 0.6}) {
    const auto seen = [](const BandCoefficients& c, double rho, double fields) {
      const double toa = c.rho_path + c.gas * c.t_down() * (c.t_up_direct * rho + c.t_up_diffuse * fields) / (1 - c.s_albedo * fields);
      return SeenPixel{static_cast<float>(toa), static_cast<float>(ToaReflectance(c, fields))};
    };
    std::vector<DarkPixel> pixels, as_uniform;
    for (int i = 0; i < 40; ++i) {
      const double swir2 = 0.04 + 0.001 * i, red = kRedToSwir2 * swir2, blue = kBlueToRed * red;
      pixels.push_back({seen(Blue(aot), blue, 0.10), seen(Red(aot), red, 0.16), seen(Swir2(aot), swir2, 0.30)});
      as_uniform.push_back({AmongItsLike(pixels.back().blue.toa), AmongItsLike(pixels.back().red.toa), AmongItsLike(pixels.back().swir2.toa)});
    }
    EXPECT_NEAR(EstimateAot(Steps(), pixels, kNone, kNone).aot, aot, 0.07 * aot) << aot;  // wide steps at high AOT
    EXPECT_GT(EstimateAot(Steps(), as_uniform, kNone, kNone).aot, 1.1 * aot) << aot;
  }
}

TEST(EstimateAot, DarkGroundSetsAnUpperBound) {
  const std::vector<DarkPixel> pixels = Pixels(0.5, kRedToSwir2, kBlueToRed, 40, 0, 5);
  const SeenPixel darkest = AmongItsLike(ToaReflectance(Blue(0.3), 0.0));
  EXPECT_NEAR(EstimateAot(Steps(), pixels, darkest, kNone).aot, 0.3, 0.01);
}

TEST(EstimateAot, NoPixelsNoEstimate) { EXPECT_EQ(EstimateAot(Steps(), {}, kNone, kNone).pixels, 0); }

TEST(SmoothAot, FillsFromNeighboursAndFallsBack) {
  std::vector<AotEstimate> cells(25);
  cells[12] = {0.4, 0.05, 100};
  const AotMap map = SmoothAot(cells, 5, 1, {0.1, 0.2, 10});
  EXPECT_NEAR(map.aot(2, 2), 0.4, 0.01);
  EXPECT_EQ(map.interpolated(2, 2), 0);
  EXPECT_EQ(map.interpolated(0, 0), 1);
  EXPECT_GT(map.aot(0, 0), 0.3);
  const AotMap none = SmoothAot(std::vector<AotEstimate>(4), 2, 1, {0.15, 0.1, 0});
  EXPECT_NEAR(none.aot(1, 1), 0.15, 1e-6);
  EXPECT_EQ(none.interpolated(1, 1), 1);
}

}  // namespace
}  // namespace arpent::kernels
