// One step of a pyramid: a raster at half its resolution.
#ifndef ARPENT_COMMON_PRODUCT_OVERVIEW_H_
#define ARPENT_COMMON_PRODUCT_OVERVIEW_H_

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "common/product/raster_writer.h"
#include "common/raster/image.h"

namespace arpent::product {

// Mean of `count` integers, half away from zero.
template <typename T>
T RoundedMean(int sum, int count) {
  const int twice = 2 * std::abs(sum) + count;
  const int magnitude = twice / (2 * count);
  return static_cast<T>(sum < 0 ? -magnitude : magnitude);
}

template <typename T>
bool IsNoData(T value, T no_data) {
  if constexpr (std::is_floating_point_v<T>) return value == no_data || (std::isnan(value) && std::isnan(no_data));
  return value == no_data;
}

// `coarse` is ceil(fine / 2) in both directions. kAverage: the mean of the up to four valid pixels, no-data where none
// is valid. kNearest: the upper left pixel.
template <typename T>
void HalveInto(raster::View<const T> fine, OverviewKind kind, bool has_no_data, T no_data, raster::View<T> coarse) {
  using Sum = std::conditional_t<std::is_floating_point_v<T>, double, int>;
  for (int y = 0; y < coarse.height(); ++y) {
    const auto out = coarse.row(y);
    const auto upper = fine.row(2 * y);
    if (kind == OverviewKind::kNearest) {
      for (int x = 0; x < coarse.width(); ++x) out[x] = upper[2 * x];
      continue;
    }
    const auto lower = 2 * y + 1 < fine.height() ? fine.row(2 * y + 1) : upper.subspan(0, 0);
    for (int x = 0; x < coarse.width(); ++x) {
      Sum sum = 0;
      int count = 0;
      const auto add = [&](T value) {
        const bool valid = !has_no_data || !IsNoData(value, no_data);
        sum += valid ? value : T{0};
        count += valid;
      };
      const bool second = 2 * x + 1 < fine.width();
      add(upper[2 * x]);
      if (second) add(upper[2 * x + 1]);
      if (!lower.empty()) {
        add(lower[2 * x]);
        if (second) add(lower[2 * x + 1]);
      }
      if (count == 0) {
        out[x] = no_data;
      } else if constexpr (std::is_floating_point_v<T>) {
        out[x] = static_cast<T>(sum / count);
      } else {
        out[x] = RoundedMean<T>(sum, count);
      }
    }
  }
}

}  // namespace arpent::product

#endif  // ARPENT_COMMON_PRODUCT_OVERVIEW_H_
