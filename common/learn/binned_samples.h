// Training samples with every feature quantised to at most 256 bins: one byte per value, a row per sample.
#ifndef ARPENT_COMMON_LEARN_BINNED_SAMPLES_H_
#define ARPENT_COMMON_LEARN_BINNED_SAMPLES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace arpent::learn {

// Samples as their owner has them; all views.
struct TrainingSamples {
  std::span<const float* const> planes;  // planes[f][i]: feature f of sample i, NaN for no-data
  std::span<const uint16_t> classes;     // per sample, 0 .. class_count - 1
  std::span<const float> weights;        // per sample, > 0; empty: all 1
  size_t class_count = 0;
  std::span<const uint32_t> groups = {};  // per sample, the polygon that it is of; empty: each its own

  size_t rows() const { return classes.size(); }
  uint32_t group(size_t row) const { return groups.empty() ? static_cast<uint32_t>(row) : groups[row]; }
};

class BinnedSamples {
 public:
  // Edges are midpoints between distinct values where a feature has at most 255 of them, else the 1/255 quantiles of an
  // even sample of 65,536 rows. Bins as in kernels/classify/forest.h; 0 is no-data. The result does not depend on
  // `threads`. INVALID_ARGUMENT without samples, features or classes, or with a class out of range.
  static absl::StatusOr<BinnedSamples> Create(const TrainingSamples& samples, int threads);

  size_t rows() const { return classes_.size(); }
  size_t features() const { return edge_begin_.size() - 1; }
  size_t class_count() const { return class_count_; }
  const uint8_t* row(size_t i) const { return bins_.data() + i * stride_; }
  uint16_t klass(size_t i) const { return classes_[i]; }
  // The sample's weight as a whole number: 1 when all weights are equal, else 16 for a sample of mean weight (1-4095).
  uint16_t units(size_t i) const { return units_.empty() ? 1 : units_[i]; }

  const std::vector<uint32_t>& edge_begin() const { return edge_begin_; }
  const std::vector<float>& edges() const { return edges_; }
  // Where bin `bin` (not 0) of a feature lies on the feature's own scale: the middle of its edges.
  float BinCentre(size_t feature, uint32_t bin) const;

 private:
  size_t class_count_ = 0;
  size_t stride_ = 0;
  std::vector<uint8_t> bins_;
  std::vector<uint16_t> classes_;
  std::vector<uint16_t> units_;
  std::vector<uint32_t> edge_begin_;
  std::vector<float> edges_;
  std::vector<float> lowest_, highest_;  // per feature
};

}  // namespace arpent::learn

#endif  // ARPENT_COMMON_LEARN_BINNED_SAMPLES_H_
