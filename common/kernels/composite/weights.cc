#include "common/kernels/composite/weights.h"

#include <algorithm>
#include <cmath>

#include "common/kernels/composite/cloud_distance.h"

namespace arpent::kernels {

double AotWeight(double aot, const WeightOptions& options) {
  if (aot >= options.aot_limit) return options.aot_min_weight;
  return options.aot_min_weight + (options.aot_max_weight - options.aot_min_weight) * (1 - aot / options.aot_limit);
}

double DateWeight(double days, double half_window_days, const WeightOptions& options) {
  if (half_window_days <= 0) return 1;
  return 1 - std::min(1.0, std::abs(days) / half_window_days) * (1 - options.date_min_weight);
}

DateWeights::DateWeights(double factor, const WeightOptions& options) {
  const int last = static_cast<int>(std::ceil(options.aot_limit * 1000));
  for (int aot = 0; aot <= last; ++aot) {
    by_aot_.push_back(static_cast<uint16_t>(std::lround(kWeightOne * factor * AotWeight(aot / 1000.0, options))));
  }
}

void DateWeights::Apply(std::span<const uint16_t> aot, std::span<const uint16_t> cloud, std::span<uint16_t> out) const {
  const uint16_t last = static_cast<uint16_t>(by_aot_.size() - 1);
  for (size_t i = 0; i < out.size(); ++i) {
    const uint32_t product = uint32_t{by_aot_[std::min(aot[i], last)]} * cloud[i];
    out[i] = static_cast<uint16_t>(std::max<uint32_t>(1, (product + kWeightOne / 2) / kWeightOne));
  }
}

}  // namespace arpent::kernels
