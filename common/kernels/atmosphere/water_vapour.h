// Water vapour from the depth of the absorption band near 945 nm (Sentinel-2 B09) against its window B8A: the APDA idea
// (Schlaepfer et al. 1998), solved by tabulating the forward model in water for one geometry.
#ifndef ARPENT_COMMON_KERNELS_ATMOSPHERE_WATER_VAPOUR_H_
#define ARPENT_COMMON_KERNELS_ATMOSPHERE_WATER_VAPOUR_H_

#include <array>

#include "common/kernels/atmosphere/tables.h"

namespace arpent::kernels {

// Valid for one geometry, altitude, aerosol and AOT; make one per node of a coarse grid. About 20 us to make.
class WaterVapourInverse {
 public:
  static constexpr int kNodes = 16;
  static constexpr double kMinimumGcm2 = 0.05, kMaximumGcm2 = 8.0;

  // `window` and `absorption` are band indices of B8A and B09; state.water_vapour_gcm2 is ignored.
  WaterVapourInverse(const AtmosphereTables& tables, int window, int absorption, const Geometry& geometry,
                     AtmosphericState state);

  // Water vapour in g/cm2 where ground of reflectance `rho_window` in B8A and spectral slope `slope` (rho_B09 /
  // rho_B8A, 1 when unknown) gives the TOA reflectance `toa_absorption` in B09. rho_window is surface reflectance
  // (B8A hardly depends on water). Clamped to [kMinimumGcm2, kMaximumGcm2]; NaN for dark ground (rho_window < 0.02),
  // where the band says nothing.
  double Retrieve(double rho_window, double toa_absorption, double slope = 1.0) const;

  // The same from TOA reflectance in both bands.
  double RetrieveFromToa(double toa_window, double toa_absorption, double slope = 1.0) const;

 private:
  std::array<double, kNodes> log_water_;
  std::array<BandCoefficients, kNodes> absorption_;
  BandCoefficients window_;
};

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_ATMOSPHERE_WATER_VAPOUR_H_
