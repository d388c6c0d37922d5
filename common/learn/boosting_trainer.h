// Gradient-boosted trees (Chen, Guestrin 2016) through the XGBoost library, in the engine's form.
#ifndef ARPENT_COMMON_LEARN_BOOSTING_TRAINER_H_
#define ARPENT_COMMON_LEARN_BOOSTING_TRAINER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "common/kernels/classify/forest.h"
#include "common/learn/binned_samples.h"

namespace arpent::learn {

inline constexpr int kLeastBoostingBins = 32, kMostBoostingBins = 256;

// Bins that so many independent samples (polygons) can tell apart: eight of them to a bin, within the two constants.
int BoostingBins(size_t independent);

struct BoostingOptions {
  int rounds = 100;            // each adds one tree per class
  double learning_rate = 0.15;
  int max_leaves = 31;
  double min_child_weight = 0.1;  // sum of second derivatives; 1, the library's own, keeps rare classes from splitting
  double weight_scale = 1;     // of all samples: what min_child_weight and the penalty of leaf values compare with
  double column_share = 0.5;   // features looked at per tree
  double row_share = 0.8;      // samples looked at per round
  int bins = kMostBoostingBins;  // per feature; every leaf costs a pass over all of them: see BoostingBins
  uint64_t seed = 1;
};

// The library's training is deterministic for a fixed number of threads only. It gets one: cross-validation runs folds in
// parallel instead, and its threads, which spin while they wait, would starve those of other tasks.
inline constexpr int kBoostingThreads = 1;

// `rows` chooses samples; empty: all. Samples are handed over in batches, quantised, so that no second copy of the floats is
// held. INTERNAL with the library's own words when it fails.
absl::StatusOr<kernels::Forest> TrainBoosting(const TrainingSamples& samples, const BoostingOptions& options,
                                              std::span<const uint32_t> rows = {});

// The same model as the library saves it (JSON), for tests and benchmarks.
absl::StatusOr<std::string> TrainBoostingJson(const TrainingSamples& samples, const BoostingOptions& options,
                                              std::span<const uint32_t> rows = {});

}  // namespace arpent::learn

#endif  // ARPENT_COMMON_LEARN_BOOSTING_TRAINER_H_
