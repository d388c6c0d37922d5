// A trained model ready to classify pixels: what the stages crop-mask and crop-type load and call.
//
// A model is one or more ensembles of trees (own forests, boosted trees of XGBoost or LightGBM) whose class
// probabilities are averaged, with everything that has to travel with it: feature names, class codes and their legend,
// purpose, how it was trained. The file is a section file (section_file.h); it is used in place.
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_CLASSIFIER_H_
#define ARPENT_COMMON_KERNELS_CLASSIFY_CLASSIFIER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace arpent::kernels {

inline constexpr absl::string_view kModelMagic = "ARPMODEL";
inline constexpr uint32_t kModelVersion = 2;  // 1: without class factors; files without them stay at it
// How a model product names the file (asset "model").
inline constexpr absl::string_view kModelFile = "model.arpent";
inline constexpr absl::string_view kModelMediaType = "application/vnd.arpent.model";

struct LegendEntry {
  uint16_t code = 0;
  std::string name;
  friend bool operator==(const LegendEntry&, const LegendEntry&) = default;
};

// What a model says about itself.
struct ModelDescription {
  std::string purpose;                     // "crop-mask" or "crop-type"
  std::vector<std::string> feature_names;  // in the order of the planes
  std::vector<LegendEntry> classes;        // ascending code; class k of a probability row is classes[k]
  std::map<std::string, std::string> training;  // "learner", "samples", "seed", ... ; deterministic
  // Per class, > 0: what its probability is multiplied with before they are made to sum to 1 again. Empty: all 1.
  std::vector<double> class_factors = {};
  friend bool operator==(const ModelDescription&, const ModelDescription&) = default;
};

class Classifier {
 public:
  // Takes the bytes of a model file; `what` names it in errors. INVALID_ARGUMENT when it is no model,
  // FAILED_PRECONDITION when a newer version wrote it, DATA_LOSS when it is cut short or damaged.
  static absl::StatusOr<std::unique_ptr<const Classifier>> Load(std::string bytes, absl::string_view what);
  // The same without a copy: `bytes` (a mapped file, 8-byte aligned) stay alive as long as `owner`.
  static absl::StatusOr<std::unique_ptr<const Classifier>> Load(std::shared_ptr<const void> owner,
                                                                absl::string_view bytes, absl::string_view what);

  virtual ~Classifier() = default;

  virtual const ModelDescription& description() const = 0;

  // For each feature of the model its index in `available`. INVALID_ARGUMENT naming the features that are missing.
  absl::StatusOr<std::vector<size_t>> MatchFeatures(std::span<const std::string> available) const;

  // Classifies `count` pixels. planes[f][i] is feature f (order of description().feature_names) of pixel i; NaN is
  // no-data and goes the way that training gave it. Feature planes rather than pixel rows: that is how features are
  // computed, and each plane is quantised with its own table in registers. Best with blocks of some ten thousand pixels;
  // results never depend on the block. Writes the class code and the confidence (the class's probability in whole per
  // cent, rounded half up, 0-100) of each pixel; equal probabilities give the lower code. Thread-safe; starts no thread.
  virtual void Predict(std::span<const float* const> planes, size_t count, uint16_t* codes,
                       uint8_t* confidence) const = 0;

  // probabilities[i * classes + k], each row sums to 1 within 1e-6.
  virtual void PredictProbabilities(std::span<const float* const> planes, size_t count,
                                    float* probabilities) const = 0;
};

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_CLASSIFIER_H_
