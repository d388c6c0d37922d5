#include "common/kernels/classify/forest_engine.h"

#include <algorithm>
#include <cstring>
#include <limits>

#define HWY_WANT_AVX3_DL  // with VBMI: Highway 1.0 leaves it out otherwise
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/classify/forest_engine.cc"
#include <hwy/foreach_target.h>
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_FOREST_ENGINE_ONCE_
#define ARPENT_COMMON_KERNELS_CLASSIFY_FOREST_ENGINE_ONCE_
namespace arpent::kernels {

// Bytes or words from a pixel's row of bins to the next.
inline size_t BinStride(const ForestView& forest) {
  constexpr size_t kLine = sizeof(BinLine);
  return (forest.features() + kLine - 1) / kLine * kLine;
}

// Trees whose leaves are kept before their shares are added.
constexpr size_t kTreesTogether = 4;

#if HWY_COMPILER_GCC_ACTUAL
#define ARPENT_NO_AUTOMATIC_VECTORS __attribute__((optimize("no-tree-slp-vectorize", "no-tree-vectorize", "unroll-loops")))
#else
#define ARPENT_NO_AUTOMATIC_VECTORS
#endif

}  // namespace arpent::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace arpent::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// One feature's edges, padded with infinity to 256 and with every 16th edge in front: a value's bin takes one comparison
// with the 16 pivots and one with the 16 edges of its run.
struct ByteEdgeTable {
  HWY_ALIGN float pivots[16];
  HWY_ALIGN float edges[256];

  explicit ByteEdgeTable(std::span<const float> source) {
    std::fill(std::begin(edges), std::end(edges), std::numeric_limits<float>::infinity());
    std::copy(source.begin(), source.end(), edges);
    // Pivot j is the last edge of run j: the number of pivots <= value is the number of whole runs <= value.
    for (int j = 0; j < 16; ++j) pivots[j] = edges[16 * j + 15];
  }
};

// How many of the 16 ascending floats are <= value.
HWY_INLINE size_t CountNotAbove(const float* HWY_RESTRICT sorted, float value) {
  const hn::CappedTag<float, 16> d;
  const auto v = hn::Set(d, value);
  size_t count = 0;
  for (size_t i = 0; i < 16; i += hn::Lanes(d)) count += hn::CountTrue(d, hn::Le(hn::Load(d, sorted + i), v));
  return count;
}

void Quantise(std::span<const float> edges, const float* HWY_RESTRICT plane, size_t count, size_t stride,
                   uint8_t* HWY_RESTRICT bins) {
  const ByteEdgeTable table(edges);
  const float top = std::numeric_limits<float>::max();
  for (size_t i = 0; i < count; ++i) {
    // Infinity would count the padding.
    const float value = plane[i] > top ? top : plane[i];
    const size_t run = CountNotAbove(table.pivots, value);
    const size_t not_above = 16 * run + CountNotAbove(table.edges + 16 * run, value);
    bins[i * stride] = value != value ? 0 : static_cast<uint8_t>(1 + not_above);
  }
}

void Quantise(std::span<const float> edges, const float* HWY_RESTRICT plane, size_t count, size_t stride,
                   uint16_t* HWY_RESTRICT bins) {
  for (size_t i = 0; i < count; ++i) {
    const size_t not_above = std::upper_bound(edges.begin(), edges.end(), plane[i]) - edges.begin();
    bins[i * stride] = plane[i] != plane[i] ? 0 : static_cast<uint16_t>(1 + not_above);
  }
}

// The splits of the upper `kLevels` levels from node `top` on: put(number, node), numbered level by level from 1. A leaf stands
// for all that would lie below it. ends[k]: where the k-th way from the left leads.
template <size_t kLevels, class Put>
HWY_INLINE void TakeLevels(const ForestNode* nodes, uint32_t top, uint32_t* HWY_RESTRICT ends, const Put& put) {
  constexpr size_t kWays = size_t{1} << kLevels;
  uint32_t at[2 * kWays] = {0, top};
#pragma GCC unroll 8
  for (size_t h = 1; h < kWays; ++h) {
    const ForestNode& node = nodes[at[h]];
    at[2 * h] = node.child;
    at[2 * h + 1] = node.child + (node.child == at[h] ? 0 : 1);
    put(h, node);
  }
  std::copy(at + kWays, std::end(at), ends);
}

// A leaf's threshold is cut to 255, which no bin exceeds either.
inline uint8_t ByteThreshold(uint32_t threshold) { return static_cast<uint8_t>(std::min(threshold, 255u)); }

#include "common/kernels/classify/lockstep_walk.h"

// Whether 64 bytes are compared and 16 values looked up at once.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
constexpr bool kByColumns = true;
#include "common/kernels/classify/byte_columns.h"
#include "common/kernels/classify/top_levels.h"
#else
constexpr bool kByColumns = false;
#endif

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
#include "common/kernels/classify/subtree_walk.h"
#endif

// Walks a tree in step. leaves[i]: the node where pixel i arrives.
template <typename Bin>
void WalkLevelByLevel(const ForestView& forest, uint32_t root, uint32_t end, const Bin* HWY_RESTRICT bins, bool missing,
                      size_t count, ForestScratch& scratch, uint32_t* HWY_RESTRICT leaves) {
  scratch.starts.resize(count);
  size_t entered = 0;  // pixels that are past the top levels
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  if constexpr (sizeof(Bin) == 1) {
    auto* starts = reinterpret_cast<int32_t*>(scratch.starts.data());
    entered = TopLevels(forest.nodes.data(), root).Descend(scratch.columns.data(), count, count, starts);
  }
#endif
  std::fill(scratch.starts.begin() + entered, scratch.starts.end(), 0u);
  const auto* nodes = reinterpret_cast<const uint64_t*>(forest.nodes.data());
  const auto walk = [&](const auto& tree) { WalkInStep(tree, bins, BinStride(forest), count, scratch, leaves); };
  if constexpr (sizeof(Bin) == 1) {
    if (!missing && PackedTree<NodeOf4Bytes>::Fits(forest.features(), end - root)) {
      return walk(PackedTree(nodes, root, end, scratch.nodes_of_4));
    }
    if (!missing) return walk(PackedTree(nodes, root, end, scratch.nodes_of_8));
  }
  walk(LargeTree<Bin>(nodes, root));
}

// Walks one tree for all pixels. `missing`: some may have no value of some feature. payloads[i]: of the leaf of pixel i.
template <typename Bin>
void WalkTree(const ForestView& forest, size_t tree, const Bin* HWY_RESTRICT bins, bool missing, size_t count,
              ForestScratch& scratch, uint32_t* HWY_RESTRICT payloads) {
  const uint32_t root = forest.roots[tree], end = forest.roots[tree + 1];
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
  if constexpr (sizeof(Bin) == 1) {
    if (FitsSubtrees(forest.features(), end - root)) {
      const auto walk = missing ? WalkBySubtrees<true> : WalkBySubtrees<false>;
      return walk(forest, root, end, bins, count, scratch, payloads);
    }
  }
#endif
  WalkLevelByLevel(forest, root, end, bins, missing, count, scratch, payloads);
  for (size_t i = 0; i < count; ++i) payloads[i] = forest.payloads[payloads[i]];
}

// Whether any value is not a number.
bool AnyMissing(const float* const* planes, size_t features, size_t count) {
  bool missing = false;
  for (size_t f = 0; f < features; ++f) {
    const float* HWY_RESTRICT plane = planes[f];
    int of_plane = 0;
    for (size_t i = 0; i < count; ++i) of_plane |= plane[i] != plane[i];
    missing |= of_plane != 0;
  }
  return missing;
}

// Several trees at once, so that the sums are loaded and stored once for all of them. `payloads` has `count` per tree.
template <size_t kTrees, size_t kMostLanes>
void AddSharesOf(const uint16_t* HWY_RESTRICT shares, const uint32_t* HWY_RESTRICT payloads, size_t stride, size_t count,
                 uint32_t* HWY_RESTRICT sums) {
  const hn::CappedTag<uint32_t, kMostLanes> d32;
  const hn::Rebind<uint16_t, decltype(d32)> d16;
  for (size_t i = 0; i < count; ++i) {
    const uint16_t* rows[kTrees];
    for (size_t t = 0; t < kTrees; ++t) rows[t] = shares + stride * payloads[t * count + i];
    uint32_t* sum = sums + stride * i;
    for (size_t k = 0; k < stride; k += hn::Lanes(d32)) {
      auto total = hn::LoadU(d32, sum + k);
      for (size_t t = 0; t < kTrees; ++t) total = hn::Add(total, hn::PromoteTo(d32, hn::LoadU(d16, rows[t] + k)));
      hn::StoreU(total, d32, sum + k);
    }
  }
}

template <size_t kTrees>
void AddShares(const ForestView& forest, const uint32_t* payloads, size_t count, uint32_t* sums) {
  const size_t stride = ShareStride(forest.classes);
  const auto add = stride % 16 == 0 ? AddSharesOf<kTrees, 16> : AddSharesOf<kTrees, 8>;
  add(forest.shares.data(), payloads, stride, count, sums);
}

// Sums in the order of the trees: single precision does as XGBoost does, double as LightGBM.
template <typename Sum>
void AddMargins(const ForestView& forest, size_t tree, const uint32_t* HWY_RESTRICT payloads, size_t count,
                double* HWY_RESTRICT margins) {
  double* column = margins + forest.tree_classes[tree];
  for (size_t i = 0; i < count; ++i) {
    double& margin = column[i * forest.classes];
    margin = static_cast<Sum>(margin) + static_cast<Sum>(forest.margins[payloads[i]]);
  }
}

template <typename Bin>
void SumLeaves(const ForestView& forest, const float* const* planes, size_t count, ForestScratch& scratch,
               uint32_t* sums, double* margins) {
  const size_t stride = BinStride(forest);
  scratch.bins.resize(count * stride * sizeof(Bin) / sizeof(BinLine));
  scratch.payloads.resize(kTreesTogether * count);
  auto* bins = reinterpret_cast<Bin*>(scratch.bins.data());
  constexpr bool kColumns = kByColumns && sizeof(Bin) == 1;
  if constexpr (kColumns) scratch.columns.resize(count * forest.features());
  auto* columns = reinterpret_cast<Bin*>(scratch.columns.data());
  for (size_t f = 0; f < forest.features(); ++f) {
    const auto edges = forest.edges.subspan(forest.edge_begin[f], forest.edge_begin[f + 1] - forest.edge_begin[f]);
    if constexpr (kColumns) {
      QuantiseColumn(edges, planes[f], count, columns + f * count);
    } else {
      Quantise(edges, planes[f], count, stride, bins + f);
    }
  }
  if constexpr (kColumns) TransposeColumns(columns, forest.features(), count, stride, bins);
  const bool missing = sizeof(Bin) == 1 && AnyMissing(planes, forest.features(), count);  // only bytes have packed nodes
  uint32_t* const payloads = scratch.payloads.data();
  size_t tree = 0;
  for (; forest.kind == EnsembleKind::kShares && tree + kTreesTogether <= forest.trees(); tree += kTreesTogether) {
    for (size_t t = 0; t < kTreesTogether; ++t) WalkTree(forest, tree + t, bins, missing, count, scratch, payloads + t * count);
    AddShares<kTreesTogether>(forest, payloads, count, sums);
  }
  for (; tree < forest.trees(); ++tree) {
    WalkTree(forest, tree, bins, missing, count, scratch, payloads);
    if (forest.kind == EnsembleKind::kShares) {
      AddShares<1>(forest, payloads, count, sums);
    } else if (forest.kind == EnsembleKind::kFloatMargins) {
      AddMargins<float>(forest, tree, payloads, count, margins);
    } else {
      AddMargins<double>(forest, tree, payloads, count, margins);
    }
  }
}

void QuantiseBytes(std::span<const float> edges, const float* plane, size_t count, size_t stride, uint8_t* bins) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  if (stride == 1) return QuantiseColumn(edges, plane, count, bins);
#endif
  Quantise(edges, plane, count, stride, bins);
}

void SumByteLeaves(const ForestView& forest, const float* const* planes, size_t count, ForestScratch& scratch,
                   uint32_t* sums, double* margins) {
  SumLeaves<uint8_t>(forest, planes, count, scratch, sums, margins);
}

void SumWordLeaves(const ForestView& forest, const float* const* planes, size_t count, ForestScratch& scratch,
                   uint32_t* sums, double* margins) {
  SumLeaves<uint16_t>(forest, planes, count, scratch, sums, margins);
}

}  // namespace HWY_NAMESPACE
}  // namespace arpent::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arpent::kernels {
namespace {

HWY_EXPORT(QuantiseBytes);
HWY_EXPORT(SumByteLeaves);
HWY_EXPORT(SumWordLeaves);

constexpr size_t kBlockBytes = size_t{512} << 10;

void SumAllLeaves(const ForestView& forest, std::span<const float* const> planes, size_t count, ForestScratch& scratch,
                  uint32_t* sums, double* margins) {
  if (forest.wide()) {
    HWY_DYNAMIC_DISPATCH(SumWordLeaves)(forest, planes.data(), count, scratch, sums, margins);
  } else {
    HWY_DYNAMIC_DISPATCH(SumByteLeaves)(forest, planes.data(), count, scratch, sums, margins);
  }
}

}  // namespace

size_t ForestBlockPixels(const ForestView& forest) {
  const size_t bytes_per_pixel = BinStride(forest) * (forest.wide() ? 2 : 1);
  return std::clamp<size_t>(kBlockBytes / bytes_per_pixel, 64, 8192);
}

void SumShares(const ForestView& forest, std::span<const float* const> planes, size_t count, ForestScratch& scratch,
               uint32_t* sums) {
  std::fill_n(sums, count * ShareStride(forest.classes), 0u);
  SumAllLeaves(forest, planes, count, scratch, sums, nullptr);
}

void SumMargins(const ForestView& forest, std::span<const float* const> planes, size_t count, ForestScratch& scratch,
                double* margins) {
  for (size_t i = 0; i < count; ++i) {
    std::copy(forest.base_margins.begin(), forest.base_margins.end(), margins + i * forest.classes);
  }
  SumAllLeaves(forest, planes, count, scratch, nullptr, margins);
}

void QuantisePlane(std::span<const float> edges, const float* plane, size_t count, size_t stride, uint8_t* bins) {
  HWY_DYNAMIC_DISPATCH(QuantiseBytes)(edges, plane, count, stride, bins);
}

std::vector<std::string> InstructionSets() {
  std::vector<std::string> names;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) names.push_back(hwy::TargetName(target));
  return names;
}

void UseInstructionSet(const std::string& name) {
  hwy::SetSupportedTargetsForTest(0);
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (name == hwy::TargetName(target)) hwy::SetSupportedTargetsForTest(target);
  }
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace arpent::kernels
#endif  // HWY_ONCE
