#include "common/kernels/atmosphere/inversion.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/atmosphere/inversion.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

#ifndef ARPENT_KERNELS_ATMOSPHERE_INVERSION_ONCE
#define ARPENT_KERNELS_ATMOSPHERE_INVERSION_ONCE
namespace arpent::kernels {

// Vectors may write this many values past the end of a coefficient row.
constexpr int kRowPadding = 64;

// The nodes of one row of cells at one pixel row, and where the block starts in them.
struct NodeRow {
  const float* nodes;     // interpolated in y; the first is that of the block's first cell
  const float* fraction;  // k / step, k = 0 .. step - 1, padded
  int first_in_cell;      // pixel of the block's first pixel within its cell
  int step;
};

}  // namespace arpent::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace arpent::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;

// Writes the row's values for `count` pixels, and up to kRowPadding values behind them.
void ExpandRow(const NodeRow& row, int count, float* HWY_RESTRICT out) {
  const FloatTag d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const float* node = row.nodes;
  int k = row.first_in_cell;
  for (int x = 0; x < count; ++node) {
    const int length = std::min(row.step - k, count - x);
    const auto left = hn::Set(d, node[0]);
    const auto difference = hn::Set(d, node[1] - node[0]);
    for (int i = 0; i < length; i += lanes) {
      const auto fraction = hn::LoadU(d, row.fraction + k + i);
      hn::StoreU(hn::Add(left, hn::Mul(difference, fraction)), d, out + x + i);
    }
    x += length;
    k = 0;
  }
}

template <class V>
HWY_INLINE V Invert(V value, const float* gain, const float* offset, const float* curvature) {
  const FloatTag d;
  const V y = hn::Sub(hn::Mul(hn::LoadU(d, gain), value), hn::LoadU(d, offset));
  if (curvature == nullptr) return y;
  return hn::Div(y, hn::Add(hn::Set(d, 1.0f), hn::Mul(hn::LoadU(d, curvature), y)));
}

void InvertFloatRow(const float* toa, int count, const float* gain, const float* offset, const float* curvature,
                    float* out) {
  const FloatTag d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  int x = 0;
  for (; x + lanes <= count; x += lanes) {
    hn::StoreU(Invert(hn::LoadU(d, toa + x), gain + x, offset + x, curvature ? curvature + x : nullptr), d, out + x);
  }
  if (x >= count) return;
  float in[kRowPadding] = {}, result[kRowPadding];
  std::memcpy(in, toa + x, (count - x) * sizeof(float));
  hn::StoreU(Invert(hn::LoadU(d, in), gain + x, offset + x, curvature ? curvature + x : nullptr), d, result);
  std::memcpy(out + x, result, (count - x) * sizeof(float));
}

// One vector of digital numbers to scaled reflectance.
HWY_INLINE void InvertDnVector(const uint16_t* dn, const float* gain, const float* offset, const float* curvature,
                               const PixelRange& range, int16_t* out) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> d32;
  const hn::Rebind<uint16_t, FloatTag> d16;
  const hn::Rebind<int16_t, FloatTag> out16;
  const auto number = hn::PromoteTo(d32, hn::LoadU(d16, dn));
  const auto rho = Invert(hn::ConvertTo(d, number), gain, offset, curvature);
  const auto clamped = hn::Max(hn::Min(rho, hn::Set(d, range.maximum)), hn::Set(d, range.minimum));
  const auto scaled = hn::NearestInt(hn::Mul(clamped, hn::Set(d, 10000.0f)));
  const auto none = hn::Set(d32, int32_t{raster::kReflectanceNoData});
  const auto absent = hn::Eq(number, hn::Set(d32, int32_t{range.no_data}));
  const auto undefined = hn::RebindMask(d32, hn::Not(hn::Eq(rho, rho)));
  hn::StoreU(hn::DemoteTo(out16, hn::IfThenElse(hn::Or(absent, undefined), none, scaled)), out16, out);
}

void InvertDnRow(const uint16_t* dn, int count, const float* gain, const float* offset, const float* curvature,
                 const PixelRange& range, int16_t* out) {
  const int lanes = static_cast<int>(hn::Lanes(FloatTag()));
  int x = 0;
  for (; x + lanes <= count; x += lanes) {
    InvertDnVector(dn + x, gain + x, offset + x, curvature ? curvature + x : nullptr, range, out + x);
  }
  if (x >= count) return;
  uint16_t in[kRowPadding] = {};
  int16_t result[kRowPadding];
  std::memcpy(in, dn + x, (count - x) * sizeof(uint16_t));
  InvertDnVector(in, gain + x, offset + x, curvature ? curvature + x : nullptr, range, result);
  std::memcpy(out + x, result, (count - x) * sizeof(int16_t));
}

}  // namespace HWY_NAMESPACE
}  // namespace arpent::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arpent::kernels {
namespace {

HWY_EXPORT(ExpandRow);
HWY_EXPORT(InvertFloatRow);
HWY_EXPORT(InvertDnRow);

// The coefficient rows of one block, refilled for each row of pixels.
class CoefficientRows {
 public:
  CoefficientRows(const InversionNodes& nodes, int x0, int y0, int width)
      : nodes_(nodes), x0_(x0), y0_(y0), width_(width), fraction_(nodes.step + kRowPadding, 0.0f) {
    for (int k = 0; k < nodes.step; ++k) fraction_[k] = static_cast<float>(k) / static_cast<float>(nodes.step);
    for (std::vector<float>* row : {&gain_, &offset_, &curvature_}) row->resize(width + kRowPadding);
    cells_.resize(width / nodes.step + 3);
  }

  void Fill(int y) {
    Expand(nodes_.gain, y, gain_);
    Expand(nodes_.offset, y, offset_);
    if (curvature() != nullptr) Expand(nodes_.curvature, y, curvature_);
  }

  const float* gain() const { return gain_.data(); }
  const float* offset() const { return offset_.data(); }
  const float* curvature() const { return nodes_.curvature.empty() ? nullptr : curvature_.data(); }

 private:
  void Expand(const raster::Image<float>& plane, int y, std::vector<float>& out) {
    const int step = nodes_.step;
    const int j = (y0_ + y) / step, first = x0_ / step, last = (x0_ + width_ - 1) / step + 1;
    assert(j + 1 < plane.height() && last < plane.width());
    const float fraction = fraction_[(y0_ + y) % step];
    for (int i = first; i <= last; ++i) {
      cells_[i - first] = plane(i, j) + (plane(i, j + 1) - plane(i, j)) * fraction;
    }
    HWY_DYNAMIC_DISPATCH(ExpandRow)
    ({.nodes = cells_.data(), .fraction = fraction_.data(), .first_in_cell = x0_ % step, .step = step}, width_,
     out.data());
  }

  const InversionNodes& nodes_;
  const int x0_, y0_, width_;
  std::vector<float> fraction_, cells_, gain_, offset_, curvature_;
};

int NodeCount(int pixels, int step) { return (pixels - 1) / step + 2; }

}  // namespace

InversionNodes::InversionNodes(int width, int height, int step, bool with_curvature)
    : gain(NodeCount(width, step), NodeCount(height, step)),
      offset(gain.width(), gain.height()),
      curvature(with_curvature ? gain.width() : 0, with_curvature ? gain.height() : 0),
      step(step) {}

void InversionNodes::Set(int i, int j, const Inversion& inversion) {
  gain(i, j) = static_cast<float>(inversion.gain);
  offset(i, j) = static_cast<float>(inversion.offset);
  if (!curvature.empty()) curvature(i, j) = static_cast<float>(inversion.curvature);
}

void InvertToSurfaceReflectance(raster::View<const uint16_t> dn, int x0, int y0, const InversionNodes& nodes,
                                const PixelRange& range, raster::View<int16_t> reflectance) {
  if (dn.width() == 0) return;
  CoefficientRows rows(nodes, x0, y0, dn.width());
  for (int y = 0; y < dn.height(); ++y) {
    rows.Fill(y);
    HWY_DYNAMIC_DISPATCH(InvertDnRow)
    (dn.row(y).data(), dn.width(), rows.gain(), rows.offset(), rows.curvature(), range, reflectance.row(y).data());
  }
}

void InvertToSurfaceReflectance(raster::View<const float> toa, int x0, int y0, const InversionNodes& nodes,
                                raster::View<float> reflectance) {
  if (toa.width() == 0) return;
  CoefficientRows rows(nodes, x0, y0, toa.width());
  for (int y = 0; y < toa.height(); ++y) {
    rows.Fill(y);
    HWY_DYNAMIC_DISPATCH(InvertFloatRow)
    (toa.row(y).data(), toa.width(), rows.gain(), rows.offset(), rows.curvature(), reflectance.row(y).data());
  }
}

}  // namespace arpent::kernels
#endif  // HWY_ONCE
