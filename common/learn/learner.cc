#include "common/learn/learner.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/learn/boosting_trainer.h"
#include "common/learn/cross_validation.h"
#include "common/learn/decision_threshold.h"
#include "common/learn/forest_trainer.h"

namespace arpent::learn {
namespace {

constexpr std::array<std::pair<absl::string_view, Learner>, 4> kLearners = {{{"forest", Learner::kForest},
                                                                           {"extra-trees", Learner::kExtraTrees},
                                                                           {"boosting", Learner::kBoosting},
                                                                           {"auto", Learner::kAuto}}};

constexpr int kMostMinSamples = 25;
constexpr size_t kRowsPerMinSample = 80000 / kMostMinSamples;

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
// Averaged probabilities are drawn towards the common classes; a little against that finds rare ones and costs hardly any
// accuracy: see FactorsFor.
constexpr std::array<double, 4> kRareClassExponents = {0, 0.1, 0.2, 0.3};
constexpr double kUsualRareClassExponent = 0.1;
// Boosted probabilities are surer of themselves than forests' shares and would outvote them in a mean of equals.
constexpr double kWeightOfBoosting = 0.5;
// Folds, samples and trees to a fold that show how sure a model is of polygons it did not see.
constexpr int kFoldsToJudge = 5;
constexpr size_t kRowsToJudge = 20000;
constexpr int kTreesToJudge = 40;
// What a threshold may cost them: one polygon, or this.
constexpr double kLeastLoss = 0.001;

// How many polygons the rows (all when empty) are of.
size_t CountPolygons(const TrainingSamples& samples, std::span<const uint32_t> rows) {
  if (samples.groups.empty()) return rows.empty() ? samples.rows() : rows.size();
  if (rows.empty()) return std::unordered_set<uint32_t>(samples.groups.begin(), samples.groups.end()).size();
  std::unordered_set<uint32_t> polygons;
  for (const uint32_t row : rows) polygons.insert(samples.group(row));
  return polygons.size();
}

// How many polygons the samples are of; nothing when they are of none: a group of several classes (a cell of a reference map)
// is no polygon.
std::optional<size_t> KnownPolygons(const TrainingSamples& samples) {
  if (samples.groups.empty()) return std::nullopt;
  std::unordered_map<uint32_t, uint16_t> class_of;
  for (size_t i = 0; i < samples.rows(); ++i) {
    const auto [place, added] = class_of.emplace(samples.groups[i], samples.classes[i]);
    if (!added && place->second != samples.classes[i]) return std::nullopt;
  }
  return class_of.size();
}

class Trainer {
 public:
  Trainer(const TrainingSamples& samples, const BinnedSamples& binned, const LearnerOptions& options)
      : samples_(samples), binned_(binned), options_(options), known_polygons_(KnownPolygons(samples)) {}

  // What is independent of each other: polygons, else groups, else samples.
  size_t polygons() const { return known_polygons_ ? *known_polygons_ : CountPolygons(samples_, {}); }

  bool of_polygons() const { return known_polygons_.has_value(); }

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
    return options_.min_samples > 0 ? std::max(2, options_.min_samples)
                                    : DefaultMinSamples(samples_.rows(), known_polygons_);
  }

  // Samples that boosting can learn from in so many seconds.
  size_t BoostedRows(double seconds) const {
    const BoostingOptions boosting = BoostingOptionsOf({});
    const double visits = seconds / kSecondsPerBoostingVisit /
                          (static_cast<double>(samples_.planes.size()) * boosting.column_share *
                           static_cast<double>(samples_.class_count) * boosting.rounds);
    return static_cast<size_t>(std::max(0.0, (visits - 2.0 * boosting.max_leaves * boosting.bins) / kBoostingLevels));
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
    // A polygon counts as one sample: its pixels, which are alike, would else seem to prove what they repeat.
    const size_t count = rows.empty() ? samples_.rows() : rows.size();
    const size_t independent = known_polygons_ ? CountPolygons(samples_, rows) : count;
    boosting.weight_scale = static_cast<double>(independent) / static_cast<double>(count);
    boosting.bins = BoostingBins(independent);
    return boosting;
  }

  const TrainingSamples& samples_;
  const BinnedSamples& binned_;
  const LearnerOptions& options_;
  const std::optional<size_t> known_polygons_;
};

std::string NamesOf(const std::vector<Learner>& learners) {
  return absl::StrJoin(learners, "+", [](std::string* out, Learner learner) {
    absl::StrAppend(out, LearnerName(learner));
  });
}

double WeightOf(Learner learner) { return learner == Learner::kBoosting ? kWeightOfBoosting : 1; }

// Of the learners in `subset`, a bit for each.
std::vector<float> MeanOf(const std::vector<Learner>& learners, const std::vector<std::vector<float>>& probabilities,
                          unsigned subset) {
  std::vector<float> sum(probabilities[0].size());
  for (size_t c = 0; c < probabilities.size(); ++c) {
    if ((subset >> c & 1) == 0) continue;
    const float weight = static_cast<float>(WeightOf(learners[c]));
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += weight * probabilities[c][i];
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
    const std::vector<float> mean = MeanOf(candidates, probabilities, subset);
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

// Polygons (groups) of the class that has fewest.
size_t FewestPolygons(const TrainingSamples& samples) {
  std::vector<std::unordered_set<uint32_t>> of_class(samples.class_count);
  for (size_t i = 0; i < samples.rows(); ++i) of_class[samples.classes[i]].insert(samples.group(i));
  size_t fewest = samples.rows();
  for (const auto& polygons : of_class) fewest = std::min(fewest, polygons.size());
  return fewest;
}

// What makes every polygon of the rows weigh alike; the samples' own weights where they are of no polygons.
std::vector<float> WeightsToJudge(const TrainingSamples& samples, std::span<const uint32_t> rows, bool of_polygons) {
  std::vector<float> weights(rows.size(), 1);
  if (of_polygons) {
    std::unordered_map<uint32_t, float> rows_of;
    for (const uint32_t row : rows) ++rows_of[samples.group(row)];
    for (size_t i = 0; i < rows.size(); ++i) weights[i] /= rows_of[samples.group(rows[i])];
  } else if (!samples.weights.empty()) {
    for (size_t i = 0; i < rows.size(); ++i) weights[i] = samples.weights[rows[i]];
  }
  return weights;
}

// The factors that put the decision between two classes at ThresholdAboveHalf, judged by folds of forests; none where a fold
// would learn without one of the classes.
absl::StatusOr<std::vector<double>> FactorsOfThreshold(const TrainingSamples& samples, const BinnedSamples& binned,
                                                       LearnerOptions options, int threads,
                                                       std::map<std::string, std::string>& about) {
  if (FewestPolygons(samples) < kFoldsToJudge) return std::vector<double>{};
  options.trees = std::min(options.trees, kTreesToJudge);
  const Trainer trainer(samples, binned, options);
  const std::vector<uint32_t> rows = ChooseRows(samples, kRowsToJudge, options.seed);
  const std::vector<int> folds = DealFolds(samples, rows, kFoldsToJudge, options.seed);
  const ForestMaker train = [&](std::span<const uint32_t> inside) {
    return trainer.Train(options.learner, inside, 1);
  };
  ARPENT_ASSIGN_OR_RETURN(const std::vector<float> probabilities,
                          OutOfFoldProbabilities(samples, rows, folds, train, threads));
  std::vector<uint16_t> classes;
  std::vector<float> of_second;
  for (size_t i = 0; i < rows.size(); ++i) {
    classes.push_back(samples.classes[rows[i]]);
    of_second.push_back(probabilities[2 * i + 1]);
  }
  const double one_polygon = 1.0 / static_cast<double>(CountPolygons(samples, rows));
  const std::vector<float> weights = WeightsToJudge(samples, rows, trainer.of_polygons());
  const double threshold = ThresholdAboveHalf(classes, weights, of_second, std::max(kLeastLoss, one_polygon));
  about["threshold"] = absl::StrFormat("%.3f", threshold);
  return std::vector<double>{1, (1 - threshold) / threshold};
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

int DefaultMinSamples(size_t rows, std::optional<size_t> polygons) {
  size_t least = rows / kRowsPerMinSample;
  if (polygons) least = std::min(least, rows / std::max<size_t>(1, *polygons));
  return static_cast<int>(std::clamp<size_t>(least, 2, kMostMinSamples));
}

absl::StatusOr<LearnedModel> Learn(const TrainingSamples& samples, const LearnerOptions& options, int threads) {
  if (samples.class_count < 2) return absl::InvalidArgumentError("two classes are needed to learn from");
  if (options.second_is_known_whole && samples.class_count != 2) {
    return absl::InvalidArgumentError(absl::StrCat("a threshold lies between two classes, not ", samples.class_count));
  }
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
  if (options.second_is_known_whole && options.learner != Learner::kAuto) {
    ARPENT_ASSIGN_OR_RETURN(model.class_factors, FactorsOfThreshold(samples, binned, options, threads, model.about));
  }
  for (const Learner learner : choice.learners) {
    if (learner == Learner::kBoosting) {
      ARPENT_ASSIGN_OR_RETURN(kernels::Forest forest, trainer.Train(learner, boosted_rows, threads));
      forest.weight = WeightOf(learner);
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
