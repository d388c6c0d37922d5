#include "common/raster/bicubic_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/raster/bicubic_rows.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace arpent::raster::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// `step(tag, i)` for whole vectors of pixels from i on, then for single ones. Products are added one by one, never fused:
// not every instruction set can.
template <typename Step>
HWY_INLINE void OverPixels(size_t count, const Step& step) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) step(d, i);
  for (; i < count; ++i) step(one, i);
}

void AlongRow(const int16_t* HWY_RESTRICT in, const Taps& weight, size_t count, float* HWY_RESTRICT out) {
  OverPixels(count, [&](auto d, size_t i) HWY_ATTR {
    const hn::Rebind<int16_t, decltype(d)> d16;
    const hn::Rebind<int32_t, decltype(d)> d32;
    const auto tap = [&](size_t k) HWY_ATTR {
      return hn::Mul(hn::Set(d, weight[k]), hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d16, in + i + k))));
    };
    hn::StoreU(hn::Add(hn::Add(hn::Add(tap(0), tap(1)), tap(2)), tap(3)), d, out + i);
  });
}

// Pixels from i on as WeighRows gives them.
template <class D>
HWY_INLINE hn::Vec<hn::Rebind<int16_t, D>> Weighed(D d, const float* const* rows, const Taps& weight, int16_t no_data, size_t i) {
  const hn::Rebind<int16_t, D> d16;
  const hn::Rebind<int32_t, D> d32;
  const auto tap = [&](size_t k) HWY_ATTR { return hn::Mul(hn::Set(d, weight[k]), hn::LoadU(d, rows[k] + i)); };
  const auto sum = hn::Add(hn::Add(hn::Add(tap(0), tap(1)), tap(2)), tap(3));
  const auto rounded = hn::Add(sum, hn::CopySign(hn::Set(d, 0.5f), sum));
  const auto cut = hn::Max(hn::Min(rounded, hn::Set(d, 32767.0f)), hn::Set(d, -32768.0f));
  const auto whole = hn::ConvertTo(d32, cut);
  const auto is_code = hn::Eq(whole, hn::Set(d32, no_data));
  return hn::DemoteTo(d16, hn::IfThenElse(is_code, hn::Set(d32, BesideNoData(no_data)), whole));
}

void AcrossRows(const float* const* rows, const Taps& weight, size_t count, int16_t no_data, int16_t* HWY_RESTRICT out) {
  OverPixels(count, [&](auto d, size_t i) HWY_ATTR {
    const hn::Rebind<int16_t, decltype(d)> d16;
    hn::StoreU(Weighed(d, rows, weight, no_data, i), d16, out + i);
  });
}

void AcrossRowsIntoPairs(const float* const* rows, const Taps& weight, size_t count, int16_t no_data,
                         int16_t* HWY_RESTRICT out) {
  OverPixels(count, [&](auto d, size_t i) HWY_ATTR {
    const hn::Rebind<int16_t, decltype(d)> d16;
    const auto first = Weighed(d, rows, weight, no_data, i), second = Weighed(d, rows, weight, no_data, count + i);
    hn::StoreInterleaved2(first, second, d16, out + 2 * i);
  });
}

}  // namespace arpent::raster::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arpent::raster {
namespace {

HWY_EXPORT(AlongRow);
HWY_EXPORT(AcrossRows);
HWY_EXPORT(AcrossRowsIntoPairs);

}  // namespace

void WeighAlong(const int16_t* in, const Taps& weight, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(AlongRow)(in, weight, count, out);
}

void WeighRows(const std::array<const float*, kTaps>& rows, const Taps& weight, size_t count, int16_t no_data,
               int16_t* out) {
  HWY_DYNAMIC_DISPATCH(AcrossRows)(rows.data(), weight, count, no_data, out);
}

void WeighRowsIntoPairs(const std::array<const float*, kTaps>& rows, const Taps& weight, size_t count, int16_t no_data,
                        int16_t* out) {
  HWY_DYNAMIC_DISPATCH(AcrossRowsIntoPairs)(rows.data(), weight, count, no_data, out);
}

}  // namespace arpent::raster
#endif  // HWY_ONCE
