#include "common/kernels/classify/classifier.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/scratch_pool.h"
#include "common/base/status.h"
#include "common/kernels/classify/forest.h"
#include "common/kernels/classify/forest_engine.h"
#include "common/kernels/classify/model_file.h"
#include "common/kernels/classify/softmax.h"

namespace arpent::kernels {
namespace {

class EnsembleClassifier final : public Classifier {
 public:
  EnsembleClassifier(std::shared_ptr<const void> owner, Model model)
      : owner_(std::move(owner)), description_(std::move(model.description)), forests_(std::move(model.forests)) {
    double total = 0;
    for (const ForestView& forest : forests_) total += forest.weight;
    for (const ForestView& forest : forests_) weights_.push_back(forest.weight / total);
  }

  const ModelDescription& description() const override { return description_; }

  void Predict(std::span<const float* const> planes, size_t count, uint16_t* codes,
               uint8_t* confidence) const override {
    const size_t classes = description_.classes.size();
    ForEachBlock(planes, count, [&](size_t begin, size_t end, const double* scores) {
      for (size_t i = begin; i < end; ++i, scores += classes) {
        const size_t best = std::max_element(scores, scores + classes) - scores;
        codes[i] = description_.classes[best].code;
        confidence[i] = static_cast<uint8_t>(std::min(100.0, scores[best] * 100 + 0.5));
      }
    });
  }

  void PredictProbabilities(std::span<const float* const> planes, size_t count, float* probabilities) const override {
    const size_t classes = description_.classes.size();
    ForEachBlock(planes, count, [&](size_t begin, size_t end, const double* scores) {
      std::copy(scores, scores + (end - begin) * classes, probabilities + begin * classes);
    });
  }

 private:
  // Calls body(begin, end, scores) for consecutive ranges of pixels; scores are (end - begin) x classes probabilities.
  template <typename Body>
  void ForEachBlock(std::span<const float* const> planes, size_t count, const Body& body) const {
    size_t block = count;
    for (const ForestView& forest : forests_) block = std::min(block, ForestBlockPixels(forest));
    std::vector<const float*> shifted(planes.size());
    const auto scratch = scratch_.Borrow();
    std::vector<double>& scores = scratch->scores;
    for (size_t begin = 0; begin < count; begin += block) {
      const size_t pixels = std::min(block, count - begin);
      for (size_t f = 0; f < planes.size(); ++f) shifted[f] = planes[f] + begin;
      scores.assign(pixels * description_.classes.size(), 0.0);
      for (size_t e = 0; e < forests_.size(); ++e) AddScores(e, shifted, pixels, scratch->forest, scores.data());
      if (!description_.class_factors.empty()) ApplyFactors(pixels, scores.data());
      body(begin, begin + pixels, scores.data());
    }
  }

  void ApplyFactors(size_t pixels, double* scores) const {
    const std::vector<double>& factors = description_.class_factors;
    for (size_t i = 0; i < pixels; ++i, scores += factors.size()) {
      double sum = 0;
      for (size_t k = 0; k < factors.size(); ++k) sum += scores[k] *= factors[k];
      for (size_t k = 0; k < factors.size(); ++k) scores[k] /= sum;
    }
  }

  void AddScores(size_t ensemble, std::span<const float* const> planes, size_t pixels, ForestScratch& scratch,
                 double* scores) const {
    const ForestView& forest = forests_[ensemble];
    const size_t classes = forest.classes;
    const double weight = weights_[ensemble];
    if (forest.kind == EnsembleKind::kShares) {
      const size_t stride = ShareStride(classes);
      const double unit = weight / (static_cast<double>(forest.trees()) * kShareTotal);
      scratch.sums.resize(pixels * stride);
      SumShares(forest, planes, pixels, scratch, scratch.sums.data());
      for (size_t i = 0; i < pixels; ++i) {
        for (size_t k = 0; k < classes; ++k) scores[i * classes + k] += scratch.sums[i * stride + k] * unit;
      }
      return;
    }
    scratch.margins.resize(pixels * classes);
    SumMargins(forest, planes, pixels, scratch, scratch.margins.data());
    for (size_t i = 0; i < pixels; ++i) {
      AddSoftmax({scratch.margins.data() + i * classes, classes}, weight, scores + i * classes);
    }
  }

  std::shared_ptr<const void> owner_;  // keeps the bytes behind forests_ alive
  ModelDescription description_;
  std::vector<ForestView> forests_;
  std::vector<double> weights_;  // sum to 1
  struct Scratch {
    ForestScratch forest;
    std::vector<double> scores;
  };
  mutable ScratchPool<Scratch> scratch_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const Classifier>> Classifier::Load(std::string bytes, absl::string_view what) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  return Load(owner, *owner, what);
}

absl::StatusOr<std::unique_ptr<const Classifier>> Classifier::Load(std::shared_ptr<const void> owner,
                                                                   absl::string_view bytes, absl::string_view what) {
  ARPENT_ASSIGN_OR_RETURN(Model model, ReadModel(bytes, what));
  return std::make_unique<const EnsembleClassifier>(std::move(owner), std::move(model));
}

absl::StatusOr<std::vector<size_t>> Classifier::MatchFeatures(std::span<const std::string> available) const {
  std::vector<size_t> places;
  std::vector<std::string> missing;
  for (const std::string& name : description().feature_names) {
    const auto found = std::find(available.begin(), available.end(), name);
    if (found == available.end()) missing.push_back(name);
    places.push_back(found - available.begin());
  }
  if (missing.empty()) return places;
  constexpr size_t kNamed = 10;
  const size_t more = missing.size() > kNamed ? missing.size() - kNamed : 0;
  missing.resize(missing.size() - more);
  return absl::InvalidArgumentError(absl::StrCat("the model needs features that these inputs do not give: ",
                                                 absl::StrJoin(missing, ", "),
                                                 more > 0 ? absl::StrCat(" and ", more, " more") : ""));
}

}  // namespace arpent::kernels
