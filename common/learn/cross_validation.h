// Cross-validation that never divides a polygon: its pixels are alike, and a pixel judged by its neighbours is not judged.
#ifndef ARPENT_COMMON_LEARN_CROSS_VALIDATION_H_
#define ARPENT_COMMON_LEARN_CROSS_VALIDATION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/kernels/classify/forest.h"
#include "common/learn/binned_samples.h"

namespace arpent::learn {

// The fold (0 .. folds - 1) of each of `rows`: the groups of each class are dealt out in seeded order, so that every fold
// has its part of every class. A group has the class of its first row.
std::vector<int> DealFolds(const TrainingSamples& samples, std::span<const uint32_t> rows, int folds, uint64_t seed);

// At most `most` rows, chosen by the seed; ascending. One of every group before a second of any, and so on: pixels of a
// polygon are alike, so that few of many polygons teach more than many of few.
std::vector<uint32_t> ChooseRows(const TrainingSamples& samples, size_t most, uint64_t seed);

// Trains on the rows given.
using ForestMaker = std::function<absl::StatusOr<kernels::Forest>(std::span<const uint32_t> rows)>;

// For each row the class probabilities (rows x classes) by the model that did not see its fold. Folds run in parallel.
absl::StatusOr<std::vector<float>> OutOfFoldProbabilities(const TrainingSamples& samples,
                                                          std::span<const uint32_t> rows, const std::vector<int>& folds,
                                                          const ForestMaker& train, int threads);

// How good probabilities (rows x classes) are, multiplied by a factor per class: the mean of overall accuracy and macro
// F-score.
double ScoreOf(const TrainingSamples& samples, std::span<const uint32_t> rows, std::span<const float> probabilities,
               std::span<const double> class_factors);

}  // namespace arpent::learn

#endif  // ARPENT_COMMON_LEARN_CROSS_VALIDATION_H_
