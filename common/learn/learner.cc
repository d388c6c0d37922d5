#include "common/learn/learner.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/parameters.h"
#include "common/base/status.h"
#include "common/learn/forest_trainer.h"

namespace arpent::learn {
namespace {

constexpr std::array<std::pair<absl::string_view, Learner>, 4> kLearners = {{{"forest", Learner::kForest},
                                                                           {"extra-trees", Learner::kExtraTrees},
                                                                           {"boosting", Learner::kBoosting},
                                                                           {"auto", Learner::kAuto}}};

ForestOptions ForestOptionsOf(Learner learner, const LearnerOptions& options, size_t rows) {
  ForestOptions forest;
  forest.trees = options.trees;
  forest.max_depth = options.max_depth;
  forest.min_samples_split = options.min_samples > 0 ? std::max(2, options.min_samples) : DefaultMinSamples(rows);
  forest.seed = options.seed;
  forest.random_thresholds = learner == Learner::kExtraTrees;
  forest.bootstrap = learner != Learner::kExtraTrees;
  return forest;
}

}  // namespace

absl::StatusOr<Learner> ParseLearner(absl::string_view name) {
  for (const auto& [known, learner] : kLearners) {
    if (name == known) return learner;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("learner '", name, "': forest, extra-trees, boosting or auto is expected"));
}

absl::string_view LearnerName(Learner learner) {
  for (const auto& [name, known] : kLearners) {
    if (learner == known) return name;
  }
  return "";
}

int DefaultMinSamples(size_t rows) { return static_cast<int>(std::clamp<size_t>(rows / 1600, 2, 25)); }

absl::StatusOr<LearnedModel> Learn(const TrainingSamples& samples, std::span<const uint32_t> groups,
                                   const LearnerOptions& options, int threads) {
  if (samples.class_count < 2) return absl::InvalidArgumentError("two classes are needed to learn from");
  ARPENT_ASSIGN_OR_RETURN(const BinnedSamples binned, BinnedSamples::Create(samples, threads));
  const Learner learner = options.learner == Learner::kAuto ? Learner::kForest : options.learner;
  const ForestOptions forest_options = ForestOptionsOf(learner, options, samples.rows());
  ARPENT_ASSIGN_OR_RETURN(TrainedForest trained, TrainForest(binned, forest_options, threads));
  LearnedModel model;
  model.forests.push_back(std::move(trained.forest));
  model.out_of_bag_accuracy = trained.out_of_bag_accuracy;
  model.importance = std::move(trained.importance);
  model.about = {{"learner", std::string(LearnerName(learner))},
                 {"samples", absl::StrCat(samples.rows())},
                 {"seed", absl::StrCat(options.seed)},
                 {"trees", absl::StrCat(options.trees)},
                 {"max_depth", absl::StrCat(options.max_depth)},
                 {"min_samples", absl::StrCat(forest_options.min_samples_split)}};
  return model;
}

}  // namespace arpent::learn
