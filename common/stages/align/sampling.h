// Values of an image between its pixels.
#ifndef ARPENT_COMMON_STAGES_ALIGN_SAMPLING_H_
#define ARPENT_COMMON_STAGES_ALIGN_SAMPLING_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "common/raster/image.h"

namespace arpent::stages {

// Keys' cubic convolution (a = -0.5) at `x`, `y` in pixels from the image's corner (the first pixel's centre is 0.5,
// 0.5). No-data where the nearest pixel has none; other no-data, and what lies outside, takes no part (weights are
// renormalised), as raster::EnlargeBicubic has it.
inline int16_t SampleBicubic(raster::View<const int16_t> image, double x, double y, int16_t no_data) {
  const int column = static_cast<int>(std::floor(x)), row = static_cast<int>(std::floor(y));
  if (column < 0 || row < 0 || column >= image.width() || row >= image.height() || image(column, row) == no_data) {
    return no_data;
  }
  const double left = std::floor(x - 0.5), top = std::floor(y - 0.5);
  const auto weights = [](double t, double* w) {
    w[0] = 0.5 * (-t * t * t + 2 * t * t - t);
    w[1] = 0.5 * (3 * t * t * t - 5 * t * t + 2);
    w[2] = 0.5 * (-3 * t * t * t + 4 * t * t + t);
    w[3] = 0.5 * (t * t * t - t * t);
  };
  double across[4], down[4], sum = 0, total = 0;
  weights(x - 0.5 - left, across);
  weights(y - 0.5 - top, down);
  for (int v = 0; v < 4; ++v) {
    const int at_row = static_cast<int>(top) - 1 + v;
    if (at_row < 0 || at_row >= image.height()) continue;
    for (int u = 0; u < 4; ++u) {
      const int at_column = static_cast<int>(left) - 1 + u;
      if (at_column < 0 || at_column >= image.width() || image(at_column, at_row) == no_data) continue;
      const double weight = across[u] * down[v];
      sum += weight * image(at_column, at_row);
      total += weight;
    }
  }
  // The nearest pixel alone weighs more than all negative weights together could take away.
  const double value = sum / total;
  const double rounded = std::clamp(value + (value < 0 ? -0.5 : 0.5), -32767.0, 32767.0);
  const auto whole = static_cast<int16_t>(rounded);
  return whole == no_data ? static_cast<int16_t>(whole + 1) : whole;
}

template <typename T>
T SampleNearest(raster::View<const T> image, double x, double y, T outside) {
  const int column = static_cast<int>(std::floor(x)), row = static_cast<int>(std::floor(y));
  if (column < 0 || row < 0 || column >= image.width() || row >= image.height()) return outside;
  return image(column, row);
}

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_ALIGN_SAMPLING_H_
