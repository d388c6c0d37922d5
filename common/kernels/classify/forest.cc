#include "common/kernels/classify/forest.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::kernels {

ForestNode SplitNode(int feature, uint32_t last_left_bin, bool missing_right, uint32_t child) {
  const auto split = static_cast<uint16_t>(feature | (missing_right ? ForestNode::kMissingRight : 0));
  return {child, static_cast<uint16_t>(last_left_bin - (missing_right ? 1 : 0)), split};
}

ForestNode LeafNode(uint32_t self) { return {self, ForestNode::kLeafThreshold, 0}; }

void SharesOf(std::span<const double> counts, uint16_t* shares) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  std::vector<double> remainders(counts.size());
  uint32_t given = 0;
  for (size_t k = 0; k < counts.size(); ++k) {
    const double exact = counts[k] / total * kShareTotal;
    shares[k] = static_cast<uint16_t>(exact);
    remainders[k] = exact - shares[k];
    given += shares[k];
  }
  for (; given < kShareTotal; ++given) {
    const size_t k = std::max_element(remainders.begin(), remainders.end()) - remainders.begin();
    ++shares[k];
    remainders[k] -= 1;
  }
}

ForestView::ForestView(const Forest& forest)
    : kind(forest.kind),
      classes(forest.classes),
      weight(forest.weight),
      edge_begin(forest.edge_begin),
      edges(forest.edges),
      roots(forest.roots),
      nodes(forest.nodes),
      payloads(forest.payloads),
      shares(forest.shares),
      margins(forest.margins),
      tree_classes(forest.tree_classes),
      base_margins(forest.base_margins) {}

bool ForestView::wide() const {
  for (size_t f = 0; f < features(); ++f) {
    if (edge_begin[f + 1] - edge_begin[f] > kMostByteEdges) return true;
  }
  return false;
}

uint32_t ForestView::Bin(int feature, float value) const {
  if (std::isnan(value)) return 0;
  const auto first = edges.begin() + edge_begin[feature];
  const auto last = edges.begin() + edge_begin[feature + 1];
  return 1 + static_cast<uint32_t>(std::upper_bound(first, last, value) - first);
}

uint32_t ForestView::WalkOnePixel(size_t tree, std::span<const uint32_t> bins) const {
  uint32_t index = roots[tree];
  while (nodes[index].child != index) {
    const ForestNode& node = nodes[index];
    const uint32_t bin = bins[node.feature()];
    // A missing-right threshold is stored one lower, as bins are compared after the subtraction.
    const bool right = node.missing_right() ? bin == 0 || bin - 1 > node.threshold : bin > node.threshold;
    index = node.child + (right ? 1 : 0);
  }
  return index;
}

namespace {

bool Ascending(std::span<const float> edges) {
  for (size_t i = 0; i < edges.size(); ++i) {
    if (!std::isfinite(edges[i]) || (i > 0 && !(edges[i - 1] < edges[i]))) return false;
  }
  return true;
}

std::string EdgeProblem(const ForestView& view) {
  if (view.features() == 0 || view.features() > kMostForestFeatures) return "has no or too many features";
  if (view.edge_begin.front() != 0 || view.edge_begin.back() != view.edges.size()) return "has edges of no feature";
  for (size_t f = 0; f < view.features(); ++f) {
    const uint32_t begin = view.edge_begin[f], end = view.edge_begin[f + 1];
    if (begin > end || end > view.edges.size() || end - begin > kMostEdges ||
        !Ascending(view.edges.subspan(begin, end - begin))) {
      return absl::StrCat("has broken edges of feature ", f);
    }
  }
  return "";
}

std::string NodeProblem(const ForestView& view, size_t leaf_rows) {
  for (size_t tree = 0; tree < view.trees(); ++tree) {
    const uint32_t begin = view.roots[tree], end = view.roots[tree + 1];
    if (begin >= end || end > view.nodes.size()) return absl::StrCat("has a broken tree ", tree);
    for (uint32_t i = begin; i < end; ++i) {
      const ForestNode& node = view.nodes[i];
      const bool leaf = node.child == i;
      const bool sound = leaf ? node.threshold == ForestNode::kLeafThreshold && node.split == 0 &&
                                    view.payloads[i] < leaf_rows
                              : node.child > i && node.child + 1 < end &&
                                    static_cast<size_t>(node.feature()) < view.features();
      if (!sound) return absl::StrCat("has a broken node ", i);
    }
  }
  return "";
}

}  // namespace

std::string ForestView::Problem() const {
  if (classes < 1 || kind > EnsembleKind::kFloatMargins || !(weight > 0)) return "has no classes, kind or weight";
  if (std::string problem = EdgeProblem(*this); !problem.empty()) return problem;
  if (trees() == 0 || roots.front() != 0 || roots.back() != nodes.size()) return "has no trees";
  if (payloads.size() != nodes.size()) return "has payloads that do not fit the nodes";
  if (kind == EnsembleKind::kShares) {
    // Sums of shares are kept in 32 bits.
    if (trees() > UINT32_MAX / kShareTotal) return "has too many trees";
    const size_t stride = ShareStride(classes);
    if (shares.size() % stride != 0) return "has a broken table of shares";
    return NodeProblem(*this, shares.size() / stride);
  }
  if (tree_classes.size() != trees() || base_margins.size() != classes) return "has broken margins";
  for (const uint16_t k : tree_classes) {
    if (k >= classes) return "has a tree of an unknown class";
  }
  return NodeProblem(*this, margins.size());
}

namespace {

std::string SectionName(int index, absl::string_view what) { return absl::StrCat(index, what); }

struct ForestHeader {
  uint32_t kind;
  uint32_t classes;
  double weight;
};

}  // namespace

void AddForestSections(const Forest& forest, int index, SectionWriter& writer) {
  const auto name = [index](absl::string_view what) { return SectionName(index, what); };
  writer.AddArray(name("head"),
                  std::vector<ForestHeader>{{static_cast<uint32_t>(forest.kind), forest.classes, forest.weight}});
  writer.AddArray(name("edgebeg"), forest.edge_begin);
  writer.AddArray(name("edges"), forest.edges);
  writer.AddArray(name("roots"), forest.roots);
  writer.AddArray(name("nodes"), forest.nodes);
  writer.AddArray(name("payload"), forest.payloads);
  writer.AddArray(name("shares"), forest.shares);
  writer.AddArray(name("margins"), forest.margins);
  writer.AddArray(name("treecls"), forest.tree_classes);
  writer.AddArray(name("base"), forest.base_margins);
}

absl::StatusOr<ForestView> ReadForestSections(const SectionFile& file, int index) {
  const auto name = [index](absl::string_view what) { return SectionName(index, what); };
  ForestView view;
  ARPENT_ASSIGN_OR_RETURN(const std::span<const ForestHeader> head, file.Array<ForestHeader>(name("head")));
  if (head.size() != 1) return file.Damaged(name("head"), "has a broken length");
  view.kind = static_cast<EnsembleKind>(head[0].kind);
  view.classes = head[0].classes;
  view.weight = head[0].weight;
  ARPENT_ASSIGN_OR_RETURN(view.edge_begin, file.Array<uint32_t>(name("edgebeg")));
  ARPENT_ASSIGN_OR_RETURN(view.edges, file.Array<float>(name("edges")));
  ARPENT_ASSIGN_OR_RETURN(view.roots, file.Array<uint32_t>(name("roots")));
  ARPENT_ASSIGN_OR_RETURN(view.nodes, file.Array<ForestNode>(name("nodes")));
  ARPENT_ASSIGN_OR_RETURN(view.payloads, file.Array<uint32_t>(name("payload")));
  ARPENT_ASSIGN_OR_RETURN(view.shares, file.Array<uint16_t>(name("shares")));
  ARPENT_ASSIGN_OR_RETURN(view.margins, file.Array<double>(name("margins")));
  ARPENT_ASSIGN_OR_RETURN(view.tree_classes, file.Array<uint16_t>(name("treecls")));
  ARPENT_ASSIGN_OR_RETURN(view.base_margins, file.Array<double>(name("base")));
  if (const std::string problem = view.Problem(); !problem.empty()) return file.Damaged(name("head"), problem);
  return view;
}

}  // namespace arpent::kernels
