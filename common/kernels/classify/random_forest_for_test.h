// Forests of random shape with random pixels, for tests of the engine and of the model file.
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_RANDOM_FOREST_FOR_TEST_H_
#define ARPENT_COMMON_KERNELS_CLASSIFY_RANDOM_FOREST_FOR_TEST_H_

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include "common/kernels/classify/forest.h"

namespace arpent::kernels {

struct RandomForestShape {
  int features = 5;
  int classes = 3;
  int trees = 7;
  int max_depth = 9;
  size_t most_edges = kMostByteEdges;
  EnsembleKind kind = EnsembleKind::kShares;
};

class RandomForestMaker {
 public:
  RandomForestMaker(const RandomForestShape& shape, unsigned seed) : shape_(shape), generator_(seed) {}

  Forest Make() {
    Forest forest;
    forest.kind = shape_.kind;
    forest.classes = shape_.classes;
    forest.edge_begin.push_back(0);
    for (int f = 0; f < shape_.features; ++f) {
      std::vector<float> edges;
      const size_t count = f == 0 ? shape_.most_edges : Below(shape_.most_edges + 1);
      for (size_t i = 0; i < count; ++i) edges.push_back(static_cast<float>(Below(1000000)) / 100 - 5000);
      std::sort(edges.begin(), edges.end());
      edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
      forest.edges.insert(forest.edges.end(), edges.begin(), edges.end());
      forest.edge_begin.push_back(static_cast<uint32_t>(forest.edges.size()));
    }
    for (int t = 0; t < shape_.trees; ++t) {
      forest.roots.push_back(static_cast<uint32_t>(forest.nodes.size()));
      AddNodes(forest, 1);
      Grow(forest, forest.roots.back(), 0);
      if (shape_.kind != EnsembleKind::kShares) forest.tree_classes.push_back(t % shape_.classes);
    }
    forest.roots.push_back(static_cast<uint32_t>(forest.nodes.size()));
    if (shape_.kind != EnsembleKind::kShares) forest.base_margins.assign(shape_.classes, 0.25);
    return forest;
  }

  // Values on edges, between them, far outside, infinite and, where some are missing, NaN.
  std::vector<std::vector<float>> Pixels(const Forest& forest, size_t count, bool missing = true) {
    std::vector<std::vector<float>> planes(shape_.features, std::vector<float>(count));
    for (int f = 0; f < shape_.features; ++f) {
      const uint32_t begin = forest.edge_begin[f], edges = forest.edge_begin[f + 1] - begin;
      for (float& value : planes[f]) {
        switch (missing ? Below(8) : 1 + Below(7)) {
          case 0: value = std::numeric_limits<float>::quiet_NaN(); break;
          case 1: value = edges > 0 ? forest.edges[begin + Below(edges)] : 0; break;
          case 2: value = Below(2) ? std::numeric_limits<float>::infinity() : -std::numeric_limits<float>::max(); break;
          default: value = static_cast<float>(Below(1200000)) / 100 - 6000;
        }
      }
    }
    return planes;
  }

 private:
  size_t Below(size_t bound) { return generator_() % bound; }

  static void AddNodes(Forest& forest, size_t count) {
    forest.nodes.resize(forest.nodes.size() + count);
    forest.payloads.resize(forest.nodes.size());
  }

  void Grow(Forest& forest, uint32_t index, int depth) {
    const int feature = static_cast<int>(Below(shape_.features));
    const uint32_t edges = forest.edge_begin[feature + 1] - forest.edge_begin[feature];
    if (depth >= shape_.max_depth || edges == 0 || (depth > 1 && Below(6) == 0)) {
      forest.nodes[index] = LeafNode(index);
      AddLeaf(forest, index);
      return;
    }
    const auto child = static_cast<uint32_t>(forest.nodes.size());
    AddNodes(forest, 2);
    forest.nodes[index] = SplitNode(feature, 1 + Below(edges), Below(2) == 0, child);
    Grow(forest, child, depth + 1);
    Grow(forest, child + 1, depth + 1);
  }

  void AddLeaf(Forest& forest, uint32_t index) {
    if (shape_.kind != EnsembleKind::kShares) {
      forest.payloads[index] = static_cast<uint32_t>(forest.margins.size());
      forest.margins.push_back(static_cast<float>(Below(2000)) / 1000 - 1);
      return;
    }
    const size_t stride = ShareStride(shape_.classes);
    forest.payloads[index] = static_cast<uint32_t>(forest.shares.size() / stride);
    std::vector<double> counts(shape_.classes);
    for (double& count : counts) count = static_cast<double>(Below(50));
    counts[Below(counts.size())] += 1;
    forest.shares.resize(forest.shares.size() + stride);
    SharesOf(counts, forest.shares.data() + forest.shares.size() - stride);
  }

  RandomForestShape shape_;
  std::mt19937 generator_;
};

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_RANDOM_FOREST_FOR_TEST_H_
