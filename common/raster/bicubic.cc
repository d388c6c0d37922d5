#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "common/raster/bicubic_rows.h"
#include "common/raster/resample.h"

namespace arpent::raster {
namespace {

// How output pixels with one phase (their place inside their own input pixel) read the input: the first of four taps
// relative to that pixel, and the taps' weights.
struct Phase {
  int first = 0;
  Taps weight{};
};

// Keys' cubic convolution with a = -0.5 (Catmull-Rom) at distance `t` in [0, 1) behind the second tap.
Taps CubicWeights(double t) {
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
  const auto whole = static_cast<int>(std::clamp(rounded, -32768.0f, 32767.0f));
  return static_cast<int16_t>(whole == no_data ? BesideNoData(no_data) : whole);
}
float FromFloat(float value, float) { return value; }

using raster::WeighAlong;
using raster::WeighRows;
using raster::WeighRowsIntoPairs;
void WeighAlong(const float* in, const Taps& weight, size_t count, float* out) {
  const auto [w0, w1, w2, w3] = weight;
  for (size_t i = 0; i < count; ++i) out[i] = w0 * in[i] + w1 * in[i + 1] + w2 * in[i + 2] + w3 * in[i + 3];
}
void WeighRows(const std::array<const float*, kTaps>& rows, const Taps& weight, size_t count, float, float* out) {
  const auto [w0, w1, w2, w3] = weight;
  for (size_t i = 0; i < count; ++i) {
    out[i] = w0 * rows[0][i] + w1 * rows[1][i] + w2 * rows[2][i] + w3 * rows[3][i];
  }
}

void WeighRowsIntoPairs(const std::array<const float*, kTaps>& rows, const Taps& weight, size_t count, float, float* out) {
  const auto [w0, w1, w2, w3] = weight;
  for (size_t i = 0; i < 2 * count; ++i) {
    const size_t at = i % 2 == 0 ? i / 2 : count + i / 2;
    out[i] = w0 * rows[0][at] + w1 * rows[1][at] + w2 * rows[2][at] + w3 * rows[3][at];
  }
}

template <typename T>
class BicubicEnlarger {
 public:
  BicubicEnlarger(View<const T> in, int factor, int out_x, int out_y, T no_data, View<T> out)
      : in_(in), factor_(factor), out_x_(out_x), out_y_(out_y), no_data_(no_data), out_(out),
        phases_(MakePhases(factor)) {}

  // Separable where all 16 taps are valid; elsewhere the weights are renormalised pixel by pixel. Which of the two is
  // taken depends on the taps alone, so that a block and the whole agree to the last bit. Rows are kept phase by phase,
  // and in each one input pixel after the other, so that loops run over neighbours; the last step interleaves them. Only
  // the four input rows that an output row needs are kept, so that they stay in the nearest cache.
  void Run() {
    if (out_.width() == 0 || out_.height() == 0) return;
    first_own_ = out_x_ / factor_;
    owns_ = (out_x_ + out_.width() - 1) / factor_ - first_own_ + 1;
    next_row_ = std::max(0, out_y_ / factor_ - 2);
    const auto count = static_cast<size_t>(owns_) * factor_;
    for (Row& row : kept_) row = {std::vector<float>(count), std::vector<uint8_t>(count), false};
    by_phase_.resize(count);
    seen_.resize(count);
    for (int y = 0; y < out_.height(); ++y) EnlargeDown(y);
  }

 private:
  // One input row, enlarged along itself: phases x owns_.
  struct Row {
    std::vector<float> across;
    std::vector<uint8_t> whole;  // whether all four taps have data; set only where not all pixels of the row have it
    bool complete = false;
  };

  Row& Kept(int in_row) { return kept_[in_row % kTaps]; }

  void EnlargeAcross(int in_row) {
    Row& row = Kept(in_row);
    row.complete = IsComplete(in_row);
    for (int p = 0; p < factor_; ++p) {
      const Phase& phase = phases_[p];
      float* across = row.across.data() + static_cast<ptrdiff_t>(p) * owns_;
      // The pixels whose taps all lie inside.
      const int begin = std::clamp(-phase.first - first_own_, 0, owns_);
      const int end = std::clamp(in_.width() - kTaps + 1 - phase.first - first_own_, begin, owns_);
      const T* in = in_.row(in_row).data() + first_own_ + phase.first;
      WeighAlong(in + begin, phase.weight, end - begin, across + begin);
      if (row.complete) continue;
      std::fill(across, across + begin, 0.0f);
      std::fill(across + end, across + owns_, 0.0f);
      uint8_t* whole = row.whole.data() + static_cast<ptrdiff_t>(p) * owns_;
      std::fill(whole, whole + begin, uint8_t{0});
      std::fill(whole + end, whole + owns_, uint8_t{0});
      const T no_data = no_data_;
      for (int i = begin; i < end; ++i) {
        whole[i] = (in[i] != no_data) & (in[i + 1] != no_data) & (in[i + 2] != no_data) & (in[i + 3] != no_data);
      }
    }
  }

  // Whether every tap of the row lies inside and has data.
  bool IsComplete(int in_row) const {
    const int begin = first_own_ + phases_.front().first, end = first_own_ + owns_ + phases_.back().first + kTaps - 1;
    if (begin < 0 || end > in_.width()) return false;
    const T* in = in_.row(in_row).data();
    const T no_data = no_data_;
    T holes = 0;  // as wide as a pixel: the loop becomes one of whole vectors
    for (int i = begin; i < end; ++i) holes = std::max(holes, in[i] == no_data ? T{1} : T{0});
    return holes == 0;
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
    for (; next_row_ < first + kTaps; ++next_row_) EnlargeAcross(next_row_);
    std::array<const float*, kTaps> rows;
    bool complete = true;
    for (int k = 0; k < kTaps; ++k) {
      rows[k] = Kept(first + k).across.data();
      complete &= Kept(first + k).complete;
    }
    if (factor_ == 2 && out_x_ % 2 == 0 && out_.width() % 2 == 0) {
      WeighRowsIntoPairs(rows, phase.weight, owns_, no_data_, out);
    } else {
      WeighRows(rows, phase.weight, by_phase_.size(), no_data_, by_phase_.data());
      Interleave(by_phase_.data(), out);
    }
    if (complete) return;
    std::fill(seen_.begin(), seen_.end(), uint8_t{1});
    uint8_t* const seen = seen_.data();
    const size_t count = seen_.size();
    for (int k = 0; k < kTaps; ++k) {
      if (Kept(first + k).complete) continue;
      const uint8_t* whole = Kept(first + k).whole.data();
      for (size_t i = 0; i < count; ++i) seen[i] &= whole[i];
    }
    for (int p = 0; p < factor_; ++p) {
      for (int i = 0; i < owns_; ++i) {
        const int x = (first_own_ + i) * factor_ + p - out_x_;
        if (!seen[p * owns_ + i] && x >= 0 && x < out_.width()) out[x] = Renormalised(x, y);
      }
    }
  }

  void Interleave(const T* by_phase, T* out) const {
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
  int first_own_ = 0, owns_ = 0;   // input pixels that output pixels lie in, of a row
  int next_row_ = 0;               // of the input, not yet enlarged
  std::array<Row, kTaps> kept_;
  std::vector<T> by_phase_;        // one row
  std::vector<uint8_t> seen_;
};

}  // namespace

void EnlargeBicubic(View<const int16_t> in, int factor, int out_x, int out_y, int16_t no_data, View<int16_t> out) {
  BicubicEnlarger<int16_t>(in, factor, out_x, out_y, no_data, out).Run();
}
void EnlargeBicubic(View<const float> in, int factor, int out_x, int out_y, float no_data, View<float> out) {
  BicubicEnlarger<float>(in, factor, out_x, out_y, no_data, out).Run();
}

}  // namespace arpent::raster
