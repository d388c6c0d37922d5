// Sums what an ensemble's leaves say about each pixel: the fast path behind Classifier.
//
// Pixels go in blocks through three passes: quantise each feature plane into rows of bins (vectorised comparison with
// the feature's edges), then tree by tree, so that a tree stays in the cache while the whole block walks it, many pixels
// at once (by subtrees, subtree_walk.h, or eight in step, lockstep_walk.h); then each leaf's class shares are added to its
// pixel's sums. Every instruction set gives the same bits.
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_FOREST_ENGINE_H_
#define ARPENT_COMMON_KERNELS_CLASSIFY_FOREST_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/kernels/classify/forest.h"

namespace arpent::kernels {

// Nodes of one tree, packed; `left` is that child's number within the tree, the other child follows it.
struct NodeOf4Bytes {  // a tree of these fits the first-level cache
  uint16_t left;
  uint8_t feature, threshold;
};
struct NodeOf8Bytes {
  uint32_t left;
  uint16_t feature;
  uint8_t threshold, unused;
};

// Three levels of a tree: where they lead depends on which splits go right.
struct alignas(32) Subtree {
  struct Splits {
    uint8_t features[8] = {}, thresholds[8] = {0, 0, 0, 0, 0, 0, 0, 255};  // level by level; the eighth never goes right
  };
  Splits splits;
  uint16_t exits[8];
};

// Bins begin with a line of the cache, so that a pixel's lie in as few lines as can be.
struct alignas(64) BinLine {
  uint8_t bytes[64];
};

// Working memory of one thread, reused from block to block.
struct ForestScratch {
  std::vector<BinLine> bins;        // a row of whole lines per pixel
  std::vector<uint8_t> columns;     // the same bins, a column per feature
  std::vector<uint32_t> payloads;   // of the leaves of several trees, one tree after the other
  std::vector<uint32_t> sums;
  std::vector<double> margins;

  // Of the tree that is walked.
  std::vector<uint32_t> starts;  // where each pixel enters it
  std::vector<NodeOf4Bytes> nodes_of_4;
  std::vector<NodeOf8Bytes> nodes_of_8;
  std::vector<Subtree> subtrees;
  std::vector<uint32_t> subtree_roots, leaf_payloads;
  std::vector<uint16_t> exits;  // of each pixel, the last it took
};

// How many pixels to give at once: their bins and sums then fit the second-level cache.
size_t ForestBlockPixels(const ForestView& forest);

// planes[f][i]: feature f of pixel i, NaN for no-data; count <= ForestBlockPixels(forest).

// Of a forest of shares: sums[i * ShareStride(classes) + k] = the sum over trees of the share of class k.
void SumShares(const ForestView& forest, std::span<const float* const> planes, size_t count, ForestScratch& scratch,
               uint32_t* sums);

// Of a forest of margins: margins[i * classes + k].
void SumMargins(const ForestView& forest, std::span<const float* const> planes, size_t count, ForestScratch& scratch,
                double* margins);

// bins[i * stride] = the bin of plane[i] for ascending `edges` (at most kMostByteEdges), see forest.h.
void QuantisePlane(std::span<const float> edges, const float* plane, size_t count, size_t stride, uint8_t* bins);

// The instruction sets that this machine can run ("AVX3_DL", "AVX3", "SSE4", ...); and a way for tests to use just
// one of them ("" lets the machine choose again). Not thread-safe.
std::vector<std::string> InstructionSets();
void UseInstructionSet(const std::string& name);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_FOREST_ENGINE_H_
