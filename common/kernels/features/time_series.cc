#include "common/kernels/features/time_series.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

namespace arpent::kernels {
namespace {

constexpr float kScale = 1e-4f;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
// Index of a date that does not exist.
constexpr int kNone = -1;
// Pixels filled together: their carried planes stay in the processor's cache.
constexpr size_t kChunk = 512;

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

// The last date on or before `day`, kNone when there is none.
int DateOnOrBefore(const std::vector<int>& days, int day) {
  return static_cast<int>(std::upper_bound(days.begin(), days.end(), day) - days.begin()) - 1;
}

}  // namespace

std::vector<int> SeasonDays(int first_day, int last_day, int step_days) {
  std::vector<int> days;
  if (step_days < 1) return days;
  for (int day = first_day; day <= last_day; day += step_days) days.push_back(day);
  return days;
}

void ObservedSeries::Reset(size_t pixels, std::vector<int> days, size_t bands) {
  pixels_ = pixels;
  bands_ = bands;
  days_ = std::move(days);
  values_.resize(pixels_ * bands_ * days_.size());
  weights_.resize(pixels_ * days_.size());
}

void ObservedSeries::MergeDays() {
  if (std::adjacent_find(days_.begin(), days_.end()) == days_.end()) return;
  std::vector<size_t> first_of_day;  // date kept for each distinct day
  for (size_t d = 0; d < dates(); ++d) {
    if (d == 0 || days_[d] != days_[d - 1]) {
      first_of_day.push_back(d);
      continue;
    }
    const size_t kept = first_of_day.back();
    float* into = weight(kept);
    const float* from = weight(d);
    for (size_t i = 0; i < pixels_; ++i) {
      if (into[i] > 0 || !(from[i] > 0)) continue;
      into[i] = from[i];
      for (size_t b = 0; b < bands_; ++b) value(b, kept)[i] = value(b, d)[i];
    }
  }
  ObservedSeries merged;
  std::vector<int> days;
  for (size_t d : first_of_day) days.push_back(days_[d]);
  merged.Reset(pixels_, std::move(days), bands_);
  for (size_t k = 0; k < first_of_day.size(); ++k) {
    std::copy_n(weight(first_of_day[k]), pixels_, merged.weight(k));
    for (size_t b = 0; b < bands_; ++b) std::copy_n(value(b, first_of_day[k]), pixels_, merged.value(b, k));
  }
  *this = std::move(merged);
}

void FilledSeries::Reset(size_t pixels, size_t bands, size_t dates) {
  pixels_ = pixels;
  bands_ = bands;
  dates_ = dates;
  values_.resize(pixels_ * bands_ * dates_);
}

void FillLinear(const ObservedSeries& series, std::span<const int> out_days, FilledSeries& out) {
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
    left[t] = before == kNone ? 0 : before;
    right[t] = before == kNone || days[before] == out_days[t] ? left[t] : std::min(left[t] + 1, dates - 1);
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
          target[i] = (from + part[i] * (to - from)) * kScale + hole[i];
        }
      }
    }
  }
}

void FillWhittaker(const ObservedSeries& series, double lambda, std::span<const int> out_days, FilledSeries& out) {
  const size_t n = series.pixels(), dates = series.dates(), bands = series.bands();
  out.Reset(n, bands, out_days.size());
  const std::vector<int>& days = series.days();
  // Penalty between date d and d + 1.
  std::vector<float> link(dates, 0.0f);
  for (size_t d = 0; d + 1 < dates; ++d) link[d] = static_cast<float>(lambda / (days[d + 1] - days[d]));
  // Elimination in the form that cannot cancel (all terms positive): `held` is what is left of date d's weight and its
  // left neighbours' once they are eliminated, `inverse` = 1 / (held + link). A pixel before its first clear date has
  // held 0, which passes the next date's value on unchanged.
  std::vector<float> held(n * dates), inverse(n * dates), seen(n, 0.0f);
  for (size_t d = 0; d < dates; ++d) {
    const float* weight = series.weight(d);
    for (size_t i = 0; i < n; ++i) {
      const float passed = d > 0 ? link[d - 1] * held[(d - 1) * n + i] * inverse[(d - 1) * n + i] : 0.0f;
      const float sum = weight[i] + passed;
      held[d * n + i] = sum;
      const float pivot = sum + link[d];
      inverse[d * n + i] = pivot > 0 ? 1.0f / pivot : 0.0f;
      seen[i] = std::max(seen[i], weight[i]);
    }
  }
  std::vector<float> z(n * dates);
  for (size_t b = 0; b < bands; ++b) {
    // Forward: right-hand sides, kept in z. Backward: z_d = (rhs_d + link_d * z_d+1) / (held_d + link_d).
    for (size_t d = 0; d < dates; ++d) {
      const float* weight = series.weight(d);
      const int16_t* value = series.value(b, d);
      for (size_t i = 0; i < n; ++i) {
        const float own = weight[i] > 0 ? weight[i] * (static_cast<float>(value[i]) * kScale) : 0.0f;
        const float passed = d > 0 ? link[d - 1] * inverse[(d - 1) * n + i] * z[(d - 1) * n + i] : 0.0f;
        z[d * n + i] = own + passed;
      }
    }
    for (size_t d = dates; d-- > 0;) {
      for (size_t i = 0; i < n; ++i) {
        const float following = d + 1 < dates ? link[d] * z[(d + 1) * n + i] : 0.0f;
        z[d * n + i] = (z[d * n + i] + following) * inverse[d * n + i];
      }
    }
    for (size_t t = 0; t < out_days.size(); ++t) {
      const int left = dates > 0 ? DateOnOrBefore(days, out_days[t]) : kNone;
      const size_t before = left == kNone ? 0 : left;
      const size_t after = dates > 0 ? std::min<size_t>(left + 1, dates - 1) : 0;
      const float share = dates > 0 && after > before ? static_cast<float>(out_days[t] - days[before]) /
                                                            static_cast<float>(days[after] - days[before])
                                                      : 0.0f;
      float* target = out.plane(b, t);
      for (size_t i = 0; i < n; ++i) {
        if (!(seen[i] > 0)) {
          target[i] = kNaN;
          continue;
        }
        const float from = z[before * n + i];
        const float to = z[after * n + i];
        target[i] = from + share * (to - from);
      }
    }
  }
}

}  // namespace arpent::kernels
