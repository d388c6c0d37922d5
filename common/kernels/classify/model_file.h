// The model file: a section file ("ARPMODEL") with the description of a model and its ensembles.
//
//   "about"    strings: purpose, then "name=value" of the training description in order of name
//   "features" strings; "codes" u16 and "names" strings: the classes, ascending code
//   "factors"  f64 per class (class_factors), from version 2 on and only where there are any
//   "count"    u32: number of ensembles; ensemble i has the sections of forest.cc, prefixed with i
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_MODEL_FILE_H_
#define ARPENT_COMMON_KERNELS_CLASSIFY_MODEL_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/kernels/classify/classifier.h"
#include "common/kernels/classify/forest.h"

namespace arpent::kernels {

inline constexpr size_t kMostEnsembles = 9;  // section names have one digit for them

struct Model {
  ModelDescription description;
  std::vector<ForestView> forests;  // views into the file's bytes
};

// The same model gives the same bytes. INVALID_ARGUMENT when the forests do not fit the description or each other.
absl::StatusOr<std::string> WriteModel(const ModelDescription& description, const std::vector<Forest>& forests);

// Errors as Classifier::Load.
absl::StatusOr<Model> ReadModel(absl::string_view bytes, absl::string_view what);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_MODEL_FILE_H_
