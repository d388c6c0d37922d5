#include "common/kernels/atmosphere/inversion.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

#include "common/kernels/atmosphere/correction.h"
#include "common/testing/instruction_sets.h"
#include "gtest/gtest.h"

namespace arpent::kernels {
namespace {

constexpr int kWidth = 203, kHeight = 101;

BandCoefficients SomeCoefficients() {
  BandCoefficients c;
  c.rho_path = 0.07;
  c.t_down_direct = 0.6;
  c.t_down_diffuse = 0.2;
  c.t_up_direct = 0.7;
  c.t_up_diffuse = 0.15;
  c.s_albedo = 0.17;
  c.gas = 0.95;
  FinishCoefficients(c);
  return c;
}

InversionNodes SomeNodes(int step, bool with_curvature) {
  InversionNodes nodes(kWidth, kHeight, step, with_curvature);
  for (int j = 0; j < nodes.gain.height(); ++j) {
    for (int i = 0; i < nodes.gain.width(); ++i) {
      nodes.Set(i, j, {.gain = 1.5e-4 + 1e-6 * i, .offset = 0.1 + 1e-3 * j, .curvature = 0.15 + 1e-3 * (i + j)});
    }
  }
  return nodes;
}

raster::Image<uint16_t> SomeDigitalNumbers() {
  raster::Image<uint16_t> dn(kWidth, kHeight);
  std::mt19937 random(5);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) dn(x, y) = random() % 12000;
  }
  return dn;
}

double Bilinear(const raster::Image<float>& plane, int x, int y, int step) {
  const int i = x / step, j = y / step;
  const double fx = static_cast<double>(x % step) / step, fy = static_cast<double>(y % step) / step;
  return (plane(i, j) * (1 - fx) + plane(i + 1, j) * fx) * (1 - fy) +
         (plane(i, j + 1) * (1 - fx) + plane(i + 1, j + 1) * fx) * fy;
}

TEST(Inversion, InvertsWhatTheAtmosphereDoes) {
  const BandCoefficients c = SomeCoefficients();
  for (double rho : {0.0, 0.05, 0.3, 0.9}) {
    const double toa = ToaReflectance(c, rho);
    EXPECT_NEAR(SurfaceReflectance(c, toa), rho, 1e-12);
    // A uniform scene: the surroundings change nothing.
    const Inversion linear = WithEnvironment(c, rho);
    EXPECT_NEAR(linear.gain * toa - linear.offset, rho, 1e-12);
    const Inversion dn = FromDigitalNumbers(UniformGround(c), 10000, -1000);
    const double y = dn.gain * (toa * 10000 + 1000) - dn.offset;
    EXPECT_NEAR(y / (1 + dn.curvature * y), rho, 1e-12);
  }
}

TEST(Inversion, EnvironmentFollowsTheEquation) {
  const BandCoefficients c = SomeCoefficients();
  const double rho = 0.05, environment = 0.4;
  const double toa = c.rho_path + c.gas * c.t_down() * (c.t_up_direct * rho + c.t_up_diffuse * environment) /
                                      (1 - c.s_albedo * environment);
  const Inversion inversion = WithEnvironment(c, environment);
  EXPECT_NEAR(inversion.gain * toa - inversion.offset, rho, 1e-12);
}

TEST(Inversion, BlockKernelEqualsThePixelFormula) {
  const raster::Image<uint16_t> dn = SomeDigitalNumbers();
  for (int step : {1, 7, 30}) {
    const InversionNodes nodes = SomeNodes(step, true);
    raster::Image<int16_t> out(kWidth, kHeight);
    InvertToSurfaceReflectance(dn.view(), 0, 0, nodes, PixelRange{}, out.view());
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        const double value = Bilinear(nodes.gain, x, y, step) * dn(x, y) - Bilinear(nodes.offset, x, y, step);
        const double rho = value / (1 + Bilinear(nodes.curvature, x, y, step) * value);
        const double expected = dn(x, y) == 0 ? raster::kReflectanceNoData : std::max(rho, -0.2) * 10000;
        ASSERT_NEAR(out(x, y), expected, 0.51) << x << "," << y << " step " << step;
      }
    }
  }
}

TEST(Inversion, CutsGiveTheSameBits) {
  const raster::Image<uint16_t> dn = SomeDigitalNumbers();
  for (bool with_curvature : {false, true}) {
    const InversionNodes nodes = SomeNodes(6, with_curvature);
    raster::Image<int16_t> whole(kWidth, kHeight), pieces(kWidth, kHeight);
    InvertToSurfaceReflectance(dn.view(), 0, 0, nodes, PixelRange{}, whole.view());
    for (int y = 0; y < kHeight; y += 17) {
      for (int x = 0; x < kWidth; x += 37) {
        const geo::Window window{x, y, std::min(37, kWidth - x), std::min(17, kHeight - y)};
        InvertToSurfaceReflectance(dn.view().Sub(window), x, y, nodes, PixelRange{}, pieces.view().Sub(window));
      }
    }
    EXPECT_EQ(whole, pieces);
  }
}

TEST(Inversion, VectorWidthsGiveTheSameBits) {
  const raster::Image<uint16_t> dn = SomeDigitalNumbers();
  raster::Image<float> toa(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) toa(x, y) = dn(x, y) * 1e-4f;
  }
  const InversionNodes nodes = SomeNodes(7, true);
  raster::Image<int16_t> first(kWidth, kHeight), other(kWidth, kHeight);
  raster::Image<float> first_rho(kWidth, kHeight), other_rho(kWidth, kHeight);
  bool is_first = true;
  const int sets = testing::ForEachInstructionSet([&](const char* name) {
    InvertToSurfaceReflectance(dn.view(), 0, 0, nodes, PixelRange{}, (is_first ? first : other).view());
    InvertToSurfaceReflectance(toa.view(), 0, 0, nodes, (is_first ? first_rho : other_rho).view());
    if (!is_first) {
      EXPECT_EQ(first, other) << name;
      EXPECT_EQ(first_rho, other_rho) << name;
    }
    is_first = false;
  });
  if (sets == 1) GTEST_SKIP() << "only one target: nothing was compared";
}

TEST(Inversion, UndefinedCoefficientsAndValuesStayUndefined) {
  InversionNodes nodes(9, 9, 4, true);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  nodes.gain = raster::Image<float>(nodes.gain.width(), nodes.gain.height(), nan);
  const raster::Image<uint16_t> dn(9, 9, 500);
  raster::Image<int16_t> out(9, 9);
  InvertToSurfaceReflectance(dn.view(), 0, 0, nodes, PixelRange{}, out.view());
  EXPECT_EQ(out, raster::Image<int16_t>(9, 9, raster::kReflectanceNoData));

  const InversionNodes good = SomeNodes(4, true);
  const raster::Image<float> toa(9, 9, nan);
  raster::Image<float> rho(9, 9);
  InvertToSurfaceReflectance(toa.view(), 0, 0, good, rho.view());
  for (float value : rho.row(4)) EXPECT_TRUE(std::isnan(value));
}

}  // namespace
}  // namespace arpent::kernels
