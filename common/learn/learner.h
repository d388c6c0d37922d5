// From samples to a model: the learners that a site file can name.
#ifndef ARPENT_COMMON_LEARN_LEARNER_H_
#define ARPENT_COMMON_LEARN_LEARNER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/kernels/classify/forest.h"
#include "common/learn/binned_samples.h"

namespace arpent::learn {

enum class Learner {
  kForest,      // "forest": random forest
  kExtraTrees,  // "extra-trees": extremely randomised trees
  kBoosting,    // "boosting": gradient boosting (XGBoost)
  kAuto,        // "auto": chosen, or several averaged, by cross-validation over the training polygons
};

// INVALID_ARGUMENT naming the learners that exist.
absl::StatusOr<Learner> ParseLearner(absl::string_view name);
absl::string_view LearnerName(Learner learner);

struct LearnerOptions {
  Learner learner = Learner::kAuto;
  int trees = 100;
  int max_depth = 25;
  int min_samples = 0;  // a node with fewer is not split; 0: DefaultMinSamples
  uint64_t seed = 1;
  // Of two classes the samples show all of the second and only some of the first: see decision_threshold.h. Not by "auto".
  bool second_is_known_whole = false;
};

// Sen2Agri's 25 where there are as many samples as for its crop mask, 40,000 of each of two classes, proportionally fewer
// below, at least 2: small sets of samples cannot spare them. No more than a mean polygon has, where there are polygons:
// classes of few polygons cannot spare those.
int DefaultMinSamples(size_t rows, std::optional<size_t> polygons);

struct LearnedModel {
  std::vector<kernels::Forest> forests;  // to be averaged by weight
  std::optional<double> out_of_bag_accuracy;
  std::vector<double> importance;        // per feature, sums to 1; empty when the learner does not tell
  std::vector<double> class_factors;     // for ModelDescription: what favours rare classes
  std::map<std::string, std::string> about;  // for ModelDescription::training
};

// Cross-validation never divides a polygon (`samples.groups`). The model's bytes do not depend on
// `threads`. INVALID_ARGUMENT for options out of range, fewer than two classes.
absl::StatusOr<LearnedModel> Learn(const TrainingSamples& samples, const LearnerOptions& options, int threads);

}  // namespace arpent::learn

#endif  // ARPENT_COMMON_LEARN_LEARNER_H_
