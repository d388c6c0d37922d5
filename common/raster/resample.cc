#include "common/raster/resample.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace arpent::raster {
namespace {

// One row of pixels, each `factor` times; a loop over whole pairs becomes one of whole vectors.
template <typename T>
void NearestRow(std::span<const T> source, int factor, int out_x, std::span<T> target) {
  const int width = static_cast<int>(target.size()), last = static_cast<int>(source.size()) - 1;
  int x = 0;
  if (factor == 2 && out_x % 2 == 0) {
    const T* in = source.data() + out_x / 2;
    T* out = target.data();
    const int pairs = std::clamp(last + 1 - out_x / 2, 0, width / 2);
    for (int i = 0; i < pairs; ++i) out[2 * i] = out[2 * i + 1] = in[i];
    x = 2 * pairs;
  }
  for (; x < width; ++x) target[x] = source[std::min(last, (out_x + x) / factor)];
}

template <typename T>
void Nearest(View<const T> in, int factor, int out_x, int out_y, View<T> out) {
  int above = -1;
  for (int y = 0; y < out.height(); ++y) {
    const int row = std::min(in.height() - 1, (out_y + y) / factor);
    if (row == above) {
      std::copy(out.row(y - 1).begin(), out.row(y - 1).end(), out.row(y).begin());
    } else {
      NearestRow(in.row(row), factor, out_x, out.row(y));
    }
    above = row;
  }
}

template <typename T, typename Sum>
T MeanOf(Sum sum, int count) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(sum / count);
  } else {
    return static_cast<T>(sum < 0 ? (sum - count / 2) / count : (sum + count / 2) / count);
  }
}

template <typename T, typename Sum>
void Mean(View<const T> in, int factor, T no_data, View<T> out) {
  std::vector<Sum> sums(out.width());
  std::vector<int> counts(out.width());
  for (int y = 0; y < out.height(); ++y) {
    std::fill(sums.begin(), sums.end(), Sum{0});
    std::fill(counts.begin(), counts.end(), 0);
    const int last = std::min(in.height(), (y + 1) * factor);
    for (int row = y * factor; row < last; ++row) {
      const T* source = in.row(row).data();
      for (int x = 0; x < out.width(); ++x) {
        const int end = std::min(in.width(), (x + 1) * factor);
        for (int i = x * factor; i < end; ++i) {
          if (source[i] == no_data) continue;
          sums[x] += source[i];
          ++counts[x];
        }
      }
    }
    T* target = out.row(y).data();
    for (int x = 0; x < out.width(); ++x) target[x] = counts[x] == 0 ? no_data : MeanOf<T, Sum>(sums[x], counts[x]);
  }
}

template <typename T>
void First(View<const T> in, int factor, View<T> out) {
  for (int y = 0; y < out.height(); ++y) {
    const T* source = in.row(y * factor).data();
    T* target = out.row(y).data();
    for (int x = 0; x < out.width(); ++x) target[x] = source[x * factor];
  }
}

}  // namespace

void EnlargeNearest(View<const uint8_t> in, int factor, int out_x, int out_y, View<uint8_t> out) {
  Nearest(in, factor, out_x, out_y, out);
}
void EnlargeNearest(View<const uint16_t> in, int factor, int out_x, int out_y, View<uint16_t> out) {
  Nearest(in, factor, out_x, out_y, out);
}

void ShrinkMean(View<const int16_t> in, int factor, int16_t no_data, View<int16_t> out) {
  Mean<int16_t, int64_t>(in, factor, no_data, out);
}
void ShrinkMean(View<const uint16_t> in, int factor, uint16_t no_data, View<uint16_t> out) {
  Mean<uint16_t, int64_t>(in, factor, no_data, out);
}
void ShrinkMean(View<const uint8_t> in, int factor, uint8_t no_data, View<uint8_t> out) {
  Mean<uint8_t, int64_t>(in, factor, no_data, out);
}
void ShrinkMean(View<const float> in, int factor, float no_data, View<float> out) {
  Mean<float, double>(in, factor, no_data, out);
}

void ShrinkNearest(View<const uint8_t> in, int factor, View<uint8_t> out) { First(in, factor, out); }
void ShrinkNearest(View<const uint16_t> in, int factor, View<uint16_t> out) { First(in, factor, out); }

}  // namespace arpent::raster
