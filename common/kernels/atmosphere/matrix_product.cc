#include "common/kernels/atmosphere/matrix_product.h"

#include <cassert>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/atmosphere/matrix_product.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace arpent::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Four rows of the result at a time, two vectors wide: eight accumulators stay in registers.
template <int rows>
HWY_INLINE void MultiplyRows(const Matrix& left, int row, const Matrix& right, Matrix& result) {
  const hn::ScalableTag<double> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  int column = 0;
  for (; column + 2 * lanes <= right.columns; column += 2 * lanes) {
    auto a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    for (int k = 0; k < left.columns; ++k) {
      const double* source = right.row(k) + column;
      const auto x = hn::LoadU(d, source), y = hn::LoadU(d, source + lanes);
      const auto f0 = hn::Set(d, left(row, k));
      a0 = hn::Add(a0, hn::Mul(f0, x));
      b0 = hn::Add(b0, hn::Mul(f0, y));
      if constexpr (rows == 4) {
        const auto f1 = hn::Set(d, left(row + 1, k)), f2 = hn::Set(d, left(row + 2, k)),
                   f3 = hn::Set(d, left(row + 3, k));
        a1 = hn::Add(a1, hn::Mul(f1, x));
        b1 = hn::Add(b1, hn::Mul(f1, y));
        a2 = hn::Add(a2, hn::Mul(f2, x));
        b2 = hn::Add(b2, hn::Mul(f2, y));
        a3 = hn::Add(a3, hn::Mul(f3, x));
        b3 = hn::Add(b3, hn::Mul(f3, y));
      }
    }
    hn::StoreU(a0, d, result.row(row) + column);
    hn::StoreU(b0, d, result.row(row) + column + lanes);
    if constexpr (rows == 4) {
      hn::StoreU(a1, d, result.row(row + 1) + column);
      hn::StoreU(b1, d, result.row(row + 1) + column + lanes);
      hn::StoreU(a2, d, result.row(row + 2) + column);
      hn::StoreU(b2, d, result.row(row + 2) + column + lanes);
      hn::StoreU(a3, d, result.row(row + 3) + column);
      hn::StoreU(b3, d, result.row(row + 3) + column + lanes);
    }
  }
  for (; column < right.columns; ++column) {
    for (int r = row; r < row + rows; ++r) {
      double sum = 0;
      for (int k = 0; k < left.columns; ++k) sum += left(r, k) * right(k, column);
      result(r, column) = sum;
    }
  }
}

void MultiplyAll(const Matrix& left, const Matrix& right, Matrix& result) {
  int row = 0;
  for (; row + 4 <= left.rows; row += 4) MultiplyRows<4>(left, row, right, result);
  for (; row < left.rows; ++row) MultiplyRows<1>(left, row, right, result);
}

}  // namespace HWY_NAMESPACE
}  // namespace arpent::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arpent::kernels {

HWY_EXPORT(MultiplyAll);

void Multiply(const Matrix& left, const Matrix& right, Matrix& result) {
  assert(left.columns == right.rows && result.rows == left.rows && result.columns == right.columns);
  HWY_DYNAMIC_DISPATCH(MultiplyAll)(left, right, result);
}

}  // namespace arpent::kernels
#endif  // HWY_ONCE
