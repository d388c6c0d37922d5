// An ensemble of decision trees as flat, quantised arrays: what trainers and importers make, what a model file holds and
// what the engine (forest_engine.h) walks.
//
// Quantisation. Each feature has ascending edges; a value's bin is 0 for no-data (NaN), else 1 + the number of edges
// that are <= the value. A node compares bins, which is exact: "value < edges[j]" is "bin <= j + 1".
//
// Trees. Nodes of a tree are contiguous, its root first, children after their parent and side by side; a leaf is its
// own child and no bin exceeds its threshold, so that walking on stays there.
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_FOREST_H_
#define ARPENT_COMMON_KERNELS_CLASSIFY_FOREST_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/kernels/classify/section_file.h"

namespace arpent::kernels {

struct ForestNode {
  uint32_t child = 0;      // index of the left child in the whole node array; the right one is child + 1
  uint16_t threshold = 0;  // right when the bin exceeds it
  uint16_t split = 0;      // feature; with kMissingRight, bins are compared after 1 was subtracted, modulo their width,
                           // which makes no-data the highest of all

  static constexpr uint16_t kMissingRight = 0x8000;
  static constexpr uint16_t kLeafThreshold = 0xFFFF;
  int feature() const { return split & 0x7FFF; }
  bool missing_right() const { return (split & kMissingRight) != 0; }
  friend bool operator==(const ForestNode&, const ForestNode&) = default;
};
static_assert(sizeof(ForestNode) == 8);

inline constexpr int kMostForestFeatures = 0x7FFF;
inline constexpr size_t kMostByteEdges = 254;  // features with more edges need 16-bit bins
inline constexpr size_t kMostEdges = 65533;

// The node that sends bins up to `last_left_bin` left; no-data right when `missing_right` (then last_left_bin >= 1), else
// left. "value < edges[j]" is last_left_bin = j + 1.
ForestNode SplitNode(int feature, uint32_t last_left_bin, bool missing_right, uint32_t child);
ForestNode LeafNode(uint32_t self);

enum class EnsembleKind : uint32_t {
  kShares = 0,        // leaves hold class shares (random forest): integers, sums independent of order
  kMargins = 1,       // leaves hold a margin for one class, summed in double precision, then softmax (LightGBM)
  kFloatMargins = 2,  // the same, summed in single precision in order of the trees (XGBoost)
};

// A leaf's class counts become shares of kShareTotal that sum to it exactly.
inline constexpr uint32_t kShareTotal = 65535;

struct Forest {
  EnsembleKind kind = EnsembleKind::kShares;
  uint32_t classes = 0;
  double weight = 1;                 // in the average over a model's ensembles
  std::vector<uint32_t> edge_begin;  // features + 1
  std::vector<float> edges;          // of feature f: [edge_begin[f], edge_begin[f + 1])
  std::vector<uint32_t> roots;       // trees + 1: first node of each tree, then the number of nodes
  std::vector<ForestNode> nodes;
  std::vector<uint32_t> payloads;    // per node; of a leaf: its row of `shares`, or its index in `margins`
  std::vector<uint16_t> shares;      // rows of ShareStride(classes)
  std::vector<double> margins;
  std::vector<uint16_t> tree_classes;  // margins: the class that a tree adds to
  std::vector<double> base_margins;    // margins: where each class starts

  size_t features() const { return edge_begin.empty() ? 0 : edge_begin.size() - 1; }
  size_t trees() const { return roots.empty() ? 0 : roots.size() - 1; }
};

// Rows of shares are padded with zeros to whole vectors of 8.
inline size_t ShareStride(size_t classes) { return (classes + 7) / 8 * 8; }

// Class counts (>= 0, not all 0) as integer shares by the largest remainder, ties to the lower class.
void SharesOf(std::span<const double> counts, uint16_t* shares);

// The same arrays as views into a model file.
struct ForestView {
  EnsembleKind kind = EnsembleKind::kShares;
  uint32_t classes = 0;
  double weight = 1;
  std::span<const uint32_t> edge_begin;
  std::span<const float> edges;
  std::span<const uint32_t> roots;
  std::span<const ForestNode> nodes;
  std::span<const uint32_t> payloads;
  std::span<const uint16_t> shares;
  std::span<const double> margins;
  std::span<const uint16_t> tree_classes;
  std::span<const double> base_margins;

  ForestView() = default;
  explicit ForestView(const Forest& forest);

  size_t features() const { return edge_begin.empty() ? 0 : edge_begin.size() - 1; }
  size_t trees() const { return roots.empty() ? 0 : roots.size() - 1; }
  bool wide() const;  // some feature needs 16-bit bins
  uint32_t Bin(int feature, float value) const;
  // The leaf that a pixel's bins lead to in tree `tree`, by the slow and obvious way.
  uint32_t WalkOnePixel(size_t tree, std::span<const uint32_t> bins) const;

  // "" when every index lies in its range and every walk ends, else what is wrong.
  std::string Problem() const;
};

// Sections of ensemble number `index` of a model file. Reading checks everything: DATA_LOSS naming the section.
void AddForestSections(const Forest& forest, int index, SectionWriter& writer);
absl::StatusOr<ForestView> ReadForestSections(const SectionFile& file, int index);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_FOREST_H_
