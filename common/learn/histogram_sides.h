// What lies on either side of every threshold of a feature, from the histogram of its bins by class.
#ifndef ARPENT_COMMON_LEARN_HISTOGRAM_SIDES_H_
#define ARPENT_COMMON_LEARN_HISTOGRAM_SIDES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace arpent::learn {

inline constexpr size_t kHistogramBins = 256;
inline constexpr size_t kHistogramPadding = 16;  // counters to be readable behind a histogram's last

// [b]: of a split whose last bin on the left is b.
struct HistogramSides {
  std::array<double, kHistogramBins> left_weight, left_squares, right_squares;  // squares: sum over classes of weight^2
};

// Fills `sides` for bins `begin` to `end` - 1; bins before `begin` lie on the right. histogram[b * classes + k]: units of class k in
// bin b. Classes are summed in no certain order: call it where sums are exact.
void SumHistogramSides(const uint32_t* histogram, size_t begin, size_t end, std::span<const double> class_weights,
                       std::span<const double> totals, HistogramSides& sides);

// Whether sums of units of such weights, and of their squares, are exact as long as a node's total is at most kMostExactTotal.
bool SumsAreExact(std::span<const double> class_weights);
inline constexpr double kMostExactTotal = 1 << 26;  // its square has 52 bits

}  // namespace arpent::learn

#endif  // ARPENT_COMMON_LEARN_HISTOGRAM_SIDES_H_
