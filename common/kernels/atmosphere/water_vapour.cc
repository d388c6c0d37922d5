#include "common/kernels/atmosphere/water_vapour.h"

#include <algorithm>
#include <cmath>

namespace arpent::kernels {

WaterVapourInverse::WaterVapourInverse(const AtmosphereTables& tables, int window, int absorption,
                                       const Geometry& geometry, AtmosphericState state) {
  const double low = std::log(kMinimumGcm2), high = std::log(kMaximumGcm2);
  for (int i = 0; i < kNodes; ++i) {
    log_water_[i] = low + (high - low) * i / (kNodes - 1);
    state.water_vapour_gcm2 = std::exp(log_water_[i]);
    absorption_[i] = tables.CoefficientsUnchecked(absorption, geometry, state);
  }
  state.water_vapour_gcm2 = 2;
  window_ = tables.CoefficientsUnchecked(window, geometry, state);
}

double WaterVapourInverse::Retrieve(double rho_window, double toa_absorption, double slope) const {
  constexpr double kDarkest = 0.02;
  if (!(rho_window >= kDarkest) || !std::isfinite(toa_absorption)) return std::nan("");
  const double rho = rho_window * slope;
  // TOA reflectance falls with water: find the bracketing nodes, then interpolate ln(water) in ln(signal).
  int below = 0, above = kNodes - 1;
  const double dry = ToaReflectance(absorption_[below], rho), wet = ToaReflectance(absorption_[above], rho);
  if (toa_absorption >= dry) return kMinimumGcm2;
  if (toa_absorption <= wet) return kMaximumGcm2;
  double signal_below = dry, signal_above = wet;
  while (above - below > 1) {
    const int middle = (below + above) / 2;
    const double signal = ToaReflectance(absorption_[middle], rho);
    if (signal > toa_absorption) {
      below = middle;
      signal_below = signal;
    } else {
      above = middle;
      signal_above = signal;
    }
  }
  const double fraction = std::log(signal_below / toa_absorption) / std::log(signal_below / signal_above);
  return std::exp(log_water_[below] + fraction * (log_water_[above] - log_water_[below]));
}

double WaterVapourInverse::RetrieveFromToa(double toa_window, double toa_absorption, double slope) const {
  return Retrieve(SurfaceReflectance(window_, toa_window), toa_absorption, slope);
}

}  // namespace arpent::kernels
