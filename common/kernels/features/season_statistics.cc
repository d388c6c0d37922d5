#include "common/kernels/features/season_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace arpent::kernels {
namespace {

// Pixels worked on together: their state stays in the first-level cache.
constexpr size_t kChunk = 256;
using State = std::array<float, kChunk>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

template <typename Body>
void ForChunks(size_t pixels, Body body) {
  for (size_t first = 0; first < pixels; first += kChunk) body(first, std::min(kChunk, pixels - first));
}

size_t FittingWindow(size_t window, size_t dates) { return std::max<size_t>(1, std::min(window, dates / 2)); }

// Mean of `window` records from record `t`, summed in order of time.
void WindowMean(const SeriesPlanes& series, size_t t, size_t window, size_t first, size_t count, float* mean) {
  const float scale = 1.0f / static_cast<float>(window);
  std::fill_n(mean, count, 0.0f);
  for (size_t k = 0; k < window; ++k) {
    const float* plane = series.plane(t + k) + first;
    for (size_t i = 0; i < count; ++i) mean[i] += plane[i];
  }
  for (size_t i = 0; i < count; ++i) mean[i] *= scale;
}

// Comparisons are written so that NaN is kept: a NaN operand never replaces, and a NaN start stays.
float Larger(float a, float b) { return b > a ? b : a; }
float Smaller(float a, float b) { return b < a ? b : a; }

// NaN where the pixel has no observation, else `value`.
float IfSeen(float first_record, float value) { return first_record == first_record ? value : first_record; }

}  // namespace

void Extremes(const SeriesPlanes& series, float* maximum, float* minimum) {
  std::copy_n(series.plane(0), series.pixels, maximum);
  std::copy_n(series.plane(0), series.pixels, minimum);
  for (size_t t = 1; t < series.dates(); ++t) {
    const float* plane = series.plane(t);
    for (size_t i = 0; i < series.pixels; ++i) {
      maximum[i] = Larger(maximum[i], plane[i]);
      minimum[i] = Smaller(minimum[i], plane[i]);
    }
  }
}

void MeanAndDeviation(const SeriesPlanes& series, float* mean, float* deviation) {
  const float scale = 1.0f / static_cast<float>(series.dates());
  ForChunks(series.pixels, [&](size_t first, size_t count) {
    WindowMean(series, 0, series.dates(), first, count, mean + first);
    State squares{};
    for (size_t t = 0; t < series.dates(); ++t) {
      const float* plane = series.plane(t) + first;
      for (size_t i = 0; i < count; ++i) {
        const float difference = plane[i] - mean[first + i];
        squares[i] += difference * difference;
      }
    }
    for (size_t i = 0; i < count; ++i) deviation[first + i] = std::sqrt(squares[i] * scale);
  });
}

void Median(const SeriesPlanes& series, float* median) {
  // By rank: a record's rank is how many others come before it. More comparisons than selecting, but none of them
  // branches, and 16 pixels go side by side.
  constexpr size_t kSide = 16;
  const size_t dates = series.dates();
  const auto upper = static_cast<int>(dates / 2), lower = static_cast<int>((dates - 1) / 2);
  std::vector<float> records(kSide * dates, 0.0f);
  for (size_t first = 0; first < series.pixels; first += kSide) {
    const size_t count = std::min(kSide, series.pixels - first);
    for (size_t t = 0; t < dates; ++t) std::copy_n(series.plane(t) + first, count, records.data() + t * kSide);
    std::array<float, kSide> low{}, high{};
    for (size_t t = 0; t < dates; ++t) {
      const float* own = records.data() + t * kSide;
      std::array<int, kSide> rank{};
      for (size_t u = 0; u < t; ++u) {
        const float* other = records.data() + u * kSide;
        for (size_t i = 0; i < kSide; ++i) rank[i] += other[i] <= own[i];
      }
      for (size_t u = t + 1; u < dates; ++u) {
        const float* other = records.data() + u * kSide;
        for (size_t i = 0; i < kSide; ++i) rank[i] += other[i] < own[i];
      }
      for (size_t i = 0; i < kSide; ++i) {
        low[i] = rank[i] == lower ? own[i] : low[i];
        high[i] = rank[i] == upper ? own[i] : high[i];
      }
    }
    for (size_t i = 0; i < count; ++i) {
      const float middle = upper == lower ? high[i] : 0.5f * (high[i] + low[i]);
      median[first + i] = IfSeen(records[i], middle);
    }
  }
}

void WindowContrasts(const SeriesPlanes& series, size_t window, float* largest, float* smallest, float* range) {
  window = FittingWindow(window, series.dates());
  ForChunks(series.pixels, [&](size_t first, size_t count) {
    State high, low, earlier, later;
    high.fill(-kInfinity);
    low.fill(kInfinity);
    for (size_t t = 0; t + 2 * window <= series.dates(); ++t) {
      WindowMean(series, t, window, first, count, earlier.data());
      WindowMean(series, t + window, window, first, count, later.data());
      for (size_t i = 0; i < count; ++i) {
        const float contrast = earlier[i] - later[i];
        high[i] = Larger(high[i], contrast);
        low[i] = Smaller(low[i], contrast);
      }
    }
    const bool none = series.dates() < 2 * window;
    const float* seen = series.plane(0) + first;
    for (size_t i = 0; i < count; ++i) {
      largest[first + i] = IfSeen(seen[i], none ? 0.0f : high[i]);
      smallest[first + i] = IfSeen(seen[i], none ? 0.0f : low[i]);
      range[first + i] = IfSeen(seen[i], none ? 0.0f : high[i] - low[i]);
    }
  });
}

void Plateau(const SeriesPlanes& series, size_t window, float tolerance, float* level, float* duration,
             float* product) {
  window = std::max<size_t>(1, std::min(window, series.dates()));
  ForChunks(series.pixels, [&](size_t first, size_t count) {
    State best, mean, longest{}, begin;
    best.fill(-kInfinity);
    for (size_t t = 0; t + window <= series.dates(); ++t) {
      WindowMean(series, t, window, first, count, mean.data());
      for (size_t i = 0; i < count; ++i) best[i] = Larger(best[i], mean[i]);
    }
    // `begin`: day on which the run that reaches the record began, counted from the first record.
    begin.fill(0);
    const int origin = series.days[0];
    for (size_t t = 0; t < series.dates(); ++t) {
      const float* plane = series.plane(t) + first;
      const float day = static_cast<float>(series.days[t] - origin);
      // Where the run would begin if this record is outside of it.
      const float next_day = static_cast<float>(series.days[std::min(t + 1, series.dates() - 1)] - origin);
      for (size_t i = 0; i < count; ++i) {
        const bool inside = std::fabs(plane[i] - best[i]) <= tolerance;
        longest[i] = inside ? Larger(longest[i], day - begin[i]) : longest[i];
        begin[i] = inside ? begin[i] : next_day;
      }
    }
    const float* seen = series.plane(0) + first;
    for (size_t i = 0; i < count; ++i) {
      level[first + i] = IfSeen(seen[i], best[i]);
      duration[first + i] = IfSeen(seen[i], longest[i]);
      product[first + i] = IfSeen(seen[i], best[i] * longest[i]);
    }
  });
}

void LargestTransition(const SeriesPlanes& series, int sign, float* area, float* days, float* slope) {
  const auto direction = static_cast<float>(sign);
  ForChunks(series.pixels, [&](size_t first, size_t count) {
    State start, start_day{}, best{}, best_days{}, best_change{};
    std::copy_n(series.plane(0) + first, count, start.begin());
    const int origin = series.days[0];
    for (size_t t = 1; t < series.dates(); ++t) {
      const float* previous = series.plane(t - 1) + first;
      const float* plane = series.plane(t) + first;
      const float day = static_cast<float>(series.days[t] - origin);
      for (size_t i = 0; i < count; ++i) {
        const bool goes_on = direction * (plane[i] - previous[i]) > 0;
        const float change = plane[i] - start[i];
        const float lasts = day - start_day[i];
        const float triangle = 0.5f * direction * change * lasts;
        const bool better = goes_on && triangle > best[i];
        best[i] = better ? triangle : best[i];
        best_days[i] = better ? lasts : best_days[i];
        best_change[i] = better ? change : best_change[i];
        start[i] = goes_on ? start[i] : plane[i];
        start_day[i] = goes_on ? start_day[i] : day;
      }
    }
    const float* seen = series.plane(0) + first;
    for (size_t i = 0; i < count; ++i) {
      area[first + i] = IfSeen(seen[i], best[i]);
      days[first + i] = IfSeen(seen[i], best_days[i]);
      slope[first + i] = IfSeen(seen[i], best_days[i] > 0 ? best_change[i] / best_days[i] : 0.0f);
    }
  });
}

void Crossings(const SeriesPlanes& series, float level, float* upwards, float* downwards) {
  const float* seen = series.plane(0);
  for (size_t i = 0; i < series.pixels; ++i) upwards[i] = downwards[i] = IfSeen(seen[i], 0.0f);
  for (size_t t = 1; t < series.dates(); ++t) {
    const float* previous = series.plane(t - 1);
    const float* plane = series.plane(t);
    for (size_t i = 0; i < series.pixels; ++i) {
      upwards[i] = previous[i] < level && plane[i] >= level ? 1.0f : upwards[i];
      downwards[i] = previous[i] >= level && plane[i] < level ? 1.0f : downwards[i];
    }
  }
}

}  // namespace arpent::kernels
