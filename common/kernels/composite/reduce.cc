#include "common/kernels/composite/reduce.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/composite/reduce.cc"
#include "hwy/aligned_allocator.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace arpent::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Pixels that one call works on: a whole number of vectors of every instruction set.
constexpr int kChunk = 64;

// One chunk of a stack: date d is at [d * kChunk]. Products w v are summed in two 32-bit halves, p = high 2^15 + low,
// exact for up to 2^15 dates.
void WeightedMeanChunk(const int16_t* HWY_RESTRICT values, const uint16_t* HWY_RESTRICT weights, int dates,
                       int16_t no_data, int16_t* HWY_RESTRICT out) {
  const hn::ScalableTag<int32_t> d;
  const hn::Rebind<int16_t, decltype(d)> d16;
  const hn::Rebind<uint16_t, decltype(d)> du16;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const auto none = hn::Set(d, no_data), low_bits = hn::Set(d, 0x7fff);
  HWY_ALIGN int32_t totals[kChunk], highs[kChunk], lows[kChunk];
  for (int x = 0; x < kChunk; x += lanes) {
    auto total = hn::Zero(d), high = hn::Zero(d), low = hn::Zero(d);
    for (int date = 0; date < dates; ++date) {
      const auto v = hn::PromoteTo(d, hn::Load(d16, values + date * kChunk + x));
      const auto given = hn::PromoteTo(d, hn::Load(du16, weights + date * kChunk + x));
      const auto w = hn::IfThenZeroElse(hn::Eq(v, none), given);
      const auto product = hn::Mul(w, v);  // below 2^31
      total = hn::Add(total, w);
      high = hn::Add(high, hn::ShiftRight<15>(product));
      low = hn::Add(low, hn::And(product, low_bits));
    }
    hn::Store(total, d, totals + x);
    hn::Store(high, d, highs + x);
    hn::Store(low, d, lows + x);
  }
  for (int x = 0; x < kChunk; ++x) {
    // Sum and total are below 2^53: one correctly rounded division.
    const double sum = 32768.0 * highs[x] + lows[x];
    const double mean = sum / std::max(totals[x], 1);
    const int rounded = static_cast<int>(mean + (mean < 0 ? -0.5 : 0.5));
    out[x] = totals[x] == 0 ? no_data : static_cast<int16_t>(rounded);
  }
}

// Sorts the dates of each pixel through a sorting network (`pairs`), absent ones last, and takes the middle.
void MedianChunk(int16_t* HWY_RESTRICT values, const uint16_t* HWY_RESTRICT weights, int dates, int16_t no_data,
                 const std::pair<int, int>* pairs, size_t pair_count, int16_t* HWY_RESTRICT out) {
  const hn::ScalableTag<int16_t> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const auto none = hn::Set(d, no_data), absent = hn::Set(d, std::numeric_limits<int16_t>::max());
  HWY_ALIGN int16_t low[kChunk], high[kChunk], counts[kChunk];
  for (int x = 0; x < kChunk; x += lanes) {
    auto count = hn::Zero(d);
    for (int date = 0; date < dates; ++date) {
      int16_t* const at = values + date * kChunk + x;
      const auto v = hn::Load(d, at);
      const auto w = hn::BitCast(d, hn::Load(du, weights + date * kChunk + x));
      const auto missing = hn::Or(hn::Eq(v, none), hn::Eq(w, hn::Zero(d)));
      hn::Store(hn::IfThenElse(missing, absent, v), d, at);
      count = hn::Add(count, hn::IfThenZeroElse(missing, hn::Set(d, 1)));
    }
    for (size_t i = 0; i < pair_count; ++i) {
      int16_t* const first = values + pairs[i].first * kChunk + x;
      int16_t* const second = values + pairs[i].second * kChunk + x;
      const auto a = hn::Load(d, first), b = hn::Load(d, second);
      hn::Store(hn::Min(a, b), d, first);
      hn::Store(hn::Max(a, b), d, second);
    }
    const auto high_index = hn::ShiftRight<1>(count);                         // n / 2
    const auto low_index = hn::ShiftRight<1>(hn::Sub(count, hn::Set(d, 1)));  // (n - 1) / 2
    auto low_value = absent, high_value = absent;
    for (int date = 0; date < dates; ++date) {
      const auto v = hn::Load(d, values + date * kChunk + x);
      const auto index = hn::Set(d, static_cast<int16_t>(date));
      low_value = hn::IfThenElse(hn::Eq(low_index, index), v, low_value);
      high_value = hn::IfThenElse(hn::Eq(high_index, index), v, high_value);
    }
    hn::Store(low_value, d, low + x);
    hn::Store(high_value, d, high + x);
    hn::Store(count, d, counts + x);
  }
  for (int x = 0; x < kChunk; ++x) {
    const int sum = int{low[x]} + high[x];
    const int mean = (sum + (sum < 0 ? -1 : 1)) / 2;
    out[x] = counts[x] == 0 ? no_data : static_cast<int16_t>(mean);
  }
}

}  // namespace arpent::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arpent::kernels {
namespace {

HWY_EXPORT(WeightedMeanChunk);
HWY_EXPORT(MedianChunk);

constexpr int kChunk = 64;  // as above
constexpr int16_t kNone = raster::kReflectanceNoData;

// Batcher's merge exchange: compares and exchanges that sort any n values.
std::vector<std::pair<int, int>> SortingNetwork(int n) {
  std::vector<std::pair<int, int>> pairs;
  int top = 1;
  while (top < n) top *= 2;
  for (int p = top / 2; p > 0; p /= 2) {
    for (int q = top / 2, r = 0, d = p;; d = q - p, q /= 2, r = p) {
      for (int i = 0; i < n - d; ++i) {
        if ((i & p) == r) pairs.emplace_back(i, i + d);
      }
      if (q == p) break;
    }
  }
  return pairs;
}

// Copies the stack chunk by chunk into scratch where dates lie behind each other, and calls `reduce` on it.
template <typename Reduce>
void ForEachChunk(const BandStack& stack, raster::View<int16_t> out, const Reduce& reduce) {
  const int dates = static_cast<int>(stack.values.size());
  hwy::AlignedFreeUniquePtr<int16_t[]> values = hwy::AllocateAligned<int16_t>(size_t{kChunk} * std::max(dates, 1));
  hwy::AlignedFreeUniquePtr<uint16_t[]> weights = hwy::AllocateAligned<uint16_t>(size_t{kChunk} * std::max(dates, 1));
  HWY_ALIGN int16_t result[kChunk];
  std::fill_n(weights.get(), size_t{kChunk} * dates, uint16_t{0});
  std::fill_n(values.get(), size_t{kChunk} * dates, int16_t{0});
  for (int y = 0; y < out.height(); ++y) {
    for (int x = 0; x < out.width(); x += kChunk) {
      const int count = std::min(kChunk, out.width() - x);
      for (int date = 0; date < dates; ++date) {
        std::copy_n(stack.values[date].row(y).data() + x, count, values.get() + date * kChunk);
        const uint16_t* const source = stack.weights[date].row(y / stack.factor).data() + x / stack.factor;
        uint16_t* const target = weights.get() + date * kChunk;
        if (stack.factor == 1) {
          std::copy_n(source, count, target);
        } else if (count == kChunk) {
          for (int i = 0; i < kChunk / 2; ++i) target[2 * i] = target[2 * i + 1] = source[i];
        } else {
          for (int i = 0; i < count; ++i) target[i] = source[i / 2];
        }
      }
      reduce(values.get(), weights.get(), dates, result);
      std::copy_n(result, count, out.row(y).data() + x);
    }
  }
}

}  // namespace

void WeightedMean(const BandStack& stack, raster::View<int16_t> out) {
  ForEachChunk(stack, out, [](const int16_t* values, const uint16_t* weights, int dates, int16_t* result) {
    HWY_DYNAMIC_DISPATCH(WeightedMeanChunk)(values, weights, dates, kNone, result);
  });
}

void Median(const BandStack& stack, raster::View<int16_t> out) {
  const std::vector<std::pair<int, int>> network = SortingNetwork(static_cast<int>(stack.values.size()));
  ForEachChunk(stack, out, [&network](int16_t* values, const uint16_t* weights, int dates, int16_t* result) {
    HWY_DYNAMIC_DISPATCH(MedianChunk)(values, weights, dates, kNone, network.data(), network.size(), result);
  });
}

}  // namespace arpent::kernels
#endif  // HWY_ONCE
