#include "common/learn/learner.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/learn/boosting_trainer.h"
#include "common/learn/cross_validation.h"
#include "common/learn/forest_trainer.h"

namespace arpent::learn {
namespace {

constexpr std::array<std::pair<absl::string_view, Learner>, 4> kLearners = {{{"forest", Learner::kForest},
                                                                           {"extra-trees", Learner::kExtraTrees},
                                                                           {"boosting", Learner::kBoosting},
                                                                           {"auto", Learner::kAuto}}};

// Cross-validation of "auto".
constexpr int kFolds = 3;
constexpr size_t kMostRowsToCompare = 6000;
// "auto" leaves boosting out where it would take longer than about this: it costs a pass over the samples per class,
// round and level, the forests one per tree and level.
constexpr double kMostBoostingSeconds = 30;
constexpr double kSecondsPerBoostingVisit = 4.3e-9;  // measured: 8,000 x 60, 6 classes, 100 rounds in 3.1 s
constexpr double kBoostingLevels = 5;

class Trainer {
 public:
  Trainer(const TrainingSamples& samples, const BinnedSamples& binned, const LearnerOptions& options)
      : samples_(samples), binned_(binned), options_(options) {}

  absl::StatusOr<TrainedForest> TrainForests(Learner learner, std::span<const uint32_t> rows, int threads) const {
    return TrainForest(binned_, ForestOptionsOf(learner), threads, rows);
  }

  // One ensemble of a kind, from some of the rows (all when empty).
  absl::StatusOr<kernels::Forest> Train(Learner learner, std::span<const uint32_t> rows, int threads) const {
    if (learner == Learner::kBoosting) return TrainBoosting(samples_, BoostingOptionsOf(), rows);
    ARPENT_ASSIGN_OR_RETURN(TrainedForest trained, TrainForests(learner, rows, threads));
    return std::move(trained.forest);
  }

  int MinSamples() const {
    return options_.min_samples > 0 ? std::max(2, options_.min_samples) : DefaultMinSamples(samples_.rows());
  }

  double ExpectedBoostingSeconds() const {
    const BoostingOptions boosting = BoostingOptionsOf();
    return static_cast<double>(samples_.rows()) * static_cast<double>(samples_.planes.size()) * boosting.column_share *
           static_cast<double>(samples_.class_count) * boosting.rounds * kBoostingLevels * kSecondsPerBoostingVisit;
  }

 private:
  ForestOptions ForestOptionsOf(Learner learner) const {
    ForestOptions forest;
    forest.trees = options_.trees;
    forest.max_depth = options_.max_depth;
    forest.min_samples_split = MinSamples();
    forest.seed = options_.seed;
    forest.random_thresholds = learner == Learner::kExtraTrees;
    forest.bootstrap = learner != Learner::kExtraTrees;
    return forest;
  }

  BoostingOptions BoostingOptionsOf() const {
    BoostingOptions boosting;
    boosting.rounds = options_.trees;
    boosting.seed = options_.seed;
    return boosting;
  }

  const TrainingSamples& samples_;
  const BinnedSamples& binned_;
  const LearnerOptions& options_;
};

std::string NamesOf(const std::vector<Learner>& learners) {
  return absl::StrJoin(learners, "+", [](std::string* out, Learner learner) {
    absl::StrAppend(out, LearnerName(learner));
  });
}

std::vector<float> MeanOf(const std::vector<std::vector<float>>& probabilities, unsigned subset) {
  std::vector<float> sum(probabilities[0].size());
  for (size_t c = 0; c < probabilities.size(); ++c) {
    if ((subset >> c & 1) == 0) continue;
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += probabilities[c][i];
  }
  return sum;  // the scale does not matter for the best class
}

// Compares every learner and every average of several by cross-validation; `scores` gets a line for each.
absl::StatusOr<std::vector<Learner>> Choose(const Trainer& trainer, const TrainingSamples& samples,
                                            std::span<const uint32_t> groups, uint64_t seed, int threads,
                                            std::map<std::string, std::string>& about) {
  std::vector<Learner> candidates = {Learner::kForest, Learner::kExtraTrees};
  if (trainer.ExpectedBoostingSeconds() <= kMostBoostingSeconds) {
    candidates.push_back(Learner::kBoosting);
  } else {
    about["boosting"] = "left out: too many samples for its cost";
  }
  const std::vector<uint32_t> rows = ChooseRows(samples.rows(), kMostRowsToCompare, seed);
  const std::vector<int> folds = DealFolds(samples, groups, rows, kFolds, seed);
  std::vector<std::vector<float>> probabilities;
  for (const Learner learner : candidates) {
    const ForestMaker train = [&](std::span<const uint32_t> inside) { return trainer.Train(learner, inside, 1); };
    ARPENT_ASSIGN_OR_RETURN(std::vector<float> of_learner,
                            OutOfFoldProbabilities(samples, rows, folds, train, threads));
    probabilities.push_back(std::move(of_learner));
  }
  std::vector<Learner> best;
  double best_score = -1;
  for (unsigned subset = 1; subset < 1u << candidates.size(); ++subset) {
    std::vector<Learner> chosen;
    for (size_t c = 0; c < candidates.size(); ++c) {
      if ((subset >> c & 1) != 0) chosen.push_back(candidates[c]);
    }
    const double score = ScoreOf(samples, rows, MeanOf(probabilities, subset));
    about["score " + NamesOf(chosen)] = absl::StrFormat("%.4f", score);
    if (score > best_score) {
      best_score = score;
      best = chosen;
    }
  }
  return best;
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
  if (options.trees < 1) return absl::InvalidArgumentError(absl::StrCat("trees is ", options.trees, ": at least 1"));
  ARPENT_ASSIGN_OR_RETURN(const BinnedSamples binned, BinnedSamples::Create(samples, threads));
  const Trainer trainer(samples, binned, options);
  LearnedModel model;
  std::vector<Learner> learners = {options.learner};
  if (options.learner == Learner::kAuto) {
    ARPENT_ASSIGN_OR_RETURN(learners, Choose(trainer, samples, groups, options.seed, threads, model.about));
  }
  for (const Learner learner : learners) {
    if (learner == Learner::kBoosting) {
      ARPENT_ASSIGN_OR_RETURN(kernels::Forest forest, trainer.Train(learner, {}, threads));
      model.forests.push_back(std::move(forest));
      continue;
    }
    ARPENT_ASSIGN_OR_RETURN(TrainedForest trained, trainer.TrainForests(learner, {}, threads));
    model.forests.push_back(std::move(trained.forest));
    if (trained.out_of_bag_accuracy) model.out_of_bag_accuracy = trained.out_of_bag_accuracy;
    if (model.importance.empty()) model.importance = std::move(trained.importance);
  }
  model.about["learner"] = NamesOf(learners);
  model.about["samples"] = absl::StrCat(samples.rows());
  model.about["seed"] = absl::StrCat(options.seed);
  model.about["trees"] = absl::StrCat(options.trees);
  model.about["max_depth"] = absl::StrCat(options.max_depth);
  model.about["min_samples"] = absl::StrCat(trainer.MinSamples());
  return model;
}

}  // namespace arpent::learn
