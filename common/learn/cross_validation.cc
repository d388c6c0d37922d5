#include "common/learn/cross_validation.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/classify/accuracy.h"
#include "common/kernels/classify/classifier.h"
#include "common/kernels/classify/model_file.h"
#include "common/kernels/classify/random.h"

namespace arpent::learn {

std::vector<int> DealFolds(const TrainingSamples& samples, std::span<const uint32_t> rows, int folds, uint64_t seed) {
  std::map<uint32_t, uint16_t> class_of_group;
  for (const uint32_t row : rows) class_of_group.emplace(samples.group(row), samples.classes[row]);
  struct Card {
    uint16_t klass;
    uint64_t draw;
    uint32_t group;
  };
  std::vector<Card> cards;
  for (const auto& [group, klass] : class_of_group) {
    cards.push_back({klass, kernels::Random(seed, group).Next(), group});
  }
  std::sort(cards.begin(), cards.end(), [](const Card& a, const Card& b) {
    return std::tie(a.klass, a.draw, a.group) < std::tie(b.klass, b.draw, b.group);
  });
  // Dealing goes on from class to class, so that small classes do not all begin with the first fold.
  std::map<uint32_t, int> fold_of_group;
  for (size_t i = 0; i < cards.size(); ++i) fold_of_group[cards[i].group] = static_cast<int>(i % folds);
  std::vector<int> of_row;
  of_row.reserve(rows.size());
  for (const uint32_t row : rows) of_row.push_back(fold_of_group[samples.group(row)]);
  return of_row;
}

std::vector<uint32_t> ChooseRows(const TrainingSamples& samples, size_t most, uint64_t seed) {
  std::vector<uint32_t> rows(samples.rows());
  std::iota(rows.begin(), rows.end(), 0u);
  if (rows.size() <= most) return rows;
  kernels::Random random(seed, 0xC405E);
  for (size_t i = 0; i + 1 < rows.size(); ++i) {
    std::swap(rows[i], rows[i + random.Below(static_cast<uint32_t>(rows.size() - i))]);
  }
  std::unordered_map<uint32_t, uint32_t> chosen_of_group;
  std::vector<std::pair<uint32_t, uint32_t>> by_turn;  // how many of its group came before, place in the shuffle
  by_turn.reserve(rows.size());
  for (uint32_t i = 0; i < rows.size(); ++i) by_turn.emplace_back(chosen_of_group[samples.group(rows[i])]++, i);
  std::nth_element(by_turn.begin(), by_turn.begin() + static_cast<ptrdiff_t>(most), by_turn.end());
  std::vector<uint32_t> chosen;
  for (size_t i = 0; i < most; ++i) chosen.push_back(rows[by_turn[i].second]);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

namespace {

absl::StatusOr<std::unique_ptr<const kernels::Classifier>> ClassifierOf(const TrainingSamples& samples,
                                                                        const kernels::Forest& forest) {
  kernels::ModelDescription description;
  for (size_t f = 0; f < samples.planes.size(); ++f) description.feature_names.push_back(absl::StrCat(f));
  for (size_t k = 0; k < samples.class_count; ++k) description.classes.push_back({static_cast<uint16_t>(k), ""});
  ARPENT_ASSIGN_OR_RETURN(std::string bytes, kernels::WriteModel(description, {forest}));
  return kernels::Classifier::Load(std::move(bytes), "a fold's model");
}

std::vector<float> ProbabilitiesOf(const kernels::Classifier& classifier, const TrainingSamples& samples,
                                   std::span<const uint32_t> rows) {
  std::vector<std::vector<float>> planes(samples.planes.size(), std::vector<float>(rows.size()));
  std::vector<const float*> pointers;
  for (size_t f = 0; f < planes.size(); ++f) {
    for (size_t i = 0; i < rows.size(); ++i) planes[f][i] = samples.planes[f][rows[i]];
    pointers.push_back(planes[f].data());
  }
  std::vector<float> probabilities(rows.size() * samples.class_count);
  classifier.PredictProbabilities(pointers, rows.size(), probabilities.data());
  return probabilities;
}

}  // namespace

absl::StatusOr<std::vector<float>> OutOfFoldProbabilities(const TrainingSamples& samples,
                                                          std::span<const uint32_t> rows, const std::vector<int>& folds,
                                                          const ForestMaker& train, int threads) {
  const int count = *std::max_element(folds.begin(), folds.end()) + 1;
  std::vector<float> probabilities(rows.size() * samples.class_count);
  ARPENT_RETURN_IF_ERROR(ParallelFor(count, threads, [&](size_t fold) -> absl::Status {
    std::vector<uint32_t> inside, outside;
    std::vector<size_t> places;
    for (size_t i = 0; i < rows.size(); ++i) {
      const bool held_out = folds[i] == static_cast<int>(fold);
      (held_out ? outside : inside).push_back(rows[i]);
      if (held_out) places.push_back(i);
    }
    if (inside.empty()) return absl::OkStatus();
    ARPENT_ASSIGN_OR_RETURN(const kernels::Forest forest, train(inside));
    ARPENT_ASSIGN_OR_RETURN(const auto classifier, ClassifierOf(samples, forest));
    const std::vector<float> held_out = ProbabilitiesOf(*classifier, samples, outside);
    for (size_t i = 0; i < places.size(); ++i) {
      std::copy_n(held_out.begin() + i * samples.class_count, samples.class_count,
                  probabilities.begin() + places[i] * samples.class_count);
    }
    return absl::OkStatus();
  }));
  return probabilities;
}

double ScoreOf(const TrainingSamples& samples, std::span<const uint32_t> rows, std::span<const float> probabilities,
               std::span<const double> class_factors) {
  kernels::ConfusionMatrix matrix(samples.class_count);
  std::vector<double> scores(samples.class_count);
  for (size_t i = 0; i < rows.size(); ++i) {
    const float* row = probabilities.data() + i * samples.class_count;
    for (size_t k = 0; k < scores.size(); ++k) scores[k] = row[k] * class_factors[k];
    matrix.Add(samples.classes[rows[i]], std::max_element(scores.begin(), scores.end()) - scores.begin());
  }
  const kernels::AccuracyMeasures measures = kernels::Measure(matrix);
  return (measures.overall_accuracy.value_or(0) + measures.macro_f.value_or(0)) / 2;
}

}  // namespace arpent::learn
