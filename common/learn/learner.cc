#include "common/learn/learner.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_set>
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
constexpr size_t kRowsPerPolygonToCompare = 4;  // of polygons that have more; they are alike
// "auto" boosts no more samples than take about this long (every polygon before a second pixel of any), and leaves boosting
// out where those are fewer than it compares with. Boosting costs a pass over the samples per class, round and level, and
// one over the bins per node; the forests one over the samples per tree and level.
constexpr double kMostBoostingSeconds = 30;
constexpr double kSecondsPerBoostingVisit = 4.3e-9;  // measured: 8,000 x 60, 6 classes, 100 rounds in 3.1 s
constexpr double kBoostingLevels = 5;
constexpr double kBoostingBins = 256;
// Averaged probabilities are drawn towards the common classes; a little against that finds rare ones and costs hardly any
// accuracy: see FactorsFor.
constexpr std::array<double, 4> kRareClassExponents = {0, 0.1, 0.2, 0.3};
constexpr double kUsualRareClassExponent = 0.2;

// How many polygons the rows (all when empty) are of.
size_t CountPolygons(const TrainingSamples& samples, std::span<const uint32_t> rows) {
  if (samples.groups.empty()) return rows.empty() ? samples.rows() : rows.size();
  if (rows.empty()) return std::unordered_set<uint32_t>(samples.groups.begin(), samples.groups.end()).size();
  std::unordered_set<uint32_t> polygons;
  for (const uint32_t row : rows) polygons.insert(samples.group(row));
  return polygons.size();
}

class Trainer {
 public:
  Trainer(const TrainingSamples& samples, const BinnedSamples& binned, const LearnerOptions& options)
      : samples_(samples), binned_(binned), options_(options), polygons_(CountPolygons(samples, {})) {}

  size_t polygons() const { return polygons_; }

  absl::StatusOr<TrainedForest> TrainForests(Learner learner, std::span<const uint32_t> rows, int threads) const {
    return TrainForest(binned_, ForestOptionsOf(learner), threads, rows);
  }

  // One ensemble of a kind, from some of the rows (all when empty).
  absl::StatusOr<kernels::Forest> Train(Learner learner, std::span<const uint32_t> rows, int threads) const {
    if (learner == Learner::kBoosting) return TrainBoosting(samples_, BoostingOptionsOf(rows), rows);
    ARPENT_ASSIGN_OR_RETURN(TrainedForest trained, TrainForests(learner, rows, threads));
    return std::move(trained.forest);
  }

  int MinSamples() const {
    return options_.min_samples > 0 ? std::max(2, options_.min_samples) : DefaultMinSamples(samples_.rows(), polygons_);
  }

  // Samples that boosting can learn from in so many seconds.
  size_t BoostedRows(double seconds) const {
    const BoostingOptions boosting = BoostingOptionsOf({});
    const double visits = seconds / kSecondsPerBoostingVisit /
                          (static_cast<double>(samples_.planes.size()) * boosting.column_share *
                           static_cast<double>(samples_.class_count) * boosting.rounds);
    return static_cast<size_t>(std::max(0.0, (visits - 2.0 * boosting.max_leaves * kBoostingBins) / kBoostingLevels));
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

  BoostingOptions BoostingOptionsOf(std::span<const uint32_t> rows) const {
    BoostingOptions boosting;
    boosting.rounds = options_.trees;
    boosting.seed = options_.seed;
    boosting.weight_scale = PolygonShare(rows);
    return boosting;
  }

  // Polygons per sample. A polygon weighs as one sample: its pixels, which are alike, would else seem to prove what they repeat.
  double PolygonShare(std::span<const uint32_t> rows) const {
    const size_t count = rows.empty() ? samples_.rows() : rows.size();
    return static_cast<double>(CountPolygons(samples_, rows)) / static_cast<double>(count);
  }

  const TrainingSamples& samples_;
  const BinnedSamples& binned_;
  const LearnerOptions& options_;
  const size_t polygons_;
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

// What a class's probability is multiplied with: how often the largest class is its size, to the power of the exponent; in
// steps of 1/1024, in which the last bit of a processor's own power function is lost.
std::vector<double> FactorsFor(const TrainingSamples& samples, std::span<const uint32_t> rows, double exponent) {
  std::vector<double> counts(samples.class_count);
  for (const uint32_t row : rows) ++counts[samples.classes[row]];
  std::vector<double> factors;
  const double largest = *std::max_element(counts.begin(), counts.end());
  for (const double count : counts) {
    factors.push_back(std::round(std::pow(largest / std::max(1.0, count), exponent) * 1024) / 1024);
  }
  return factors;
}

struct Choice {
  std::vector<Learner> learners;
  std::vector<double> class_factors;
  double rare_class_exponent = 0;
};

std::string ScoreName(const Choice& choice) {
  return absl::StrFormat("score %s, rare classes %.1f", NamesOf(choice.learners), choice.rare_class_exponent);
}

// Compares every learner and every average of several by cross-validation, each with several factors for rare classes; `about`
// gets a line for each. The best is taken when it beats the average of all by more than a standard error of its accuracy
// (Breiman et al. 1984), the polygons being what is independent: the best of many is partly the luckiest.
absl::StatusOr<Choice> Choose(const Trainer& trainer, const TrainingSamples& samples, uint64_t seed, int threads,
                              std::map<std::string, std::string>& about) {
  const std::vector<uint32_t> rows =
      ChooseRows(samples, std::min(kMostRowsToCompare, kRowsPerPolygonToCompare * trainer.polygons()), seed);
  std::vector<Learner> candidates = {Learner::kForest, Learner::kExtraTrees};
  if (trainer.BoostedRows(kMostBoostingSeconds) >= std::min(rows.size(), trainer.polygons())) {
    candidates.push_back(Learner::kBoosting);
  } else {
    about["boosting"] = "left out: too many samples for its cost";
  }
  const std::vector<int> folds = DealFolds(samples, rows, kFolds, seed);
  std::vector<std::vector<float>> probabilities;
  for (const Learner learner : candidates) {
    const ForestMaker train = [&](std::span<const uint32_t> inside) { return trainer.Train(learner, inside, 1); };
    ARPENT_ASSIGN_OR_RETURN(std::vector<float> of_learner,
                            OutOfFoldProbabilities(samples, rows, folds, train, threads));
    probabilities.push_back(std::move(of_learner));
  }
  Choice best, usual;
  double best_score = -1, usual_score = 0;
  for (unsigned subset = 1; subset < 1u << candidates.size(); ++subset) {
    std::vector<Learner> chosen;
    for (size_t c = 0; c < candidates.size(); ++c) {
      if ((subset >> c & 1) != 0) chosen.push_back(candidates[c]);
    }
    const std::vector<float> mean = MeanOf(probabilities, subset);
    for (const double exponent : kRareClassExponents) {
      const Choice choice = {chosen, FactorsFor(samples, rows, exponent), exponent};
      const double score = ScoreOf(samples, rows, mean, choice.class_factors);
      about[ScoreName(choice)] = absl::StrFormat("%.4f", score);
      if (score > best_score) {
        best_score = score;
        best = choice;
      }
      if (chosen.size() == candidates.size() && exponent == kUsualRareClassExponent) {
        usual_score = score;
        usual = choice;
      }
    }
  }
  const double polygons = static_cast<double>(std::min(rows.size(), trainer.polygons()));
  const double standard_error = std::sqrt(best_score * (1 - best_score) / polygons);
  return best_score - usual_score > standard_error ? best : usual;
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

int DefaultMinSamples(size_t rows, size_t polygons) {
  return static_cast<int>(std::clamp<size_t>(std::min(rows / 1600, rows / std::max<size_t>(1, polygons)), 2, 25));
}

absl::StatusOr<LearnedModel> Learn(const TrainingSamples& samples, const LearnerOptions& options, int threads) {
  if (samples.class_count < 2) return absl::InvalidArgumentError("two classes are needed to learn from");
  if (options.trees < 1) return absl::InvalidArgumentError(absl::StrCat("trees is ", options.trees, ": at least 1"));
  ARPENT_ASSIGN_OR_RETURN(const BinnedSamples binned, BinnedSamples::Create(samples, threads));
  const Trainer trainer(samples, binned, options);
  LearnedModel model;
  Choice choice = {{options.learner}};
  std::vector<uint32_t> boosted_rows;
  if (options.learner == Learner::kAuto) {
    ARPENT_ASSIGN_OR_RETURN(choice, Choose(trainer, samples, options.seed, threads, model.about));
    boosted_rows = ChooseRows(samples, trainer.BoostedRows(kMostBoostingSeconds), options.seed);
    model.class_factors = choice.class_factors;
    model.about["rare_classes"] = absl::StrFormat("%.1f", choice.rare_class_exponent);
  }
  for (const Learner learner : choice.learners) {
    if (learner == Learner::kBoosting) {
      ARPENT_ASSIGN_OR_RETURN(kernels::Forest forest, trainer.Train(learner, boosted_rows, threads));
      model.forests.push_back(std::move(forest));
      continue;
    }
    ARPENT_ASSIGN_OR_RETURN(TrainedForest trained, trainer.TrainForests(learner, {}, threads));
    model.forests.push_back(std::move(trained.forest));
    if (trained.out_of_bag_accuracy) model.out_of_bag_accuracy = trained.out_of_bag_accuracy;
    if (model.importance.empty()) model.importance = std::move(trained.importance);
  }
  model.about["learner"] = NamesOf(choice.learners);
  model.about["samples"] = absl::StrCat(samples.rows());
  model.about["seed"] = absl::StrCat(options.seed);
  model.about["trees"] = absl::StrCat(options.trees);
  model.about["max_depth"] = absl::StrCat(options.max_depth);
  model.about["min_samples"] = absl::StrCat(trainer.MinSamples());
  return model;
}

}  // namespace arpent::learn
