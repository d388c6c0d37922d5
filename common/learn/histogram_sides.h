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

// Sums classes in no certain order, vector by vector: for where that changes nothing.
class HistogramSides {
 public:
  // `class_weights` has one value per class.
  explicit HistogramSides(std::span<const double> class_weights);

  // Whether sums of weights and of their squares are exact in a node of this total weight.
  bool Exact(double total_weight) const { return whole_weights_ && total_weight <= kMostExactTotal; }

  // For bins `begin` to `end` - 1; those before `begin` lie on the right. histogram[b * classes + k]: units of class k in bin b;
  // `totals`: weight of each class in the node.
  void Sum(const uint32_t* histogram, size_t begin, size_t end, std::span<const double> totals);

  // Of a split whose last bin on the left is `bin`. Squares: sum over classes of weight^2.
  double left_weight(size_t bin) const { return left_weight_[bin]; }
  double left_squares(size_t bin) const { return left_squares_[bin]; }
  double right_squares(size_t bin) const { return right_squares_[bin]; }

 private:
  static constexpr double kMostExactTotal = 1 << 26;  // its square has 52 bits

  const size_t classes_;
  const bool whole_weights_;
  std::vector<double> weights_, totals_, left_;  // of whole vectors of classes
  std::array<double, kHistogramBins> left_weight_, left_squares_, right_squares_;
};

}  // namespace arpent::learn

#endif  // ARPENT_COMMON_LEARN_HISTOGRAM_SIDES_H_
