#include "common/learn/forest_trainer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <string>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/classify/random.h"
#include "common/learn/tree_grower.h"

namespace arpent::learn {
namespace {

absl::Status Check(const BinnedSamples& samples, const ForestOptions& options) {
  const auto at_least = [](absl::string_view name, int value, int least) {
    return value >= least ? absl::OkStatus()
                          : absl::InvalidArgumentError(absl::StrCat(name, " is ", value, ": at least ", least));
  };
  ARPENT_RETURN_IF_ERROR(at_least("trees", options.trees, 1));
  ARPENT_RETURN_IF_ERROR(at_least("max_depth", options.max_depth, 1));
  ARPENT_RETURN_IF_ERROR(at_least("min_samples_split", options.min_samples_split, 2));
  ARPENT_RETURN_IF_ERROR(at_least("min_samples_leaf", options.min_samples_leaf, 1));
  ARPENT_RETURN_IF_ERROR(at_least("features_per_node", options.features_per_node, 0));
  if (options.trees > 10000) return absl::InvalidArgumentError(absl::StrCat("trees is ", options.trees, ": at most 10000"));
  if (!options.class_weights.empty() && options.class_weights.size() != samples.class_count()) {
    return absl::InvalidArgumentError(absl::StrCat("class_weights has ", options.class_weights.size(), " values for ",
                                                   samples.class_count(), " classes"));
  }
  for (const double weight : options.class_weights) {
    if (!(weight > 0) || std::isinf(weight)) return absl::InvalidArgumentError("class_weights must be above 0");
  }
  return absl::OkStatus();
}

// The samples of one tree, ascending row; `drawn_times[i]` tells how often each of `rows` was drawn.
std::vector<DrawnSample> Draw(const BinnedSamples& samples, std::span<const uint32_t> rows, bool bootstrap,
                              Random& random, std::vector<uint8_t>& drawn_times) {
  drawn_times.assign(rows.size(), bootstrap ? 0 : 1);
  if (bootstrap) {
    for (size_t i = 0; i < rows.size(); ++i) {
      uint8_t& times = drawn_times[random.Below(static_cast<uint32_t>(rows.size()))];
      if (times < 16) ++times;
    }
  }
  std::vector<DrawnSample> drawn;
  drawn.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    if (drawn_times[i] == 0) continue;
    const auto units = static_cast<uint16_t>(drawn_times[i] * samples.units(rows[i]));
    drawn.push_back({rows[i], samples.klass(rows[i]), units});
  }
  return drawn;
}

// Votes of the trees that did not see a sample; whole numbers, so that the order of the trees does not matter.
class OutOfBagVotes {
 public:
  OutOfBagVotes(const BinnedSamples& samples, std::span<const uint32_t> rows)
      : samples_(samples), rows_(rows), votes_(rows.size() * samples.class_count()) {}

  void Add(const GrownTree& tree, std::span<const uint8_t> drawn_times) {
    const size_t classes = samples_.class_count();
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (drawn_times[i] != 0) continue;
      const uint16_t* shares = tree.SharesFor(samples_.row(rows_[i]));
      for (size_t k = 0; k < classes; ++k) {
        if (shares[k] > 0) votes_[i * classes + k].fetch_add(shares[k], std::memory_order_relaxed);
      }
    }
  }

  std::optional<double> Accuracy() const {
    const size_t classes = samples_.class_count();
    size_t judged = 0, right = 0;
    for (size_t i = 0; i < rows_.size(); ++i) {
      size_t best = 0;
      for (size_t k = 1; k < classes; ++k) {
        if (votes_[i * classes + k] > votes_[i * classes + best]) best = k;
      }
      if (votes_[i * classes + best] == 0) continue;
      ++judged;
      right += best == samples_.klass(rows_[i]);
    }
    if (judged == 0) return std::nullopt;
    return static_cast<double>(right) / static_cast<double>(judged);
  }

 private:
  const BinnedSamples& samples_;
  const std::span<const uint32_t> rows_;
  std::vector<std::atomic<uint32_t>> votes_;
};

// Joins trees into one forest; equal rows of shares (pure leaves, most of all) are kept once.
class ForestAssembler {
 public:
  explicit ForestAssembler(const BinnedSamples& samples) {
    forest_.classes = static_cast<uint32_t>(samples.class_count());
    forest_.edge_begin = samples.edge_begin();
    forest_.edges = samples.edges();
    forest_.roots.push_back(0);
  }

  void Append(const GrownTree& tree) {
    const auto base = static_cast<uint32_t>(forest_.nodes.size());
    const size_t stride = kernels::ShareStride(forest_.classes);
    std::vector<uint32_t> rows(tree.shares.size() / stride);
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = RowOf(tree.shares.data() + i * stride, stride);
    for (size_t i = 0; i < tree.nodes.size(); ++i) {
      kernels::ForestNode node = tree.nodes[i];
      const bool leaf = node.child == i;
      node.child += base;
      forest_.nodes.push_back(node);
      forest_.payloads.push_back(leaf ? rows[tree.payloads[i]] : 0);
    }
    forest_.roots.push_back(static_cast<uint32_t>(forest_.nodes.size()));
  }

  kernels::Forest Take() { return std::move(forest_); }

 private:
  uint32_t RowOf(const uint16_t* shares, size_t stride) {
    const std::string key(reinterpret_cast<const char*>(shares), stride * sizeof(uint16_t));
    const auto [place, added] = rows_.emplace(key, static_cast<uint32_t>(forest_.shares.size() / stride));
    if (added) forest_.shares.insert(forest_.shares.end(), shares, shares + stride);
    return place->second;
  }

  kernels::Forest forest_;
  std::unordered_map<std::string, uint32_t> rows_;
};

std::vector<double> MeanImportance(const std::vector<GrownTree>& trees, size_t features) {
  std::vector<double> importance(features);
  for (const GrownTree& tree : trees) {
    const double total = std::accumulate(tree.importance.begin(), tree.importance.end(), 0.0);
    if (!(total > 0)) continue;
    for (size_t f = 0; f < features; ++f) importance[f] += tree.importance[f] / total;
  }
  const double total = std::accumulate(importance.begin(), importance.end(), 0.0);
  if (total > 0) {
    for (double& value : importance) value /= total;
  }
  return importance;
}

}  // namespace

absl::StatusOr<TrainedForest> TrainForest(const BinnedSamples& samples, const ForestOptions& options, int threads,
                                          std::span<const uint32_t> rows) {
  ARPENT_RETURN_IF_ERROR(Check(samples, options));
  std::vector<uint32_t> all;
  if (rows.empty()) {
    all.resize(samples.rows());
    std::iota(all.begin(), all.end(), 0u);
    rows = all;
  }
  std::vector<double> class_weights = options.class_weights;
  if (class_weights.empty()) class_weights.assign(samples.class_count(), 1.0);
  std::vector<GrownTree> trees(options.trees);
  OutOfBagVotes votes(samples, rows);
  ARPENT_RETURN_IF_ERROR(ParallelFor(trees.size(), threads, [&](size_t t) {
    Random random(options.seed, t);
    std::vector<uint8_t> drawn_times;
    std::vector<DrawnSample> drawn = Draw(samples, rows, options.bootstrap, random, drawn_times);
    trees[t] = GrowTree(samples, options, class_weights, std::move(drawn), random);
    if (options.bootstrap) votes.Add(trees[t], drawn_times);
    return absl::OkStatus();
  }));
  TrainedForest trained;
  if (options.bootstrap) trained.out_of_bag_accuracy = votes.Accuracy();
  trained.importance = MeanImportance(trees, samples.features());
  ForestAssembler assembler(samples);
  for (GrownTree& tree : trees) {
    assembler.Append(tree);
    tree = GrownTree();
  }
  trained.forest = assembler.Take();
  return trained;
}

}  // namespace arpent::learn
