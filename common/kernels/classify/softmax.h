// Softmax without libm, so that every platform gives the same bits.
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_SOFTMAX_H_
#define ARPENT_COMMON_KERNELS_CLASSIFY_SOFTMAX_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

namespace arpent::kernels {

// e^x for x <= 0, relative error below 1e-13 (softmax_test measures it); 0 below -700. Reduces x to r + n ln 2 with
// |r| <= ln 2 / 2 and sums the Taylor series to r^13.
inline double ExpOfNonPositive(double x) {
  if (!(x > -700)) return 0;
  constexpr double kLog2E = 1.4426950408889634, kLn2High = 0.693147180369123816490, kLn2Low = 1.90821492927058770002e-10;
  const auto n = static_cast<int64_t>(x * kLog2E - 0.5);
  const double r = (x - static_cast<double>(n) * kLn2High) - static_cast<double>(n) * kLn2Low;
  double sum = 1;
  for (int k = 13; k >= 1; --k) sum = 1 + sum * r / k;
  return sum * std::bit_cast<double>(static_cast<uint64_t>(1023 + n) << 52);
}

// scores[k] += weight * softmax(margins)[k]
inline void AddSoftmax(std::span<double> margins, double weight, double* scores) {
  const double highest = *std::max_element(margins.begin(), margins.end());
  double total = 0;
  for (double& margin : margins) {
    margin = ExpOfNonPositive(margin - highest);
    total += margin;
  }
  const double unit = weight / total;
  for (size_t k = 0; k < margins.size(); ++k) scores[k] += margins[k] * unit;
}

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_SOFTMAX_H_
