// Gap filling and resampling of reflectance over a season, for a strip of pixels at once.
//
// Everything is kept in planes: one value per pixel, pixels side by side, so that loops run over pixels. A pixel's result
// depends on that pixel alone: any division into strips gives the same bits.
#ifndef ARPENT_COMMON_KERNELS_FEATURES_TIME_SERIES_H_
#define ARPENT_COMMON_KERNELS_FEATURES_TIME_SERIES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace arpent::kernels {

// Days since 1970-01-01 of a season's resampled dates: first, first + step, ... <= last. Fixed by the season alone, so
// that every tile has the same features. Empty when last < first or step < 1.
std::vector<int> SeasonDays(int first_day, int last_day, int step_days);

// Index of the last of `days`, which ascend, on or before `day`; -1 when there is none.
int DateOnOrBefore(std::span<const int> days, int day);

// Reflectance (1 = 100 %) of one unit of an observation.
inline constexpr float kObservedUnit = 1e-4f;

// Observations of `pixels` pixels in some bands that the same dates have. Planes lie behind one another:
// value(band, date)[pixel] is reflectance x 10000, weight(date)[pixel] >= 0; 0 says that the date does not see the pixel
// (masked or no-data in any band) and its values are never read as numbers.
class ObservedSeries {
 public:
  // `days` ascend; a day may stand twice (two scenes).
  void Reset(size_t pixels, std::vector<int> days, size_t bands);

  size_t pixels() const { return pixels_; }
  size_t bands() const { return bands_; }
  size_t dates() const { return days_.size(); }
  const std::vector<int>& days() const { return days_; }
  int16_t* value(size_t band, size_t date) { return values_.data() + (band * dates() + date) * pixels_; }
  const int16_t* value(size_t band, size_t date) const { return values_.data() + (band * dates() + date) * pixels_; }
  float* weight(size_t date) { return weights_.data() + date * pixels_; }
  const float* weight(size_t date) const { return weights_.data() + date * pixels_; }

  // Makes each day one date: per pixel, the first scene in order that has a weight above 0 is taken.
  void MergeDays();

 private:
  size_t pixels_ = 0, bands_ = 0;
  std::vector<int> days_;
  std::vector<int16_t> values_;
  std::vector<float> weights_;
};

// Reflectance (1 = 100 %) on resampled dates, NaN for a pixel that no date sees: plane(band, date)[pixel].
class FilledSeries {
 public:
  void Reset(size_t pixels, size_t bands, size_t dates);
  size_t pixels() const { return pixels_; }
  size_t bands() const { return bands_; }
  size_t dates() const { return dates_; }
  float* plane(size_t band, size_t date) { return values_.data() + (band * dates_ + date) * pixels_; }
  const float* plane(size_t band, size_t date) const { return values_.data() + (band * dates_ + date) * pixels_; }

 private:
  size_t pixels_ = 0, bands_ = 0, dates_ = 0;
  std::vector<float> values_;
};

// Each day of `series` once (see MergeDays). Where `out_days` fall between two dates that see the pixel, linear
// interpolation; before the first and behind the last one, its value.
void FillLinear(const ObservedSeries& series, std::span<const int> out_days, FilledSeries& out);

// Whittaker smoothing with first-order differences on a daily grid (Eilers 2003): z minimises
//   sum over dates w (y - z)^2 + lambda * sum over days (z_day - z_day-1)^2.
// Between dates the minimum is linear, so that the daily system reduces exactly to one unknown per date with penalty
// lambda / days between them; it is solved in float (error against a daily solution in double: below 1e-5 of
// reflectance, see time_series_test.cc). lambda > 0.
void FillWhittaker(const ObservedSeries& series, double lambda, std::span<const int> out_days, FilledSeries& out);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_FEATURES_TIME_SERIES_H_
