#include "common/learn/split_finder.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace arpent::learn {
namespace {

constexpr size_t kBins = kHistogramBins;
constexpr size_t kChunk = 1024;  // samples whose bins of all chosen features stay in the first-level cache
// Below so many samples per class a node is sorted by bin instead of counted into a histogram, whose scan costs
// bins x classes whatever the node's size. The results are the same.
constexpr size_t kSortedSamplesPerClass = 24;

}  // namespace

SplitFinder::SplitFinder(const BinnedSamples& samples, const SplitRules& rules, std::span<const double> class_weights,
                         Random& random)
    : samples_(samples),
      rules_(rules),
      class_weights_(class_weights),
      random_(random),
      classes_(samples.class_count()),
      order_(samples.features()),
      histogram_sides_(class_weights),
      left_(classes_),
      right_(classes_) {
  std::iota(order_.begin(), order_.end(), 0u);
}

Split SplitFinder::Find(std::span<const DrawnSample> node, std::span<const double> totals) {
  totals_ = totals;
  total_weight_ = std::accumulate(totals.begin(), totals.end(), 0.0);
  total_squares_ = std::inner_product(totals.begin(), totals.end(), totals.begin(), 0.0);
  node_samples_ = node.size();
  best_ = Split();
  const size_t features = order_.size();
  for (size_t seen = 0; seen < features && (seen < rules_.features_per_node || best_.feature < 0);) {
    const size_t batch = seen == 0 ? std::min(rules_.features_per_node, features) : 1;
    for (size_t i = seen; i < seen + batch; ++i) {
      std::swap(order_[i], order_[i + random_.Below(static_cast<uint32_t>(features - i))]);
    }
    Consider(node, {order_.data() + seen, batch});
    seen += batch;
  }
  if (best_.feature >= 0 && best_above_ > best_.last_left_bin + 1 && best_.last_left_bin > 0) {
    // No sample lies in between: the threshold goes to the middle on the feature's own scale.
    const float below = samples_.BinCentre(best_.feature, best_.last_left_bin);
    const float above = samples_.BinCentre(best_.feature, best_above_);
    const float middle = below + (above - below) / 2;
    uint32_t bin = best_.last_left_bin;
    while (bin + 1 < best_above_ && samples_.BinCentre(best_.feature, bin + 1) <= middle) ++bin;
    best_.last_left_bin = bin;
  }
  return best_;
}

void SplitFinder::Consider(std::span<const DrawnSample> node, std::span<const uint32_t> features) {
  if (rules_.random_thresholds) {
    Gather(node, features);
    for (size_t j = 0; j < features.size(); ++j) {
      TryRandomThreshold(node, features[j], columns_.data() + j * node.size());
    }
    return;
  }
  if (node.size() <= kSortedSamplesPerClass * classes_) {
    Gather(node, features);
    for (size_t j = 0; j < features.size(); ++j) {
      SortColumn(node, columns_.data() + j * node.size());
      const bool has_missing = sorted_.front() >> 32 == 0;
      ScanSorted(features[j], /*missing_right=*/false);
      if (has_missing) ScanSorted(features[j], /*missing_right=*/true);
    }
    return;
  }
  FillHistograms(node, features);
  for (size_t j = 0; j < features.size(); ++j) {
    const uint32_t* histogram = histograms_.data() + j * kBins * classes_;
    const uint32_t* counts = counts_.data() + j * kBins;
    ScanHistogram(features[j], histogram, counts, /*missing_right=*/false);
    if (counts[0] > 0) ScanHistogram(features[j], histogram, counts, /*missing_right=*/true);
  }
}

void SplitFinder::Gather(std::span<const DrawnSample> node, std::span<const uint32_t> features) {
  if (columns_.size() < node.size() * features.size()) columns_.resize(node.size() * features.size());
  for (size_t i = 0; i < node.size(); ++i) {
    const uint8_t* row = samples_.row(node[i].row);
    uint8_t* out = columns_.data() + i;
    for (size_t j = 0; j < features.size(); ++j) out[j * node.size()] = row[features[j]];
  }
}

void SplitFinder::FillHistograms(std::span<const DrawnSample> node, std::span<const uint32_t> features) {
  histograms_.assign(features.size() * kBins * classes_ + kHistogramPadding, 0);
  counts_.assign(features.size() * kBins, 0);
  for (size_t begin = 0; begin < node.size(); begin += kChunk) {
    const std::span<const DrawnSample> chunk = node.subspan(begin, std::min(kChunk, node.size() - begin));
    Gather(chunk, features);
    for (size_t j = 0; j < features.size(); ++j) {
      const uint8_t* column = columns_.data() + j * chunk.size();
      uint32_t* histogram = histograms_.data() + j * kBins * classes_;
      uint32_t* counts = counts_.data() + j * kBins;
      for (size_t i = 0; i < chunk.size(); ++i) {
        histogram[column[i] * classes_ + chunk[i].klass] += chunk[i].units;
        ++counts[column[i]];
      }
    }
  }
}

SplitFinder::Sides SplitFinder::AllRight(size_t samples) {
  std::fill(left_.begin(), left_.end(), 0.0);
  std::copy(totals_.begin(), totals_.end(), right_.begin());
  return {.right_weight = total_weight_, .right_squares = total_squares_, .right_samples = samples};
}

inline void SplitFinder::MoveLeft(size_t klass, double weight, Sides& sides) {
  sides.left_squares += weight * (2 * left_[klass] + weight);
  sides.right_squares += weight * (weight - 2 * right_[klass]);
  left_[klass] += weight;
  right_[klass] -= weight;
  sides.left_weight += weight;
  sides.right_weight -= weight;
}

inline void SplitFinder::Offer(uint32_t feature, uint32_t below, uint32_t above, bool has_missing, bool missing_right,
                               const Sides& sides) {
  if (sides.left_samples < rules_.min_samples_leaf || sides.right_samples < rules_.min_samples_leaf) return;
  const double score = sides.left_squares / sides.left_weight + sides.right_squares / sides.right_weight;
  if (best_.feature >= 0 && !(score > best_.score)) return;
  // A node that saw no no-data sends it with the majority.
  const bool to_right = has_missing ? missing_right : sides.right_weight > sides.left_weight;
  best_ = {static_cast<int>(feature), below, to_right, score};
  best_above_ = above;
}

template <class MoveBin>
void SplitFinder::ScanBins(uint32_t feature, const uint32_t* counts, bool missing_right, const MoveBin& move) {
  const bool has_missing = counts[0] > 0;
  Sides sides = AllRight(node_samples_);
  size_t below = kBins;  // the last bin on the left; kBins while there is none
  for (size_t bin = missing_right ? 1 : 0; bin < kBins && sides.right_samples > 0; ++bin) {
    if (counts[bin] == 0) continue;
    if (below != kBins) Offer(feature, below, bin, has_missing, missing_right, sides);
    move(bin, sides);
    sides.left_samples += counts[bin];
    sides.right_samples -= counts[bin];
    below = bin;
  }
}

void SplitFinder::ScanHistogram(uint32_t feature, const uint32_t* histogram, const uint32_t* counts,
                                bool missing_right) {
  if (!histogram_sides_.Exact(total_weight_)) {
    return ScanBins(feature, counts, missing_right, [&](size_t bin, Sides& sides) {
      for (size_t k = 0; k < classes_; ++k) {
        const uint32_t units = histogram[bin * classes_ + k];
        if (units > 0) MoveLeft(k, class_weights_[k] * units, sides);
      }
    });
  }
  const size_t begin = missing_right ? 1 : 0;
  size_t end = kBins;
  while (end > begin && counts[end - 1] == 0) --end;
  histogram_sides_.Sum(histogram, begin, end, totals_);
  ScanBins(feature, counts, missing_right, [&](size_t bin, Sides& sides) {
    sides.left_weight = histogram_sides_.left_weight(bin);
    sides.right_weight = total_weight_ - sides.left_weight;
    sides.left_squares = histogram_sides_.left_squares(bin);
    sides.right_squares = histogram_sides_.right_squares(bin);
  });
}

void SplitFinder::SortColumn(std::span<const DrawnSample> node, const uint8_t* column) {
  std::array<uint32_t, kBins + 1> starts{};
  for (size_t i = 0; i < node.size(); ++i) ++starts[column[i] + 1];
  for (size_t bin = 1; bin <= kBins; ++bin) starts[bin] += starts[bin - 1];
  sorted_.resize(node.size());
  for (size_t i = 0; i < node.size(); ++i) {
    sorted_[starts[column[i]]++] = uint64_t{column[i]} << 32 | uint64_t{node[i].klass} << 16 | node[i].units;
  }
}

void SplitFinder::ScanSorted(uint32_t feature, bool missing_right) {
  const bool has_missing = sorted_.front() >> 32 == 0;
  Sides sides = AllRight(sorted_.size());
  size_t below = kBins;
  for (const uint64_t sample : sorted_) {
    const size_t bin = sample >> 32;
    if (missing_right && bin == 0) continue;
    if (below != kBins && bin != below) Offer(feature, below, bin, has_missing, missing_right, sides);
    const size_t klass = sample >> 16 & 0xFFFF;
    MoveLeft(klass, class_weights_[klass] * static_cast<double>(sample & 0xFFFF), sides);
    ++sides.left_samples;
    --sides.right_samples;
    below = bin;
  }
}

void SplitFinder::TryRandomThreshold(std::span<const DrawnSample> node, uint32_t feature, const uint8_t* column) {
  uint8_t lowest = 255, highest = 0;
  bool has_missing = false;
  for (size_t i = 0; i < node.size(); ++i) {
    has_missing |= column[i] == 0;
    highest = std::max(highest, column[i]);
    lowest = std::min<uint8_t>(lowest, column[i] == 0 ? 255 : column[i]);
  }
  if (lowest >= highest) return;
  const double from = samples_.BinCentre(feature, lowest), to = samples_.BinCentre(feature, highest);
  const double threshold = from + random_.Unit() * (to - from);
  uint32_t last_left = lowest;
  while (last_left + 1 < highest && samples_.BinCentre(feature, last_left + 1) <= threshold) ++last_left;
  for (const bool missing_right : {false, true}) {
    Sides sides = AllRight(node.size());
    for (size_t i = 0; i < node.size(); ++i) {
      if (column[i] > last_left || (missing_right && column[i] == 0)) continue;
      MoveLeft(node[i].klass, class_weights_[node[i].klass] * node[i].units, sides);
      ++sides.left_samples;
      --sides.right_samples;
    }
    Offer(feature, last_left, last_left + 1, has_missing, missing_right, sides);
    if (!has_missing) return;
  }
}

}  // namespace arpent::learn
