// Grows one tree of a forest from the samples drawn for it.
#ifndef ARPENT_COMMON_LEARN_TREE_GROWER_H_
#define ARPENT_COMMON_LEARN_TREE_GROWER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "common/kernels/classify/forest.h"
#include "common/learn/binned_samples.h"
#include "common/learn/forest_trainer.h"
#include "common/kernels/classify/random.h"
#include "common/learn/split_finder.h"

namespace arpent::learn {

struct GrownTree {
  std::vector<kernels::ForestNode> nodes;  // children by index within the tree
  std::vector<uint32_t> payloads;          // of a leaf: its row of shares
  std::vector<uint16_t> shares;            // rows of ShareStride(classes)
  std::vector<double> importance;          // decrease of weighted impurity per feature
  size_t share_stride = 0;

  // The shares of the leaf that a row of bins leads to.
  const uint16_t* SharesFor(const uint8_t* bins) const;
};

GrownTree GrowTree(const BinnedSamples& samples, const ForestOptions& options, std::span<const double> class_weights,
                   std::vector<DrawnSample> drawn, Random& random);

}  // namespace arpent::learn

#endif  // ARPENT_COMMON_LEARN_TREE_GROWER_H_
