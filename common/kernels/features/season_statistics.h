// Statistics of an index over a season's resampled dates: the ingredients of the crop-mask features.
//
// Every function reads `dates` planes of `pixels` values, plane t at series + t * pixels, and writes planes of `pixels`
// values. A pixel is NaN on all dates or on none (gap filling leaves no hole); NaN gives NaN.
#ifndef ARPENT_COMMON_KERNELS_FEATURES_SEASON_STATISTICS_H_
#define ARPENT_COMMON_KERNELS_FEATURES_SEASON_STATISTICS_H_

#include <cstddef>
#include <span>

namespace arpent::kernels {

struct SeriesPlanes {
  const float* values = nullptr;
  size_t pixels = 0;
  std::span<const int> days;  // of the planes, ascending, at least one

  size_t dates() const { return days.size(); }
  const float* plane(size_t t) const { return values + t * pixels; }
};

// Maximum, minimum, mean and standard deviation (population) over time.
void Extremes(const SeriesPlanes& series, float* maximum, float* minimum);
void MeanAndDeviation(const SeriesPlanes& series, float* mean, float* deviation);
// The mean of the two middle values when the number of dates is even.
void Median(const SeriesPlanes& series, float* median);

// With m(i) the mean of `window` records from record i: the largest and smallest m(i) - m(i + window) and their
// difference. The window shrinks to half the records when there are fewer than two windows; 0 for a single record.
void WindowContrasts(const SeriesPlanes& series, size_t window, float* largest, float* smallest, float* range);

// The largest m(i), the longest time in days that the index stays within `tolerance` of it (from the first to the last
// record of a run), and their product.
void Plateau(const SeriesPlanes& series, size_t window, float tolerance, float* level, float* duration, float* product);

// Among stretches of records that only rise (`sign` 1) or only fall (-1) the one with the largest triangle
// |change| * days / 2: that area, the days and the slope (change per day, signed). All 0 when there is none. (A level stretch
// ends a transition: held values at the edge of a season would else lengthen it.)
void LargestTransition(const SeriesPlanes& series, int sign, float* area, float* days, float* slope);

// 1 where the index passes `level` between two records upwards (downwards), else 0.
void Crossings(const SeriesPlanes& series, float level, float* upwards, float* downwards);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_FEATURES_SEASON_STATISTICS_H_
