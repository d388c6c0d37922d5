#include "common/kernels/atmosphere/generalized_functions.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace arpent::kernels {
namespace {

// P_count and its derivative at x.
void Legendre(int count, double x, double& value, double& derivative) {
  double previous = 1, current = x;
  for (int l = 2; l <= count; ++l) {
    const double next = ((2 * l - 1) * x * current - (l - 1) * previous) / l;
    previous = current;
    current = next;
  }
  value = current;
  derivative = count * (x * current - previous) / (x * x - 1);
}

}  // namespace

Quadrature GaussOnUnitInterval(int count) {
  Quadrature quadrature{std::vector<double>(count), std::vector<double>(count)};
  for (int i = 0; i < count; ++i) {
    double x = std::cos(std::numbers::pi * (i + 0.75) / (count + 0.5));
    double value = 0, derivative = 1;
    for (int iteration = 0; iteration < 8; ++iteration) {  // Newton; converges in four or five
      Legendre(count, x, value, derivative);
      x -= value / derivative;
    }
    Legendre(count, x, value, derivative);
    quadrature.node[count - 1 - i] = 0.5 * (1 + x);
    quadrature.weight[count - 1 - i] = 1 / ((1 - x * x) * derivative * derivative);
  }
  return quadrature;
}

std::vector<double> WignerD(int m, int n, int last, double x) {
  std::vector<double> d(last + 1, 0.0);
  const int first = std::max(std::abs(m), std::abs(n));
  if (first > last) return d;
  const int minus = std::abs(m - n), plus = std::abs(m + n);
  double binomial = 1;  // 2 first over minus, as minus + plus = 2 first
  for (int i = 1; i <= minus; ++i) binomial *= static_cast<double>(plus + i) / i;
  const double sign = (n >= m || (m - n) % 2 == 0) ? 1 : -1;
  d[first] =
      sign * std::pow(2.0, -first) * std::sqrt(binomial) * std::pow(1 - x, 0.5 * minus) * std::pow(1 + x, 0.5 * plus);
  for (int l = first; l < last; ++l) {
    if (l == 0) {
      d[1] = x;
      continue;
    }
    const double ll = l, next = l + 1;
    const double below = l == first ? 0 : d[l - 1] * next * std::sqrt((ll * ll - m * m) * (ll * ll - n * n));
    d[l + 1] = ((2 * ll + 1) * (ll * next * x - m * n) * d[l] - below) /
               (ll * std::sqrt((next * next - m * m) * (next * next - n * n)));
  }
  return d;
}

}  // namespace arpent::kernels
