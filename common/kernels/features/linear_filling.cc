#include <algorithm>
#include <limits>
#include <memory>

#include "common/kernels/features/time_series.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/features/linear_filling.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

// Plain loops, which the compiler vectorises for each instruction set; the same bits with every one.
HWY_BEFORE_NAMESPACE();
namespace arpent::kernels::HWY_NAMESPACE {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
// Pixels filled together: their carried planes stay in the processor's cache.
constexpr size_t kChunk = 256;

// [date][pixel of a chunk]; nothing is set until it is written.
template <typename T>
class Planes {
 public:
  explicit Planes(size_t dates) : values_(new T[dates * kChunk]) {}
  T* operator[](size_t date) { return values_.get() + date * kChunk; }
  const T* operator[](size_t date) const { return values_.get() + date * kChunk; }

 private:
  std::unique_ptr<T[]> values_;
};

// What every pixel of a chunk has on its last clear date on or before each date, and on its first one on or after it.
// Where there is none, both sides are what there is on the other; a pixel that is never clear has anything.
template <typename T>
struct Carried {
  explicit Carried(size_t dates) : before(dates), after(dates) {}
  Planes<T> before, after;
};

// `own(d)` is date d's plane; `clear[d]` is all ones where the date sees the pixel, else 0. Selection by bits keeps loops free
// of branches.
template <typename T, typename Own>
void Carry(size_t n, size_t dates, const Planes<T>& clear, const Own& own, Carried<T>& out) {
  const auto select = [n](const T* mask, const T* yes, const T* no, T* target) {
    for (size_t i = 0; i < n; ++i) target[i] = static_cast<T>((yes[i] & mask[i]) | (no[i] & ~mask[i]));
  };
  T* first = out.before[0];
  std::copy_n(own(dates - 1), n, first);
  for (size_t d = dates - 1; d-- > 0;) select(clear[d], own(d), first, first);
  for (size_t d = 1; d < dates; ++d) select(clear[d], own(d), out.before[d - 1], out.before[d]);
  std::copy_n(out.before[dates - 1], n, out.after[dates - 1]);
  for (size_t d = dates - 1; d-- > 0;) select(clear[d], own(d), out.after[d + 1], out.after[d]);
}

}  // namespace

void Fill(const ObservedSeries& series, std::span<const int> out_days, FilledSeries& out) {
  const size_t dates = series.dates(), steps = out_days.size();
  out.Reset(series.pixels(), series.bands(), steps);
  if (dates == 0) {
    for (size_t b = 0; b < series.bands(); ++b) std::fill_n(out.plane(b, 0), series.pixels() * steps, kNaN);
    return;
  }
  const std::vector<int>& days = series.days();
  // The dates on either side of each output day; behind the last one and before the first one, that one.
  std::vector<size_t> left(steps), right(steps);
  for (size_t t = 0; t < steps; ++t) {
    const int before = DateOnOrBefore(days, out_days[t]);
    left[t] = before < 0 ? 0 : before;
    right[t] = before < 0 || days[before] == out_days[t] ? left[t] : std::min(left[t] + 1, dates - 1);
  }
  Planes<int32_t> clear(dates);
  Planes<int16_t> narrow_clear(dates);
  Carried<int32_t> day(dates);
  Carried<int16_t> value(dates);
  Planes<float> share(steps), unseen(1);
  std::vector<int32_t> constant(dates * kChunk);
  for (size_t d = 0; d < dates; ++d) std::fill_n(constant.data() + d * kChunk, kChunk, days[d]);
  for (size_t begin = 0; begin < series.pixels(); begin += kChunk) {
    const size_t n = std::min(kChunk, series.pixels() - begin);
    std::fill_n(unseen[0], n, kNaN);
    for (size_t d = 0; d < dates; ++d) {
      const float* weight = series.weight(d) + begin;
      for (size_t i = 0; i < n; ++i) clear[d][i] = weight[i] > 0 ? -1 : 0;
      for (size_t i = 0; i < n; ++i) narrow_clear[d][i] = static_cast<int16_t>(clear[d][i]);
      for (size_t i = 0; i < n; ++i) unseen[0][i] = weight[i] > 0 ? 0.0f : unseen[0][i];
    }
    Carry(n, dates, clear, [&](size_t d) { return constant.data() + d * kChunk; }, day);
    for (size_t t = 0; t < steps; ++t) {
      const int32_t *before = day.before[left[t]], *after = day.after[right[t]];
      for (size_t i = 0; i < n; ++i) {
        const int32_t gap = after[i] - before[i];
        share[t][i] = gap > 0 ? static_cast<float>(out_days[t] - before[i]) / static_cast<float>(gap) : 0.0f;
      }
    }
    for (size_t b = 0; b < series.bands(); ++b) {
      Carry(n, dates, narrow_clear, [&](size_t d) { return series.value(b, d) + begin; }, value);
      for (size_t t = 0; t < steps; ++t) {
        const int16_t *before = value.before[left[t]], *after = value.after[right[t]];
        const float *part = share[t], *hole = unseen[0];
        float* target = out.plane(b, t) + begin;
        for (size_t i = 0; i < n; ++i) {
          const float from = before[i], to = after[i];
          target[i] = (from + part[i] * (to - from)) * kObservedUnit + hole[i];
        }
      }
    }
  }
}

}  // namespace arpent::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arpent::kernels {

HWY_EXPORT(Fill);

void FillLinear(const ObservedSeries& series, std::span<const int> out_days, FilledSeries& out) {
  HWY_DYNAMIC_DISPATCH(Fill)(series, out_days, out);
}

}  // namespace arpent::kernels
#endif  // HWY_ONCE
