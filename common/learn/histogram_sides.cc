#include "common/learn/histogram_sides.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/learn/histogram_sides.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace arpent::learn {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Classes go in whole vectors; those behind the last have no weight, whatever their counters say.
void SumSides(const uint32_t* HWY_RESTRICT histogram, size_t begin, size_t end, size_t classes,
              const double* HWY_RESTRICT weights, const double* HWY_RESTRICT totals, double* HWY_RESTRICT left,
              HistogramSides& sides) {
  const hn::CappedTag<double, 8> d;
  const hn::Rebind<int32_t, decltype(d)> d32;
  const size_t lanes = hn::Lanes(d);
  for (size_t bin = begin; bin < end; ++bin) {
    auto weight = hn::Zero(d), left_squares = hn::Zero(d), right_squares = hn::Zero(d);
    for (size_t k = 0; k < classes; k += lanes) {
      const auto units = hn::LoadU(d32, reinterpret_cast<const int32_t*>(histogram + bin * classes + k));
      const auto on_left = hn::MulAdd(hn::PromoteTo(d, units), hn::LoadU(d, weights + k), hn::LoadU(d, left + k));
      const auto on_right = hn::Sub(hn::LoadU(d, totals + k), on_left);
      hn::StoreU(on_left, d, left + k);
      weight = hn::Add(weight, on_left);
      left_squares = hn::MulAdd(on_left, on_left, left_squares);
      right_squares = hn::MulAdd(on_right, on_right, right_squares);
    }
    sides.left_weight[bin] = hn::GetLane(hn::SumOfLanes(d, weight));
    sides.left_squares[bin] = hn::GetLane(hn::SumOfLanes(d, left_squares));
    sides.right_squares[bin] = hn::GetLane(hn::SumOfLanes(d, right_squares));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace arpent::learn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arpent::learn {

HWY_EXPORT(SumSides);

void SumHistogramSides(const uint32_t* histogram, size_t begin, size_t end, std::span<const double> class_weights,
                       std::span<const double> totals, HistogramSides& sides) {
  const size_t padded = class_weights.size() + kHistogramPadding;
  thread_local std::vector<double> memory;
  memory.assign(3 * padded, 0);
  double *weights = memory.data(), *total = weights + padded, *left = total + padded;
  std::copy(class_weights.begin(), class_weights.end(), weights);
  std::copy(totals.begin(), totals.end(), total);
  HWY_DYNAMIC_DISPATCH(SumSides)(histogram, begin, end, class_weights.size(), weights, total, left, sides);
}

bool SumsAreExact(std::span<const double> class_weights) {
  return std::all_of(class_weights.begin(), class_weights.end(), [](double weight) { return weight == std::floor(weight); });
}

}  // namespace arpent::learn
#endif  // HWY_ONCE
