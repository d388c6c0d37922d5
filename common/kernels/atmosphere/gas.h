// Band transmittances of the absorbing gases (H2O, O3, O2, CO2, CH4, N2O) as a compact fit to 6S (data/README.md).
// Plane-parallel: everything depends on air mass times column. Not a line-by-line model.
#ifndef ARPENT_COMMON_KERNELS_ATMOSPHERE_GAS_H_
#define ARPENT_COMMON_KERNELS_ATMOSPHERE_GAS_H_

#include <array>

namespace arpent::kernels {

// Coefficients of one band. With x = ln(air mass * water), z = ln(air mass * ozone), a = ln(air mass) and
// q = ln(pressure / 1013 hPa), each scaled to about [-1, 1], the optical depths are
//   water    exp(sum w[i][k] T_i(x) q^k)        ozone   exp(sum o[i] T_i(z))
//   others   exp(sum g[i][k] T_i(a) q^k)        overlap (sum j[i][k] T_i(x) T_k(a)), added (mainly near 2.2 um)
// with T_i the Chebyshev polynomials; a component that the band does not feel has `present` false.
struct GasCoefficients {
  static constexpr int kWaterOrder = 6, kWaterPressureOrder = 3;
  static constexpr int kOzoneOrder = 3;
  static constexpr int kOtherOrder = 4, kOtherPressureOrder = 3;
  static constexpr int kOverlapOrder = 3;

  std::array<float, kWaterOrder * kWaterPressureOrder> water{};
  std::array<float, kOzoneOrder> ozone{};
  std::array<float, kOtherOrder * kOtherPressureOrder> other{};
  std::array<float, kOverlapOrder * kOverlapOrder> overlap{};
  std::array<float, 3> present{};  // 1 when the band absorbs: water, ozone, others
};

struct GasState {
  double air_mass = 2;
  double water_vapour_gcm2 = 0;  // above the target; clamped to 0-12
  double ozone_atmcm = 0;        // above the target
  double pressure_hpa = 1013;    // at the target
};

double GasTransmittance(const GasCoefficients& coefficients, const GasState& state);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_ATMOSPHERE_GAS_H_
