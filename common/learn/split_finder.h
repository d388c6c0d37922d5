// Finds the best split of one node: the hot loop of training.
#ifndef ARPENT_COMMON_LEARN_SPLIT_FINDER_H_
#define ARPENT_COMMON_LEARN_SPLIT_FINDER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/kernels/classify/random.h"
#include "common/learn/binned_samples.h"
#include "common/learn/histogram_sides.h"

namespace arpent::learn {

using kernels::Random;

// A distinct sample that a tree has drawn.
struct DrawnSample {
  uint32_t row = 0;
  uint16_t klass = 0;
  uint16_t units = 0;  // times drawn x weight units
};

struct Split {
  int feature = -1;          // -1: there is none
  uint32_t last_left_bin = 0;
  bool missing_right = false;
  double score = 0;          // sum over sides of (sum over classes of weight^2) / weight: higher is purer
};

struct SplitRules {
  size_t features_per_node = 1;
  size_t min_samples_leaf = 1;
  bool random_thresholds = false;
};

class SplitFinder {
 public:
  // `class_weights` has one value per class. All references outlive the finder.
  SplitFinder(const BinnedSamples& samples, const SplitRules& rules, std::span<const double> class_weights,
              Random& random);

  // `totals`: weight of each class in the node. Looks at features in random order until `features_per_node` of them were
  // seen and one of them splits. Ties go to the feature seen first, then to the lower bin.
  Split Find(std::span<const DrawnSample> node, std::span<const double> totals);

 private:
  // The sides of a split as its threshold moves up.
  struct Sides {
    double left_weight = 0, right_weight = 0;
    double left_squares = 0, right_squares = 0;  // sum over classes of weight^2
    size_t left_samples = 0, right_samples = 0;
  };

  void Consider(std::span<const DrawnSample> node, std::span<const uint32_t> features);
  // Bins of the features for samples [begin, begin + count) of the node, into columns_.
  void Gather(std::span<const DrawnSample> node, std::span<const uint32_t> features);
  void FillHistograms(std::span<const DrawnSample> node, std::span<const uint32_t> features);
  void ScanHistogram(uint32_t feature, const uint32_t* histogram, const uint32_t* counts, bool missing_right);
  // move(bin, sides) takes the weights of a bin to the left.
  template <class MoveBin>
  void ScanBins(uint32_t feature, const uint32_t* counts, bool missing_right, const MoveBin& move);
  void SortColumn(std::span<const DrawnSample> node, const uint8_t* column);
  void ScanSorted(uint32_t feature, bool missing_right);
  void TryRandomThreshold(std::span<const DrawnSample> node, uint32_t feature, const uint8_t* column);

  Sides AllRight(size_t samples);
  void MoveLeft(size_t klass, double weight, Sides& sides);
  void Offer(uint32_t feature, uint32_t below, uint32_t above, bool has_missing, bool missing_right,
             const Sides& sides);

  const BinnedSamples& samples_;
  const SplitRules rules_;
  const std::span<const double> class_weights_;
  Random& random_;
  const size_t classes_;

  std::vector<uint32_t> order_;       // a permutation of the features, shuffled on from node to node
  std::vector<uint8_t> columns_;      // bins of some features for some samples, column by column
  std::vector<uint32_t> histograms_;  // [feature][bin][class] units
  std::vector<uint32_t> counts_;      // [feature][bin] samples
  HistogramSides histogram_sides_;
  std::vector<uint64_t> sorted_;      // bin, class and units of the node's samples in order of bin
  std::vector<double> left_, right_;
  std::span<const double> totals_;
  double total_weight_ = 0;
  double total_squares_ = 0;
  size_t node_samples_ = 0;
  Split best_;
  uint32_t best_above_ = 0;           // the split lies between bins best_.last_left_bin and this
};

}  // namespace arpent::learn

#endif  // ARPENT_COMMON_LEARN_SPLIT_FINDER_H_
