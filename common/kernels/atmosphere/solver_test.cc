#include "common/kernels/atmosphere/solver.h"

#include <array>
#include <cmath>
#include <numbers>
#include <random>

#include "gtest/gtest.h"

namespace arpent::kernels {
namespace {

constexpr double kPi = std::numbers::pi;
using Vector = std::array<double, 3>;

double Dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

// A direction of travel and the unit vector in its meridian plane towards growing zenith angle.
Vector Travel(double cosine, double azimuth) {
  const double sine = std::sqrt(1 - cosine * cosine);
  return {sine * std::cos(azimuth), sine * std::sin(azimuth), cosine};
}
Vector Meridian(double cosine, double azimuth) {
  const double sine = std::sqrt(1 - cosine * cosine);
  return {cosine * std::cos(azimuth), cosine * std::sin(azimuth), -sine};
}

// Spheres of the Henyey-Greenstein kind: no polarisation of their own.
PhaseExpansion HenyeyGreenstein(double g, int terms) {
  PhaseExpansion expansion;
  for (int l = 0; l < terms; ++l) expansion.b.push_back((2 * l + 1) * std::pow(g, l));
  for (auto* part : {&expansion.g, &expansion.a, &expansion.z}) part->assign(terms, 0.0);
  return expansion;
}

TEST(GeneralizedFunctions, QuadratureIntegratesPolynomials) {
  const Quadrature quadrature = GaussOnUnitInterval(12);
  for (int power = 0; power < 24; ++power) {
    double sum = 0;
    for (size_t i = 0; i < quadrature.node.size(); ++i) {
      sum += quadrature.weight[i] * std::pow(quadrature.node[i], power);
    }
    EXPECT_NEAR(sum, 1.0 / (power + 1), 1e-13);
  }
}

TEST(GeneralizedFunctions, KnownValuesAndOrthogonality) {
  EXPECT_NEAR(WignerD(0, 2, 2, 0.3)[2], std::sqrt(6.0) / 4 * (1 - 0.09), 1e-14);
  EXPECT_NEAR(WignerD(0, 0, 3, 0.3)[3], (5 * 0.027 - 3 * 0.3) / 2, 1e-14);
  EXPECT_NEAR(WignerD(2, 2, 2, 0.3)[2], std::pow(0.65, 2), 1e-14);
  EXPECT_NEAR(WignerD(2, -2, 2, 0.3)[2], std::pow(0.35, 2), 1e-14);
  const Quadrature quadrature = GaussOnUnitInterval(40);
  for (int m : {0, 1, 3}) {
    std::array<std::array<double, 12>, 12> product{};
    for (size_t i = 0; i < quadrature.node.size(); ++i) {
      const auto d = WignerD(m, 2, 11, 2 * quadrature.node[i] - 1);
      for (int k = 0; k < 12; ++k) {
        for (int l = 0; l < 12; ++l) product[k][l] += 2 * quadrature.weight[i] * d[k] * d[l];
      }
    }
    for (int l = std::max(2, m); l < 12; ++l) EXPECT_NEAR(product[l][l], 2.0 / (2 * l + 1), 1e-12);
    EXPECT_NEAR(product[4][7], 0, 1e-12);
  }
}

// The Fourier sum of the matrices must be what turning the scattering plane into the meridian plane gives.
TEST(PhaseMatrices, AreTheRotatedMatrixOfMolecules) {
  const AngularGrid grid({.streams = 8, .layers = 4}, {30}, {50});
  const PhaseMatrices matrices(grid, MolecularExpansion());
  const double c = 2 * (1 - 0.0279) / (2 + 0.0279);
  const double beam = grid.view_cosine(0);
  for (int i = 0; i < grid.stream_count(); ++i) {
    for (const bool down : {true, false}) {
      for (double azimuth : {0.3, 1.9, 2.8}) {
        double intensity = 0, q = 0;
        for (int m = 0; m < 3; ++m) {
          const Matrix& source = down ? matrices.order(m).beam_down : matrices.order(m).beam_up;
          const double factor = 4 * (m == 0 ? 1 : 2) * std::cos(m * azimuth);
          intensity += factor * source(i, 0);
          q += factor * source(grid.stream_count() + i, 0);
        }
        const double cosine = (down ? 1 : -1) * grid.streams()[i].cosine;
        const Vector in = Travel(beam, 0), out = Travel(cosine, azimuth), meridian = Meridian(cosine, azimuth);
        const double x = Dot(in, out);
        // The direction in the scattering plane perpendicular to the outgoing ray.
        const double length = std::sqrt(1 - x * x);
        const Vector plane = {(x * out[0] - in[0]) / length, (x * out[1] - in[1]) / length,
                              (x * out[2] - in[2]) / length};
        const double along = Dot(plane, meridian);
        EXPECT_NEAR(intensity, 0.75 * c * (1 + x * x) + 1 - c, 1e-12);
        EXPECT_NEAR(q, -0.75 * c * (1 - x * x) * (2 * along * along - 1), 1e-12);
      }
    }
  }
}

TEST(Solver, ConservativeAtmosphereLosesNothing) {
  // Suns on the quadrature nodes, so that transmittance can be integrated: albedo = 1 - 2 int T mu dmu.
  const Quadrature quadrature = GaussOnUnitInterval(16);
  std::vector<double> suns;
  for (double cosine : quadrature.node) suns.push_back(std::acos(cosine) * 180 / kPi);
  const AngularGrid grid({.streams = 16, .layers = 60}, suns, {5});
  const PhaseMatrices molecules(grid, MolecularExpansion()), aerosol(grid, HenyeyGreenstein(0.7, 81));
  for (double depth : {0.0, 0.3, 1.0}) {
    const Column column{.molecular_depth = 0.25, .aerosol_depth = depth, .aerosol_albedo = 1};
    const ScatteringSolution solution = Solve(grid, column, molecules, &aerosol);
    double passed = 0;
    for (size_t i = 0; i < suns.size(); ++i) {
      passed += 2 * quadrature.weight[i] * quadrature.node[i] * solution.transmittance_sun[i];
    }
    EXPECT_NEAR(solution.s_albedo + passed, 1, 3e-4) << depth;
  }
}

TEST(Solver, ThinAtmosphereScattersOnce) {
  const AngularGrid grid({}, {40}, {10});
  const PhaseMatrices molecules(grid, MolecularExpansion());
  const double depth = 1e-4;
  const ScatteringSolution solution = Solve(grid, {.molecular_depth = depth}, molecules, nullptr);
  const double mu_sun = std::cos(40 * kPi / 180), mu_view = std::cos(10 * kPi / 180);
  const double x = -mu_sun * mu_view - std::sin(40 * kPi / 180) * std::sin(10 * kPi / 180) * std::cos(kPi / 3);
  const double expected = molecules.Intensity(x) * depth / (4 * mu_sun * mu_view);
  EXPECT_NEAR(PathRadiance(grid, solution, molecules, nullptr, 0, 0, 60) / mu_sun / expected, 1, 2e-3);
}

TEST(Solver, MoreStreamsAndLayersChangeLittle) {
  const std::vector<double> suns = {20, 65}, views = {1, 12};
  const Column column{.molecular_depth = 0.2, .aerosol_depth = 0.8, .aerosol_albedo = 0.95};
  const auto solve = [&](const SolverSettings& settings, int sun, int view) {
    const AngularGrid grid(settings, suns, views);
    const PhaseMatrices molecules(grid, MolecularExpansion()), aerosol(grid, HenyeyGreenstein(0.7, 81));
    const ScatteringSolution solution = Solve(grid, column, molecules, &aerosol);
    return PathRadiance(grid, solution, molecules, &aerosol, sun, view, 40) / grid.sun_cosine(sun);
  };
  for (int sun : {0, 1}) {
    for (int view : {0, 1}) {
      EXPECT_NEAR(solve({}, sun, view), solve({.streams = 28, .layers = 80}, sun, view), 2e-4);
    }
  }
}

// An obvious, slow simulation of photons: how much of a beam reaches the ground, directly or scattered.
double PhotonTransmittance(const Column& column, double g, double sun_cosine, int photons) {
  std::mt19937 random(7);
  const auto uniform = [&] { return (random() + 0.5) / 4294967296.0; };
  int arrived = 0;
  for (int photon = 0; photon < photons; ++photon) {
    double depth = 0, cosine = sun_cosine;  // depth is counted from the top
    while (true) {
      depth -= std::log(uniform()) * cosine;
      const double total = column.molecular_depth + column.aerosol_depth;
      if (depth >= total) ++arrived;
      if (depth >= total || depth <= 0) break;
      double low = 0, high = 1;  // x = exp(-height / 8 km) at this depth
      for (int i = 0; i < 40; ++i) {
        const double x = 0.5 * (low + high);
        (column.molecular_depth * x + column.aerosol_depth * std::pow(x, 4) < depth ? low : high) = x;
      }
      const double aerosol = 4 * column.aerosol_depth * std::pow(low, 3);
      double turn = 0;
      if (uniform() * (aerosol + column.molecular_depth) < aerosol) {
        if (uniform() > column.aerosol_albedo) break;
        const double s = (1 - g * g) / (1 - g + 2 * g * uniform());
        turn = (1 + g * g - s * s) / (2 * g);
      } else {
        const double c = 2 * (1 - 0.0279) / (2 + 0.0279);  // rejection from 3/4 c (1 + x^2) + 1 - c
        do turn = 2 * uniform() - 1;
        while (uniform() * (1 + c / 2) > 0.75 * c * (1 + turn * turn) + 1 - c);
      }
      const double azimuth = 2 * kPi * uniform();
      cosine = cosine * turn + std::sqrt((1 - cosine * cosine) * (1 - turn * turn)) * std::cos(azimuth);
    }
  }
  return static_cast<double>(arrived) / photons;
}

TEST(Solver, TransmittanceIsWhatPhotonsDo) {
  const double g = 0.65;
  const Column column{.molecular_depth = 0.2, .aerosol_depth = 0.6, .aerosol_albedo = 0.9};
  const AngularGrid grid({}, {20, 65}, {5});
  const PhaseMatrices molecules(grid, MolecularExpansion()), aerosol(grid, HenyeyGreenstein(g, 81));
  const ScatteringSolution solution = Solve(grid, column, molecules, &aerosol);
  constexpr int kPhotons = 400000;
  for (int sun : {0, 1}) {
    const double simulated = PhotonTransmittance(column, g, grid.sun_cosine(sun), kPhotons);
    const double deviation = std::sqrt(simulated * (1 - simulated) / kPhotons);
    EXPECT_NEAR(solution.transmittance_sun[sun], simulated, 4 * deviation + 2e-4);
  }
}

TEST(MatrixProduct, IsThePlainSum) {
  std::mt19937 random(3);
  Matrix left(7, 13), right(13, 37), result(7, 37);
  for (Matrix* matrix : {&left, &right}) {
    for (double& value : matrix->values) value = random() / 4294967296.0 - 0.5;
  }
  Multiply(left, right, result);
  for (int r = 0; r < 7; ++r) {
    for (int c = 0; c < 37; ++c) {
      double sum = 0;
      for (int k = 0; k < 13; ++k) sum += left(r, k) * right(k, c);
      EXPECT_EQ(result(r, c), sum);
    }
  }
}

}  // namespace
}  // namespace arpent::kernels
