#include "common/kernels/features/season_digest.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "common/kernels/features/plane_loops.h"

namespace arpent::kernels {
namespace {

constexpr size_t kWaves = std::tuple_size_v<SeasonDigest>;
constexpr size_t kPixelsAtOnce = 512;  // their sums stay in the first-level cache

// weights[k * dates + t], in steps.
std::vector<float> WaveWeights(size_t dates) {
  std::vector<float> weights(kWaves * dates);
  for (size_t k = 0; k < std::min(kWaves, dates); ++k) {
    const double scale = kDigestStepsPerNdvi / static_cast<double>(dates) * (k == 0 ? 1 : std::numbers::sqrt2);
    for (size_t t = 0; t < dates; ++t) {
      const double angle = std::numbers::pi * (static_cast<double>(t) + 0.5) * static_cast<double>(k) / static_cast<double>(dates);
      weights[k * dates + t] = static_cast<float>(scale * std::cos(angle));
    }
  }
  return weights;
}

}  // namespace

void DigestSeason(const FilledSeries& series, size_t red, size_t nir, SeasonDigest* out) {
  const size_t dates = series.dates();
  const std::vector<float> weights = WaveWeights(dates);
  float ndvi[kPixelsAtOnce], sums[kWaves][kPixelsAtOnce];
  for (size_t begin = 0; begin < series.pixels(); begin += kPixelsAtOnce) {
    const size_t n = std::min(kPixelsAtOnce, series.pixels() - begin);
    for (auto& sum : sums) std::fill_n(sum, n, static_cast<float>(kDigestStepsPerNdvi) + 0.5f);
    for (size_t t = 0; t < dates; ++t) {
      const float *r = series.plane(red, t) + begin, *v = series.plane(nir, t) + begin;
      NdviOfPlanes(v, r, n, ndvi);
      for (size_t k = 0; k < std::min(kWaves, dates); ++k) {
        const float weight = weights[k * dates + t];
        for (size_t i = 0; i < n; ++i) sums[k][i] += weight * ndvi[i];
      }
    }
    for (size_t i = 0; i < n; ++i) {
      const bool seen = sums[0][i] == sums[0][i];
      for (size_t k = 0; k < kWaves; ++k) {
        out[begin + i][k] = seen ? static_cast<uint8_t>(std::clamp(sums[k][i], 0.0f, 255.0f)) : 0;
      }
    }
  }
}

}  // namespace arpent::kernels
