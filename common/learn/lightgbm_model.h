// Reads models that LightGBM saved as text.
#ifndef ARPENT_COMMON_LEARN_LIGHTGBM_MODEL_H_
#define ARPENT_COMMON_LEARN_LIGHTGBM_MODEL_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/learn/imported_trees.h"

namespace arpent::learn {

// Boosted trees with the objective multiclass or binary. Predictions are those of the library: the same class,
// probabilities within 1e-6. DATA_LOSS when the text is no such model or cut short; INVALID_ARGUMENT naming what is not
// supported (another objective, averaged output, categorical splits, linear leaves, zero as missing).
absl::StatusOr<ImportedModel> ReadLightgbmModel(absl::string_view text, absl::string_view what);

}  // namespace arpent::learn

#endif  // ARPENT_COMMON_LEARN_LIGHTGBM_MODEL_H_
