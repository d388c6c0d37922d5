// Trains random forests (Breiman 2001) and extremely randomised trees (Geurts, Ernst, Wehenkel 2006).
//
// One tree serves all classes: its leaves hold class shares. Splits minimise the weighted Gini impurity among a random
// subset of features at each node. No-data is a value of its own: each split sends it to the side that fits the samples
// better, or with the majority where the node saw none. The forest's bytes depend on samples, options and seed only, not
// on the number of threads: each tree has its own stream of random numbers.
#ifndef ARPENT_COMMON_LEARN_FOREST_TRAINER_H_
#define ARPENT_COMMON_LEARN_FOREST_TRAINER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/kernels/classify/forest.h"
#include "common/learn/binned_samples.h"

namespace arpent::learn {

struct ForestOptions {
  int trees = 100;
  int max_depth = 25;          // the root has depth 0
  int min_samples_split = 2;   // a node with fewer distinct samples becomes a leaf
  int min_samples_leaf = 1;    // distinct samples on either side of a split
  int features_per_node = 0;   // 0: the square root of their number, rounded down
  bool bootstrap = true;       // each tree sees as many samples as there are, drawn with replacement
  bool random_thresholds = false;  // extremely randomised: one random threshold per feature (with bootstrap false)
  std::vector<double> class_weights;  // empty: all 1
  uint64_t seed = 1;
};

struct TrainedForest {
  kernels::Forest forest;
  // Of samples classified by the trees that did not see them. Absent without bootstrap.
  std::optional<double> out_of_bag_accuracy;
  std::vector<double> importance;  // decrease of impurity per feature, sums to 1 (all 0 without any split)
};

// `rows` chooses samples (for cross-validation); empty: all. INVALID_ARGUMENT naming the option that is out of range.
// Memory per thread: about 20 bytes per sample beyond the finished trees.
absl::StatusOr<TrainedForest> TrainForest(const BinnedSamples& samples, const ForestOptions& options, int threads,
                                          std::span<const uint32_t> rows = {});

}  // namespace arpent::learn

#endif  // ARPENT_COMMON_LEARN_FOREST_TRAINER_H_
