#include "common/kernels/atmosphere/gas.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace arpent::kernels {
namespace {

// Fills `basis` with T_0 .. T_(n-1) of t, clamped to [-1, 1]: a Chebyshev sum must not be extrapolated.
template <size_t n>
std::array<double, n> ChebyshevBasis(double t) {
  t = std::clamp(t, -1.0, 1.0);
  std::array<double, n> basis{};
  basis[0] = 1;
  if constexpr (n > 1) basis[1] = t;
  for (size_t i = 2; i < n; ++i) basis[i] = 2 * t * basis[i - 1] - basis[i - 2];
  return basis;
}

// The logarithm of `value` mapped so that [low, high] becomes [-1, 1].
double Scaled(double value, double low, double high) {
  const double middle = 0.5 * (std::log(high) + std::log(low));
  const double half = 0.5 * (std::log(high) - std::log(low));
  return (std::log(value) - middle) / half;
}

template <size_t rows, size_t columns>
double Sum(std::span<const float> coefficients, const std::array<double, rows>& a,
           const std::array<double, columns>& b) {
  double sum = 0;
  for (size_t i = 0; i < rows; ++i) {
    for (size_t k = 0; k < columns; ++k) sum += coefficients[i * columns + k] * a[i] * b[k];
  }
  return sum;
}

}  // namespace

// The limits of the fit's variables; data/fit_gas.py has the same.
constexpr double kWaterLow = 0.01, kWaterHigh = 45;  // air mass * g/cm2
constexpr double kOzoneLow = 0.1, kOzoneHigh = 3;    // air mass * atm-cm
constexpr double kAirMassLow = 1, kAirMassHigh = 5;

double GasTransmittance(const GasCoefficients& c, const GasState& state) {
  using C = GasCoefficients;
  const double q = std::log(state.pressure_hpa / 1013.0);
  const std::array<double, 3> pressure = {1, q, q * q};
  const auto air = ChebyshevBasis<C::kOtherOrder>(Scaled(state.air_mass, kAirMassLow, kAirMassHigh));
  double depth = 0;
  const double water = state.air_mass * state.water_vapour_gcm2;
  const auto water_basis = ChebyshevBasis<C::kWaterOrder>(Scaled(std::max(water, kWaterLow), kWaterLow, kWaterHigh));
  if (c.present[0] != 0) {
    // Below the fit's limit the depth is proportional to the column.
    depth += std::exp(Sum<C::kWaterOrder, C::kWaterPressureOrder>(c.water, water_basis, pressure)) *
             std::min(1.0, water / kWaterLow);
  }
  if (c.present[1] != 0) {
    const double ozone = state.air_mass * state.ozone_atmcm;
    const auto basis = ChebyshevBasis<C::kOzoneOrder>(Scaled(std::max(ozone, kOzoneLow), kOzoneLow, kOzoneHigh));
    depth +=
        std::exp(Sum<C::kOzoneOrder, 1>(c.ozone, basis, std::array<double, 1>{1.0})) * std::min(1.0, ozone / kOzoneLow);
  }
  if (c.present[2] != 0) {
    depth += std::exp(Sum<C::kOtherOrder, C::kOtherPressureOrder>(c.other, air, pressure));
  }
  const std::array<double, 3> x = {water_basis[0], water_basis[1], water_basis[2]};
  const std::array<double, 3> a = {air[0], air[1], air[2]};
  depth += Sum<C::kOverlapOrder, C::kOverlapOrder>(c.overlap, x, a);
  return std::exp(-std::max(depth, 0.0));
}

}  // namespace arpent::kernels
