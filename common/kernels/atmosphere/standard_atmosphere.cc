#include <algorithm>
#include <array>
#include <cmath>

#include "common/kernels/atmosphere/table_data.h"
#include "common/kernels/atmosphere/tables.h"

namespace arpent::kernels {
namespace {

// At 0, 1, .. 5 km.
constexpr std::array<double, 6> kPressureHpa = {1013.0, 898.6, 795.0, 701.2, 616.6, 540.5};
constexpr std::array<double, 6> kColumn = {1.0, 0.88775, 0.78598, 0.69395, 0.61090, 0.53619};

double LogInterpolate(const std::array<double, 6>& values, double altitude_km) {
  const int below = std::clamp(static_cast<int>(std::floor(altitude_km)), 0, 4);
  const double fraction = altitude_km - below;
  return values[below] * std::exp(fraction * std::log(values[below + 1] / values[below]));
}

}  // namespace

double StandardPressureHpa(double altitude_km) { return LogInterpolate(kPressureHpa, altitude_km); }

double MolecularColumn(double altitude_km) { return LogInterpolate(kColumn, altitude_km); }

}  // namespace arpent::kernels
