#include "common/learn/tree_grower.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace arpent::learn {
namespace {

// A node that has its place but is not yet split.
struct OpenNode {
  uint32_t index = 0;
  int depth = 0;
  size_t begin = 0, end = 0;  // of the drawn samples
};

class Grower {
 public:
  Grower(const BinnedSamples& samples, const ForestOptions& options, std::span<const double> class_weights,
         std::vector<DrawnSample> drawn, Random& random)
      : samples_(samples),
        options_(options),
        class_weights_(class_weights),
        finder_(samples, RulesOf(samples, options), class_weights, random),
        drawn_(std::move(drawn)),
        right_(drawn_.size()),
        totals_(samples.class_count()) {
    tree_.share_stride = kernels::ShareStride(samples.class_count());
    tree_.importance.resize(samples.features());
  }

  GrownTree Grow() {
    AddNodes(1);
    std::vector<OpenNode> open = {{0, 0, 0, drawn_.size()}};
    while (!open.empty()) {
      const OpenNode node = open.back();
      open.pop_back();
      const Split split = FindSplit(node);
      if (split.feature < 0) {
        MakeLeaf(node.index);
        continue;
      }
      const size_t middle = Partition(node, split);
      const uint32_t child = AddNodes(2);
      tree_.nodes[node.index] = kernels::SplitNode(split.feature, split.last_left_bin, split.missing_right, child);
      // The left child is grown first: its samples are the ones still in the cache.
      open.push_back({child + 1, node.depth + 1, middle, node.end});
      open.push_back({child, node.depth + 1, node.begin, middle});
    }
    return std::move(tree_);
  }

 private:
  static SplitRules RulesOf(const BinnedSamples& samples, const ForestOptions& options) {
    SplitRules rules;
    const auto root = static_cast<size_t>(std::sqrt(static_cast<double>(samples.features())));
    rules.features_per_node = options.features_per_node > 0 ? options.features_per_node : std::max<size_t>(1, root);
    rules.min_samples_leaf = options.min_samples_leaf;
    rules.random_thresholds = options.random_thresholds;
    return rules;
  }

  uint32_t AddNodes(size_t count) {
    const auto first = static_cast<uint32_t>(tree_.nodes.size());
    tree_.nodes.resize(first + count);
    tree_.payloads.resize(first + count);
    return first;
  }

  // The best split of the node, or none when it is to be a leaf. Leaves the node's class weights in totals_.
  Split FindSplit(const OpenNode& node) {
    const std::span<const DrawnSample> members(drawn_.data() + node.begin, node.end - node.begin);
    std::fill(totals_.begin(), totals_.end(), 0.0);
    for (const DrawnSample& sample : members) totals_[sample.klass] += class_weights_[sample.klass] * sample.units;
    const bool pure = std::count(totals_.begin(), totals_.end(), 0.0) + 1 >= static_cast<ptrdiff_t>(totals_.size());
    if (pure || node.depth >= options_.max_depth || members.size() < static_cast<size_t>(options_.min_samples_split)) {
      return {};
    }
    const Split split = finder_.Find(members, totals_);
    if (split.feature >= 0) {
      const double weight = std::accumulate(totals_.begin(), totals_.end(), 0.0);
      const double squares = std::inner_product(totals_.begin(), totals_.end(), totals_.begin(), 0.0);
      tree_.importance[split.feature] += std::max(0.0, split.score - squares / weight);
    }
    return split;
  }

  // Moves the samples that go right behind those that go left, both in their old order.
  size_t Partition(const OpenNode& node, const Split& split) {
    size_t left = node.begin, right = 0;
    for (size_t i = node.begin; i < node.end; ++i) {
      const uint8_t bin = samples_.row(drawn_[i].row)[split.feature];
      const bool to_right = bin == 0 ? split.missing_right : bin > split.last_left_bin;
      const DrawnSample sample = drawn_[i];
      right_[right] = sample;
      drawn_[left] = sample;
      right += to_right;
      left += !to_right;
    }
    std::copy(right_.begin(), right_.begin() + right, drawn_.begin() + left);
    return left;
  }

  void MakeLeaf(uint32_t index) {
    tree_.nodes[index] = kernels::LeafNode(index);
    tree_.payloads[index] = static_cast<uint32_t>(tree_.shares.size() / tree_.share_stride);
    tree_.shares.resize(tree_.shares.size() + tree_.share_stride);
    kernels::SharesOf(totals_, tree_.shares.data() + tree_.shares.size() - tree_.share_stride);
  }

  const BinnedSamples& samples_;
  const ForestOptions& options_;
  const std::span<const double> class_weights_;
  SplitFinder finder_;
  std::vector<DrawnSample> drawn_;
  std::vector<DrawnSample> right_;
  std::vector<double> totals_;
  GrownTree tree_;
};

}  // namespace

const uint16_t* GrownTree::SharesFor(const uint8_t* bins) const {
  uint32_t index = 0;
  while (nodes[index].child != index) {
    const kernels::ForestNode& node = nodes[index];
    const auto bin = static_cast<uint8_t>(bins[node.feature()] - (node.missing_right() ? 1 : 0));
    index = node.child + (bin > node.threshold ? 1 : 0);
  }
  return shares.data() + payloads[index] * share_stride;
}

GrownTree GrowTree(const BinnedSamples& samples, const ForestOptions& options, std::span<const double> class_weights,
                   std::vector<DrawnSample> drawn, Random& random) {
  return Grower(samples, options, class_weights, std::move(drawn), random).Grow();
}

}  // namespace arpent::learn
