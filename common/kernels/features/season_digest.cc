#include "common/kernels/features/season_digest.h"

#include <algorithm>
#include <vector>

#include "common/kernels/features/indices.h"

namespace arpent::kernels {

void DigestSeason(const FilledSeries& series, size_t red, size_t nir, SeasonDigest* out) {
  const size_t n = series.pixels(), dates = series.dates();
  constexpr size_t kQuarters = std::tuple_size_v<SeasonDigest>;
  std::vector<float> sum(n);
  for (size_t quarter = 0; quarter < kQuarters; ++quarter) {
    const size_t first = std::min(quarter * dates / kQuarters, dates - 1);
    const size_t last = std::max(first + 1, (quarter + 1) * dates / kQuarters);
    std::fill(sum.begin(), sum.end(), 0.0f);
    for (size_t t = first; t < last; ++t) {
      const float *r = series.plane(red, t), *k = series.plane(nir, t);
      for (size_t i = 0; i < n; ++i) sum[i] += Ndvi(k[i], r[i]);
    }
    const auto scale = static_cast<float>(kDigestStepsPerNdvi / static_cast<double>(last - first));
    for (size_t i = 0; i < n; ++i) {
      const float value = static_cast<float>(kDigestStepsPerNdvi) + sum[i] * scale + 0.5f;
      out[i][quarter] = value == value ? static_cast<uint8_t>(value) : 0;
    }
  }
}

}  // namespace arpent::kernels
