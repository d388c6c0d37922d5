#include "common/kernels/features/time_series.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace arpent::kernels {
namespace {

constexpr float kScale = 1e-4f;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
// Index of a date that does not exist.
constexpr int kNone = -1;

// For every pixel the date used on either side of an output day, and how far between them the day lies.
struct Bracket {
  std::vector<int> before, after;
  std::vector<float> share;
};

// last_seen[d * pixels + i]: the last date <= d that sees pixel i; next_seen likewise the first date >= d.
void FindNeighbours(const ObservedSeries& series, std::vector<int>& last_seen, std::vector<int>& next_seen) {
  const size_t n = series.pixels(), dates = series.dates();
  last_seen.resize(n * dates);
  next_seen.resize(n * dates);
  for (size_t d = 0; d < dates; ++d) {
    const float* weight = series.weight(d);
    int* here = last_seen.data() + d * n;
    const int* previous = d > 0 ? here - n : nullptr;
    for (size_t i = 0; i < n; ++i) {
      here[i] = weight[i] > 0 ? static_cast<int>(d) : (previous != nullptr ? previous[i] : kNone);
    }
  }
  for (size_t d = dates; d-- > 0;) {
    const float* weight = series.weight(d);
    int* here = next_seen.data() + d * n;
    const int* following = d + 1 < dates ? here + n : nullptr;
    for (size_t i = 0; i < n; ++i) {
      here[i] = weight[i] > 0 ? static_cast<int>(d) : (following != nullptr ? following[i] : kNone);
    }
  }
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
  const size_t n = series.pixels(), dates = series.dates();
  out.Reset(n, series.bands(), out_days.size());
  std::vector<int> last_seen, next_seen;
  FindNeighbours(series, last_seen, next_seen);
  Bracket bracket{std::vector<int>(n), std::vector<int>(n), std::vector<float>(n)};
  const std::vector<int>& days = series.days();
  for (size_t t = 0; t < out_days.size(); ++t) {
    const int day = out_days[t];
    const int left = DateOnOrBefore(days, day);
    const bool exact = left != kNone && days[left] == day;
    const size_t right = exact ? left : left + 1;
    for (size_t i = 0; i < n; ++i) {
      int before = left == kNone ? kNone : last_seen[left * n + i];
      int after = right == dates ? kNone : next_seen[right * n + i];
      if (before == kNone) before = after;
      if (after == kNone) after = before;
      bracket.before[i] = before;
      bracket.after[i] = after;
      const int gap = before == kNone ? 0 : days[after] - days[before];
      bracket.share[i] = gap > 0 ? static_cast<float>(day - days[before]) / static_cast<float>(gap) : 0.0f;
    }
    for (size_t b = 0; b < series.bands(); ++b) {
      const int16_t* values = dates > 0 ? series.value(b, 0) : nullptr;
      float* target = out.plane(b, t);
      for (size_t i = 0; i < n; ++i) {
        if (bracket.before[i] == kNone) {
          target[i] = kNaN;
          continue;
        }
        const float from = values[bracket.before[i] * n + i];
        const float to = values[bracket.after[i] * n + i];
        target[i] = (from + bracket.share[i] * (to - from)) * kScale;
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
