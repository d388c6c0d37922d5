// Reads models that XGBoost saved (1.6 and later: JSON or UBJ).
#ifndef ARPENT_COMMON_LEARN_XGBOOST_MODEL_H_
#define ARPENT_COMMON_LEARN_XGBOOST_MODEL_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/learn/imported_trees.h"

namespace arpent::learn {

// Boosted trees (booster gbtree) with the objective multi:softprob, multi:softmax or binary:logistic. Predictions are
// those of the library: the same class, probabilities within 1e-6. DATA_LOSS when the bytes are no such document or cut
// short; INVALID_ARGUMENT naming what is not supported (another booster or objective, categorical splits).
absl::StatusOr<ImportedModel> ReadXgboostModel(absl::string_view bytes, absl::string_view what);

}  // namespace arpent::learn

#endif  // ARPENT_COMMON_LEARN_XGBOOST_MODEL_H_
