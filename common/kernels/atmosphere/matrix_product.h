// The product of a small dense matrix and a wide one: where the solver spends its time.
#ifndef ARPENT_COMMON_KERNELS_ATMOSPHERE_MATRIX_PRODUCT_H_
#define ARPENT_COMMON_KERNELS_ATMOSPHERE_MATRIX_PRODUCT_H_

#include <cstddef>
#include <vector>

namespace arpent::kernels {

// Row-major.
struct Matrix {
  int rows = 0, columns = 0;
  std::vector<double> values;

  Matrix() = default;
  Matrix(int rows, int columns) : rows(rows), columns(columns), values(static_cast<size_t>(rows) * columns, 0.0) {}
  double& operator()(int row, int column) { return values[static_cast<size_t>(row) * columns + column]; }
  double operator()(int row, int column) const { return values[static_cast<size_t>(row) * columns + column]; }
  double* row(int r) { return values.data() + static_cast<size_t>(r) * columns; }
  const double* row(int r) const { return values.data() + static_cast<size_t>(r) * columns; }
};

// result = left * right; result has left.rows x right.columns. Every sum runs in the order of left's columns, so that
// the bits do not depend on the vector width.
void Multiply(const Matrix& left, const Matrix& right, Matrix& result);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_ATMOSPHERE_MATRIX_PRODUCT_H_
