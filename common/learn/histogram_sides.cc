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
              double* HWY_RESTRICT left_weights, double* HWY_RESTRICT left_squares, double* HWY_RESTRICT right_squares) {
  const hn::CappedTag<double, 8> d;
  const hn::Rebind<int32_t, decltype(d)> d32;
  const size_t lanes = hn::Lanes(d);
  for (size_t bin = begin; bin < end; ++bin) {
    auto weight = hn::Zero(d), squares_left = hn::Zero(d), squares_right = hn::Zero(d);
    for (size_t k = 0; k < classes; k += lanes) {
      const auto units = hn::LoadU(d32, reinterpret_cast<const int32_t*>(histogram + bin * classes + k));
      const auto on_left = hn::MulAdd(hn::PromoteTo(d, units), hn::LoadU(d, weights + k), hn::LoadU(d, left + k));
      const auto on_right = hn::Sub(hn::LoadU(d, totals + k), on_left);
      hn::StoreU(on_left, d, left + k);
      weight = hn::Add(weight, on_left);
      squares_left = hn::MulAdd(on_left, on_left, squares_left);
      squares_right = hn::MulAdd(on_right, on_right, squares_right);
    }
    left_weights[bin] = hn::GetLane(hn::SumOfLanes(d, weight));
    left_squares[bin] = hn::GetLane(hn::SumOfLanes(d, squares_left));
    right_squares[bin] = hn::GetLane(hn::SumOfLanes(d, squares_right));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace arpent::learn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arpent::learn {

HWY_EXPORT(SumSides);

HistogramSides::HistogramSides(std::span<const double> class_weights)
    : classes_(class_weights.size()),
      whole_weights_(std::all_of(class_weights.begin(), class_weights.end(), [](double w) { return w == std::floor(w); })),
      weights_(classes_ + kHistogramPadding),
      totals_(weights_.size()),
      left_(weights_.size()) {
  std::copy(class_weights.begin(), class_weights.end(), weights_.begin());
}

void HistogramSides::Sum(const uint32_t* histogram, size_t begin, size_t end, std::span<const double> totals) {
  std::copy(totals.begin(), totals.end(), totals_.begin());
  std::fill(left_.begin(), left_.end(), 0.0);
  HWY_DYNAMIC_DISPATCH(SumSides)(histogram, begin, end, classes_, weights_.data(), totals_.data(), left_.data(),
                                 left_weight_.data(), left_squares_.data(), right_squares_.data());
}

}  // namespace arpent::learn
#endif  // HWY_ONCE
