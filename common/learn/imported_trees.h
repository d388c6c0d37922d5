// Trees as boosting libraries write them, turned into the engine's form.
#ifndef ARPENT_COMMON_LEARN_IMPORTED_TREES_H_
#define ARPENT_COMMON_LEARN_IMPORTED_TREES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/kernels/classify/forest.h"

namespace arpent::learn {

// Node 0 is the root. A value goes left when it is below `edge`, no-data as `missing_left` says.
struct ImportedNode {
  int left = -1, right = -1;  // -1: a leaf
  int feature = 0;
  float edge = 0;
  bool missing_left = true;
  double value = 0;           // of a leaf
};

struct ImportedTree {
  size_t klass = 0;           // to whose margin it adds
  std::vector<ImportedNode> nodes;
};

struct ImportedModel {
  kernels::Forest forest;
  std::vector<std::string> feature_names;  // empty when the model has none
};

// INVALID_ARGUMENT when a tree's indices are out of range or form a circle, or a feature has more than 65,533 edges.
absl::StatusOr<kernels::Forest> ForestOfTrees(const std::vector<ImportedTree>& trees, size_t features,
                                              std::vector<double> base_margins, kernels::EnsembleKind kind);

}  // namespace arpent::learn

#endif  // ARPENT_COMMON_LEARN_IMPORTED_TREES_H_
