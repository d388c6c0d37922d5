#include "common/kernels/features/time_series.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace arpent::kernels {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

}  // namespace

int DateOnOrBefore(std::span<const int> days, int day) {
  return static_cast<int>(std::upper_bound(days.begin(), days.end(), day) - days.begin()) - 1;
}

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
        const float own = weight[i] > 0 ? weight[i] * (static_cast<float>(value[i]) * kObservedUnit) : 0.0f;
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
      const int left = dates > 0 ? DateOnOrBefore(days, out_days[t]) : -1;
      const size_t before = left < 0 ? 0 : left;
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
