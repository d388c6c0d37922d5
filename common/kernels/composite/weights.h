// The weight of a date at a pixel, as Sen2Agri's composite intends it: aerosol x distance to clouds x date x sensor.
//   W_aot    = min + (max - min) (1 - aot / limit) below the limit (0.33, 1, 0.8), else min
//   W_date   = 1 - (1 - 0.5) |day - middle| / half_window      (the original divides integers: always 1)
//   W_sensor = 1 for Sentinel-2, 0.33 for Landsat
// Weights are fixed-point integers (kWeightOne is 1) and a usable pixel has at least 1, so that sums over dates are
// exact and do not depend on their order. Relative rounding: below 2^-15 for weights above 0.5, 1e-3 at 0.01.
#ifndef ARPENT_COMMON_KERNELS_COMPOSITE_WEIGHTS_H_
#define ARPENT_COMMON_KERNELS_COMPOSITE_WEIGHTS_H_

#include <cstdint>
#include <span>
#include <vector>

namespace arpent::kernels {

struct WeightOptions {
  double aot_min_weight = 0.33;
  double aot_max_weight = 1;
  double aot_limit = 0.8;
  double date_min_weight = 0.5;
  double landsat_weight = 0.33;
};

double AotWeight(double aot, const WeightOptions& options);
// `days` is the distance to the middle of the period; beyond the half window the weight stays at its minimum.
double DateWeight(double days, double half_window_days, const WeightOptions& options);

// Weights of one date: all but the distance to clouds are folded into a table over AOT.
class DateWeights {
 public:
  // `factor` is W_date x W_sensor.
  DateWeights(double factor, const WeightOptions& options);

  // `aot` is AOT x 1000, 65535 where unknown (weighted as a high one); `cloud` the weight of the distance to clouds.
  // Writes 1..kWeightOne.
  void Apply(std::span<const uint16_t> aot, std::span<const uint16_t> cloud, std::span<uint16_t> out) const;

 private:
  std::vector<uint16_t> by_aot_;  // by AOT x 1000, the last entry stands for all beyond
};

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_COMPOSITE_WEIGHTS_H_
