#include "common/kernels/composite/spectral_centre.h"

#include <algorithm>
#include <cmath>

#include "common/kernels/composite/cloud_distance.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/composite/spectral_centre.cc"
#include "hwy/aligned_allocator.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace arpent::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int kPixels = 16;  // one call's: a whole number of float vectors of every instruction set
constexpr int kMostSteps = 32;
constexpr float kSmallestDistance = 0.5f;  // a date at the centre itself does not outweigh all others
constexpr float kEnough = 0.5f;

// values[(date * bands + band) * kPixels + pixel]; taking[date * kPixels + pixel] is 1 for dates that take part, else
// 0; centre and next are scratch of bands x lanes. Writes 1 / distance (0 for the others) to `weights`. Pixels are
// independent: a pixel that has converged stays as it is while its neighbours go on.
void GeometricMedianChunk(const float* HWY_RESTRICT values, const float* HWY_RESTRICT taking, int dates, int bands,
                          float* HWY_RESTRICT centre, float* HWY_RESTRICT next, float* HWY_RESTRICT weights) {
  const hn::ScalableTag<float> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const auto zero = hn::Zero(d), one = hn::Set(d, 1.0f), least = hn::Set(d, kSmallestDistance);
  for (int x = 0; x < kPixels; x += lanes) {
    auto moving = hn::Gt(one, zero);
    for (int date = 0; date < dates; ++date) {  // the first centre is the mean
      hn::Store(hn::Load(d, taking + date * kPixels + x), d, weights + date * kPixels + x);
    }
    for (int step = 0; step <= kMostSteps; ++step) {
      auto total = zero;
      for (int band = 0; band < bands; ++band) hn::Store(zero, d, next + band * lanes);
      for (int date = 0; date < dates; ++date) {
        const auto w = hn::Load(d, weights + date * kPixels + x);
        total = hn::Add(total, w);
        for (int band = 0; band < bands; ++band) {
          const auto v = hn::Load(d, values + (date * bands + band) * kPixels + x);
          hn::Store(hn::Add(hn::Load(d, next + band * lanes), hn::Mul(w, v)), d, next + band * lanes);
        }
      }
      const auto none = hn::Eq(total, zero);
      const auto divisor = hn::IfThenElse(none, one, total);
      auto moved = zero;
      for (int band = 0; band < bands; ++band) {
        const auto there = hn::Div(hn::Load(d, next + band * lanes), divisor);
        const auto here = step == 0 ? there : hn::Load(d, centre + band * lanes);
        const auto difference = hn::Sub(there, here);
        moved = hn::Add(moved, hn::Mul(difference, difference));
        hn::Store(hn::IfThenElse(moving, there, here), d, centre + band * lanes);
      }
      if (step > 0) {
        moving = hn::And(moving, hn::Gt(moved, hn::Set(d, kEnough * kEnough)));
        if (step == kMostSteps || hn::AllFalse(d, moving)) break;
      }
      for (int date = 0; date < dates; ++date) {
        auto square = zero;
        for (int band = 0; band < bands; ++band) {
          const auto difference =
              hn::Sub(hn::Load(d, values + (date * bands + band) * kPixels + x), hn::Load(d, centre + band * lanes));
          square = hn::Add(square, hn::Mul(difference, difference));
        }
        const auto distance = hn::Max(hn::Sqrt(square), least);
        const auto w = hn::Div(hn::Load(d, taking + date * kPixels + x), distance);
        const auto before = hn::Load(d, weights + date * kPixels + x);
        hn::Store(hn::IfThenElse(moving, w, before), d, weights + date * kPixels + x);
      }
    }
  }
}

// Sum of distances to the other dates that take part, to `sums`.
void DistanceSumsChunk(const float* HWY_RESTRICT values, const float* HWY_RESTRICT taking, int dates, int bands,
                       float* HWY_RESTRICT sums) {
  const hn::ScalableTag<float> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  for (int x = 0; x < kPixels; x += lanes) {
    for (int date = 0; date < dates; ++date) hn::Store(hn::Zero(d), d, sums + date * kPixels + x);
    for (int first = 0; first < dates; ++first) {
      for (int second = first + 1; second < dates; ++second) {
        auto square = hn::Zero(d);
        for (int band = 0; band < bands; ++band) {
          const auto difference = hn::Sub(hn::Load(d, values + (first * bands + band) * kPixels + x),
                                          hn::Load(d, values + (second * bands + band) * kPixels + x));
          square = hn::Add(square, hn::Mul(difference, difference));
        }
        const auto both =
            hn::Mul(hn::Load(d, taking + first * kPixels + x), hn::Load(d, taking + second * kPixels + x));
        const auto distance = hn::Mul(hn::Sqrt(square), both);
        float* const a = sums + first * kPixels + x;
        float* const b = sums + second * kPixels + x;
        hn::Store(hn::Add(hn::Load(d, a), distance), d, a);
        hn::Store(hn::Add(hn::Load(d, b), distance), d, b);
      }
    }
  }
}

}  // namespace arpent::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arpent::kernels {
namespace {

HWY_EXPORT(GeometricMedianChunk);
HWY_EXPORT(DistanceSumsChunk);

constexpr int kPixels = 16;  // as above

// Scratch for a chunk of pixels, and what lies in it.
class Chunk {
 public:
  explicit Chunk(const SpectralStack& stack)
      : stack_(stack),
        dates_(static_cast<int>(stack.weights.size())),
        values_(hwy::AllocateAligned<float>(Size(dates_ * stack.bands))),
        taking_(hwy::AllocateAligned<float>(Size(dates_))),
        result_(hwy::AllocateAligned<float>(Size(dates_))),
        centre_(hwy::AllocateAligned<float>(Size(stack.bands))),
        next_(hwy::AllocateAligned<float>(Size(stack.bands))) {
    std::fill_n(values_.get(), Size(dates_ * stack.bands), 0.0f);
    std::fill_n(taking_.get(), Size(dates_), 0.0f);
  }

  void Load(int x, int y, int count) {
    for (int date = 0; date < dates_; ++date) {
      float* const taking = taking_.get() + date * kPixels;
      const uint16_t* const weights = stack_.weights[date].row(y).data() + x;
      for (int i = 0; i < count; ++i) taking[i] = weights[i] != 0 ? 1.0f : 0.0f;
      for (int band = 0; band < stack_.bands; ++band) {
        const int16_t* const source = stack_.values[date * stack_.bands + band].row(y).data() + x;
        float* const target = values_.get() + (date * stack_.bands + band) * kPixels;
        for (int i = 0; i < count; ++i) {
          taking[i] = source[i] == raster::kReflectanceNoData ? 0.0f : taking[i];
          target[i] = source[i];
        }
      }
    }
  }

  bool AnyTakes(int pixel) const {
    for (int date = 0; date < dates_; ++date) {
      if (taking(date, pixel) != 0) return true;
    }
    return false;
  }
  float taking(int date, int pixel) const { return taking_[date * kPixels + pixel]; }
  float result(int date, int pixel) const { return result_[date * kPixels + pixel]; }
  int dates() const { return dates_; }

  void GeometricMedian() {
    HWY_DYNAMIC_DISPATCH(GeometricMedianChunk)
    (values_.get(), taking_.get(), dates_, stack_.bands, centre_.get(), next_.get(), result_.get());
  }
  void DistanceSums() {
    HWY_DYNAMIC_DISPATCH(DistanceSumsChunk)(values_.get(), taking_.get(), dates_, stack_.bands, result_.get());
  }

 private:
  static size_t Size(int rows) { return static_cast<size_t>(std::max(rows, 1)) * kPixels; }

  const SpectralStack& stack_;
  const int dates_;
  const hwy::AlignedFreeUniquePtr<float[]> values_, taking_, result_, centre_, next_;
};

// Calls `reweigh(chunk, pixel in chunk, x, y)` for every pixel where some date takes part.
template <typename Compute, typename Reweigh>
void ForEachPixel(const SpectralStack& stack, const Compute& compute, const Reweigh& reweigh) {
  if (stack.weights.size() < 2) return;  // one date is its own centre
  Chunk chunk(stack);
  const raster::View<uint16_t>& first = stack.weights[0];
  for (int y = 0; y < first.height(); ++y) {
    for (int x = 0; x < first.width(); x += kPixels) {
      const int count = std::min(kPixels, first.width() - x);
      chunk.Load(x, y, count);
      compute(chunk);
      for (int i = 0; i < count; ++i) {
        if (chunk.AnyTakes(i)) reweigh(chunk, i, x + i, y);
      }
    }
  }
}

}  // namespace

void WeightByGeometricMedian(const SpectralStack& stack) {
  ForEachPixel(
      stack, [](Chunk& chunk) { chunk.GeometricMedian(); },
      [&stack](const Chunk& chunk, int pixel, int x, int y) {
        float heaviest = 0;
        for (int date = 0; date < chunk.dates(); ++date) heaviest = std::max(heaviest, chunk.result(date, pixel));
        for (int date = 0; date < chunk.dates(); ++date) {
          const float share = chunk.result(date, pixel) / heaviest;
          const int weight = std::max(1, static_cast<int>(share * kWeightOne + 0.5f));
          stack.weights[date](x, y) = chunk.taking(date, pixel) == 0 ? uint16_t{0} : static_cast<uint16_t>(weight);
        }
      });
}

void KeepMedoid(const SpectralStack& stack) {
  ForEachPixel(
      stack, [](Chunk& chunk) { chunk.DistanceSums(); },
      [&stack](const Chunk& chunk, int pixel, int x, int y) {
        int best = -1;
        for (int date = 0; date < chunk.dates(); ++date) {
          if (chunk.taking(date, pixel) == 0) continue;
          if (best < 0 || chunk.result(date, pixel) < chunk.result(best, pixel)) best = date;
        }
        for (int date = 0; date < chunk.dates(); ++date) {
          if (date != best) stack.weights[date](x, y) = 0;
        }
      });
}

}  // namespace arpent::kernels
#endif  // HWY_ONCE
