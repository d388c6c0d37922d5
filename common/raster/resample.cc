#include "common/raster/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace arpent::raster {
namespace {

constexpr int kTaps = 4;

// How output pixels with one phase (their place inside their own input pixel) read the input: the first of four taps
// relative to that pixel, and the taps' weights.
struct Phase {
  int first = 0;
  std::array<float, kTaps> weight{};
};

// Keys' cubic convolution with a = -0.5 (Catmull-Rom) at distance `t` in [0, 1) behind the second tap.
std::array<float, kTaps> CubicWeights(double t) {
  const double t2 = t * t;
  const double t3 = t2 * t;
  return {static_cast<float>(0.5 * (-t3 + 2 * t2 - t)), static_cast<float>(0.5 * (3 * t3 - 5 * t2 + 2)),
          static_cast<float>(0.5 * (-3 * t3 + 4 * t2 + t)), static_cast<float>(0.5 * (t3 - t2))};
}

std::vector<Phase> MakePhases(int factor) {
  std::vector<Phase> phases(factor);
  for (int p = 0; p < factor; ++p) {
    const double offset = (p + 0.5) / factor - 0.5;  // from the input pixel's centre, in input pixels
    phases[p] = offset < 0 ? Phase{-2, CubicWeights(1 + offset)} : Phase{-1, CubicWeights(offset)};
  }
  return phases;
}

int16_t FromFloat(float value, int16_t no_data) {
  const float rounded = value + std::copysign(0.5f, value);
  const float high = rounded > 32767.0f ? 32767.0f : rounded;
  const auto whole = static_cast<int>(high < -32768.0f ? -32768.0f : high);
  // A value that happens to be the no-data code stays a value.
  const int beside = no_data < 32767 ? no_data + 1 : no_data - 1;
  return static_cast<int16_t>(whole == no_data ? beside : whole);
}
float FromFloat(float value, float) { return value; }

template <typename T>
class BicubicEnlarger {
 public:
  BicubicEnlarger(View<const T> in, int factor, int out_x, int out_y, T no_data, View<T> out)
      : in_(in), factor_(factor), out_x_(out_x), out_y_(out_y), no_data_(no_data), out_(out),
        phases_(MakePhases(factor)) {}

  // Separable where all 16 taps are valid; elsewhere the weights are renormalised pixel by pixel. Which of the two is
  // taken depends on the taps alone, so that a block and the whole agree to the last bit. Rows are kept phase by phase,
  // and in each one input pixel after the other, so that loops run over neighbours; the last step interleaves them.
  void Run() {
    if (out_.width() == 0 || out_.height() == 0) return;
    first_row_ = std::max(0, out_y_ / factor_ - 2);
    first_own_ = out_x_ / factor_;
    owns_ = (out_x_ + out_.width() - 1) / factor_ - first_own_ + 1;
    const int last_row = std::min(in_.height() - 1, (out_y_ + out_.height() - 1) / factor_ + 2);
    const int rows = last_row - first_row_ + 1;
    across_ = Image<float>(owns_ * factor_, rows);
    whole_ = Image<uint8_t>(owns_ * factor_, rows);
    for (int r = 0; r < rows; ++r) {
      for (int p = 0; p < factor_; ++p) EnlargeAcross(first_row_ + r, p, r);
    }
    by_phase_.resize(static_cast<size_t>(owns_) * factor_);
    seen_.resize(by_phase_.size());
    for (int y = 0; y < out_.height(); ++y) EnlargeDown(y);
  }

 private:
  void EnlargeAcross(int in_row, int phase_index, int r) {
    const Phase& phase = phases_[phase_index];
    float* across = across_.row(r).data() + static_cast<ptrdiff_t>(phase_index) * owns_;
    uint8_t* whole = whole_.row(r).data() + static_cast<ptrdiff_t>(phase_index) * owns_;
    // The pixels whose taps all lie inside.
    const int begin = std::clamp(-phase.first - first_own_, 0, owns_);
    const int end = std::clamp(in_.width() - kTaps + 1 - phase.first - first_own_, begin, owns_);
    std::fill(across, across + begin, 0.0f);
    std::fill(across + end, across + owns_, 0.0f);
    std::fill(whole, whole + begin, uint8_t{0});
    std::fill(whole + end, whole + owns_, uint8_t{0});
    const auto [w0, w1, w2, w3] = phase.weight;
    const T no_data = no_data_;
    const T* in = in_.row(in_row).data() + first_own_ + phase.first;
    for (int i = begin; i < end; ++i) {
      across[i] = w0 * in[i] + w1 * in[i + 1] + w2 * in[i + 2] + w3 * in[i + 3];
    }
    for (int i = begin; i < end; ++i) {
      whole[i] = (in[i] != no_data) & (in[i + 1] != no_data) & (in[i + 2] != no_data) & (in[i + 3] != no_data);
    }
  }

  void EnlargeDown(int y) {
    const int own = (out_y_ + y) / factor_;
    const Phase& phase = phases_[(out_y_ + y) % factor_];
    const int first = own + phase.first;
    T* out = out_.row(y).data();
    if (first < 0 || first + kTaps > in_.height()) {
      for (int x = 0; x < out_.width(); ++x) out[x] = Renormalised(x, y);
      return;
    }
    std::array<const float*, kTaps> a;
    std::array<const uint8_t*, kTaps> ok;
    for (int k = 0; k < kTaps; ++k) {
      a[k] = across_.row(first + k - first_row_).data();
      ok[k] = whole_.row(first + k - first_row_).data();
    }
    const auto [w0, w1, w2, w3] = phase.weight;
    const int count = owns_ * factor_;
    const T no_data = no_data_;
    T* by_phase = by_phase_.data();
    for (int i = 0; i < count; ++i) {
      by_phase[i] = FromFloat(w0 * a[0][i] + w1 * a[1][i] + w2 * a[2][i] + w3 * a[3][i], no_data);
    }
    uint8_t* seen = seen_.data();
    uint8_t all_seen = 1;
    for (int i = 0; i < count; ++i) {
      seen[i] = ok[0][i] & ok[1][i] & ok[2][i] & ok[3][i];
      all_seen &= seen[i];
    }
    Interleave(by_phase, out);
    if (all_seen) return;
    for (int x = 0; x < out_.width(); ++x) {
      const int at = (out_x_ + x) % factor_ * owns_ + (out_x_ + x) / factor_ - first_own_;
      if (!seen[at]) out[x] = Renormalised(x, y);
    }
  }

  void Interleave(const T* by_phase, T* out) const {
    if (factor_ == 2 && out_x_ % 2 == 0 && out_.width() % 2 == 0) {
      const T* second = by_phase + owns_;
      for (int i = 0; i < owns_; ++i) {
        out[2 * i] = by_phase[i];
        out[2 * i + 1] = second[i];
      }
      return;
    }
    for (int p = 0; p < factor_; ++p) {
      for (int i = 0; i < owns_; ++i) {
        const int x = (first_own_ + i) * factor_ + p - out_x_;
        if (x >= 0 && x < out_.width()) out[x] = by_phase[static_cast<ptrdiff_t>(p) * owns_ + i];
      }
    }
  }

  T Renormalised(int x, int y) const {
    const int own_x = (out_x_ + x) / factor_;
    const int own_y = (out_y_ + y) / factor_;
    if (own_x >= in_.width() || own_y >= in_.height() || in_(own_x, own_y) == no_data_) return no_data_;
    const Phase& across = phases_[(out_x_ + x) % factor_];
    const Phase& down = phases_[(out_y_ + y) % factor_];
    float sum = 0;
    float weights = 0;
    for (int j = 0; j < kTaps; ++j) {
      const int row = own_y + down.first + j;
      if (row < 0 || row >= in_.height()) continue;
      for (int i = 0; i < kTaps; ++i) {
        const int column = own_x + across.first + i;
        if (column < 0 || column >= in_.width() || in_(column, row) == no_data_) continue;
        const float weight = down.weight[j] * across.weight[i];
        sum += weight * in_(column, row);
        weights += weight;
      }
    }
    // The own pixel always takes part with a weight of 0.25 or more; a sum far below that means that negative lobes
    // alone outweigh it, and dividing by it would amplify noise.
    constexpr float kLeastWeight = 0.2f;
    return weights < kLeastWeight ? in_(own_x, own_y) : FromFloat(sum / weights, no_data_);
  }

  const View<const T> in_;
  const int factor_;
  const int out_x_;
  const int out_y_;
  const T no_data_;
  const View<T> out_;
  const std::vector<Phase> phases_;
  int first_row_ = 0;              // of the input
  int first_own_ = 0, owns_ = 0;   // input pixels that output pixels lie in, of a row
  Image<float> across_;            // rows x (phases x owns_)
  Image<uint8_t> whole_;           // whether all four taps have data
  std::vector<T> by_phase_;        // one row
  std::vector<uint8_t> seen_;
};

template <typename T>
void Nearest(View<const T> in, int factor, int out_x, int out_y, View<T> out) {
  for (int y = 0; y < out.height(); ++y) {
    const T* source = in.row(std::min(in.height() - 1, (out_y + y) / factor)).data();
    T* target = out.row(y).data();
    for (int x = 0; x < out.width(); ++x) target[x] = source[std::min(in.width() - 1, (out_x + x) / factor)];
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

void EnlargeBicubic(View<const int16_t> in, int factor, int out_x, int out_y, int16_t no_data, View<int16_t> out) {
  BicubicEnlarger<int16_t>(in, factor, out_x, out_y, no_data, out).Run();
}
void EnlargeBicubic(View<const float> in, int factor, int out_x, int out_y, float no_data, View<float> out) {
  BicubicEnlarger<float>(in, factor, out_x, out_y, no_data, out).Run();
}

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
