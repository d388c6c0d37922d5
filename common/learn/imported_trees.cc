#include "common/learn/imported_trees.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::learn {
namespace {

using kernels::Forest;

absl::Status BrokenTree(size_t tree) {
  return absl::InvalidArgumentError(absl::StrCat("tree ", tree, " of the model is broken"));
}

absl::Status CollectEdges(const std::vector<ImportedTree>& trees, size_t features, Forest& forest) {
  std::vector<std::vector<float>> edges(features);
  for (size_t t = 0; t < trees.size(); ++t) {
    for (const ImportedNode& node : trees[t].nodes) {
      if (node.left < 0) continue;
      if (node.feature < 0 || static_cast<size_t>(node.feature) >= features || !std::isfinite(node.edge)) {
        return BrokenTree(t);
      }
      edges[node.feature].push_back(node.edge);
    }
  }
  forest.edge_begin.push_back(0);
  for (std::vector<float>& of_feature : edges) {
    std::sort(of_feature.begin(), of_feature.end());
    of_feature.erase(std::unique(of_feature.begin(), of_feature.end()), of_feature.end());
    if (of_feature.size() > kernels::kMostEdges) return absl::InvalidArgumentError("a feature has too many thresholds");
    forest.edges.insert(forest.edges.end(), of_feature.begin(), of_feature.end());
    forest.edge_begin.push_back(static_cast<uint32_t>(forest.edges.size()));
  }
  return absl::OkStatus();
}

// Appends a tree breadth first, so that children are neighbours behind their parent.
absl::Status AppendTree(const ImportedTree& tree, size_t number, Forest& forest) {
  const auto first = static_cast<uint32_t>(forest.nodes.size());
  std::vector<int> sources = {0};  // the tree's node behind each node appended
  forest.nodes.emplace_back();
  forest.payloads.emplace_back();
  for (size_t done = 0; done < sources.size(); ++done) {
    if (sources.size() > tree.nodes.size()) return BrokenTree(number);
    const ImportedNode& node = tree.nodes[sources[done]];
    const auto self = static_cast<uint32_t>(first + done);
    if (node.left < 0) {
      forest.nodes[self] = kernels::LeafNode(self);
      forest.payloads[self] = static_cast<uint32_t>(forest.margins.size());
      forest.margins.push_back(node.value);
      continue;
    }
    const int most = static_cast<int>(tree.nodes.size());
    if (node.left >= most || node.right < 0 || node.right >= most) return BrokenTree(number);
    const auto begin = forest.edges.begin() + forest.edge_begin[node.feature];
    const auto end = forest.edges.begin() + forest.edge_begin[node.feature + 1];
    const auto edge = static_cast<uint32_t>(std::lower_bound(begin, end, node.edge) - begin);
    const auto child = static_cast<uint32_t>(first + sources.size());
    forest.nodes[self] = kernels::SplitNode(node.feature, edge + 1, !node.missing_left, child);
    sources.insert(sources.end(), {node.left, node.right});
    forest.nodes.resize(forest.nodes.size() + 2);
    forest.payloads.resize(forest.nodes.size());
  }
  forest.roots.push_back(static_cast<uint32_t>(forest.nodes.size()));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Forest> ForestOfTrees(const std::vector<ImportedTree>& trees, size_t features,
                                     std::vector<double> base_margins, kernels::EnsembleKind kind) {
  Forest forest;
  forest.kind = kind;
  forest.classes = static_cast<uint32_t>(base_margins.size());
  forest.base_margins = std::move(base_margins);
  ARPENT_RETURN_IF_ERROR(CollectEdges(trees, features, forest));
  forest.roots.push_back(0);
  for (size_t t = 0; t < trees.size(); ++t) {
    if (trees[t].nodes.empty()) return BrokenTree(t);
    forest.tree_classes.push_back(static_cast<uint16_t>(trees[t].klass));
    ARPENT_RETURN_IF_ERROR(AppendTree(trees[t], t, forest));
  }
  if (const std::string problem = kernels::ForestView(forest).Problem(); !problem.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("the model ", problem));
  }
  return forest;
}

}  // namespace arpent::learn
