#include "common/kernels/classify/forest_engine.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/classify/forest_engine.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_FOREST_ENGINE_ONCE_
#define ARPENT_COMMON_KERNELS_CLASSIFY_FOREST_ENGINE_ONCE_
namespace arpent::kernels {

// Rows of bins start at multiples of 16 bins.
inline size_t BinStride(const ForestView& forest) { return (forest.features() + 15) / 16 * 16; }

using ActivePixels = ForestScratch::ActivePixels;

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

template <typename Bin>
HWY_INLINE uint32_t Step(const uint64_t* HWY_RESTRICT nodes, const Bin* HWY_RESTRICT row, uint32_t index) {
  const uint64_t node = nodes[index];
  const auto feature = static_cast<uint32_t>(node >> 48) & 0x7FFF;
  const auto bin = static_cast<Bin>(row[feature] - static_cast<uint32_t>(node >> 63));
  return static_cast<uint32_t>(node) + (bin > static_cast<uint16_t>(node >> 32) ? 1u : 0u);
}

// Walks one tree for single pixels, `pixels[j]` from node `indices[j]` on, some at a time: their chains of dependent loads
// overlap. Compilers that pack the chains into vectors without a gather make this much slower.
template <typename Bin>
ARPENT_NO_AUTOMATIC_VECTORS void WalkSingly(const uint64_t* HWY_RESTRICT nodes, const Bin* HWY_RESTRICT bins,
                                            size_t stride, const ActivePixels& active, size_t count,
                                            uint32_t* HWY_RESTRICT leaves) {
  constexpr size_t kAtOnce = 6;
  size_t begin = 0;
  for (; begin + kAtOnce <= count; begin += kAtOnce) {
    uint32_t index[kAtOnce];
    const Bin* rows[kAtOnce];
    for (size_t j = 0; j < kAtOnce; ++j) {
      index[j] = active.nodes[begin + j];
      rows[j] = bins + active.pixels[begin + j] * stride;
    }
    uint32_t moved;
    do {
      for (size_t j = 0; j < kAtOnce; ++j) index[j] = Step(nodes, rows[j], index[j]);
      for (size_t j = 0; j < kAtOnce; ++j) index[j] = Step(nodes, rows[j], index[j]);
      moved = 0;
      for (size_t j = 0; j < kAtOnce; ++j) {
        const uint32_t next = Step(nodes, rows[j], index[j]);
        moved |= next ^ index[j];
        index[j] = next;
      }
    } while (moved != 0);
    for (size_t j = 0; j < kAtOnce; ++j) leaves[active.pixels[begin + j]] = index[j];
  }
  for (; begin < count; ++begin) {
    uint32_t index = active.nodes[begin], before;
    do {
      before = index;
      index = Step(nodes, bins + active.pixels[begin] * stride, index);
    } while (index != before);
    leaves[active.pixels[begin]] = index;
  }
}

// AVX2 gathers too, but half as many lanes are slower than single walks (measured on Zen 5).
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3

#include "common/kernels/classify/byte_columns.h"
#include "common/kernels/classify/gather_walk.h"

// Walks one tree for all pixels; the few that are left over in the end go singly.
template <typename Bin>
void WalkTree(const uint64_t* HWY_RESTRICT nodes, uint32_t root, uint32_t end, size_t features,
              const Bin* HWY_RESTRICT bins, size_t stride, size_t count, ForestScratch& scratch,
              uint32_t* HWY_RESTRICT leaves) {
  ActivePixels& active = scratch.active;
  active.nodes.resize(kMostActive + kMostLanes);
  active.pixels.resize(kMostActive + kMostLanes);
  scratch.starts.resize(count);
  const size_t row_bytes = stride * sizeof(Bin);
  const WordLayout layout(features, end - root, sizeof(Bin));
  size_t done = 0;
  if (sizeof(Bin) == 1) {
    auto* starts = reinterpret_cast<int32_t*>(scratch.starts.data());
    done = TopLevels(nodes, root).Descend(scratch.columns.data(), count, count, starts);
  }
  std::fill(scratch.starts.begin() + done, scratch.starts.end(), 0u);
  size_t left = 0;
  if (layout.fits) {
    if (scratch.words.size() < end - root) scratch.words.resize(end - root);
    PackTree(nodes, root, end, layout, scratch.words.data());
    const WordStep step(scratch.words.data(), reinterpret_cast<const uint8_t*>(bins), layout);
    left = WalkGroups(step, row_bytes, root, count, scratch, leaves);
  } else {
    left = WalkGroups(NodeStep<Bin>(nodes, root, bins), row_bytes, root, count, scratch, leaves);
  }
  for (size_t i = 0; i < left; ++i) active.nodes[i] += root;
  WalkSingly(nodes, bins, stride, active, left, leaves);
}

#else  // no fast gather

constexpr bool kTopLevelsByColumns = false;

template <typename Bin>
void WalkTree(const uint64_t* HWY_RESTRICT nodes, uint32_t root, uint32_t end, size_t features,
              const Bin* HWY_RESTRICT bins, size_t stride, size_t count, ForestScratch& scratch,
              uint32_t* HWY_RESTRICT leaves) {
  scratch.active.StartAt(root, count);
  WalkSingly(nodes, bins, stride, scratch.active, count, leaves);
}

#endif

// Several trees at once, so that the sums are loaded and stored once for all of them. `leaves` has `count` per tree.
template <size_t kTrees, size_t kMostLanes>
void AddSharesOf(const uint16_t* HWY_RESTRICT shares, const uint32_t* HWY_RESTRICT payloads,
                 const uint32_t* HWY_RESTRICT leaves, size_t stride, size_t count, uint32_t* HWY_RESTRICT sums) {
  const hn::CappedTag<uint32_t, kMostLanes> d32;
  const hn::Rebind<uint16_t, decltype(d32)> d16;
  for (size_t i = 0; i < count; ++i) {
    const uint16_t* rows[kTrees];
    for (size_t t = 0; t < kTrees; ++t) rows[t] = shares + stride * payloads[leaves[t * count + i]];
    uint32_t* sum = sums + stride * i;
    for (size_t k = 0; k < stride; k += hn::Lanes(d32)) {
      auto total = hn::LoadU(d32, sum + k);
      for (size_t t = 0; t < kTrees; ++t) total = hn::Add(total, hn::PromoteTo(d32, hn::LoadU(d16, rows[t] + k)));
      hn::StoreU(total, d32, sum + k);
    }
  }
}

template <size_t kTrees>
void AddShares(const ForestView& forest, const uint32_t* leaves, size_t count, uint32_t* sums) {
  const size_t stride = ShareStride(forest.classes);
  const auto add = stride % 16 == 0 ? AddSharesOf<kTrees, 16> : AddSharesOf<kTrees, 8>;
  add(forest.shares.data(), forest.payloads.data(), leaves, stride, count, sums);
}

// Sums in the order of the trees: single precision does as XGBoost does, double as LightGBM.
template <typename Sum>
void AddMargins(const ForestView& forest, size_t tree, const uint32_t* HWY_RESTRICT leaves, size_t count,
                double* HWY_RESTRICT margins) {
  double* column = margins + forest.tree_classes[tree];
  for (size_t i = 0; i < count; ++i) {
    double& margin = column[i * forest.classes];
    margin = static_cast<Sum>(margin) + static_cast<Sum>(forest.margins[forest.payloads[leaves[i]]]);
  }
}

template <typename Bin>
void SumLeaves(const ForestView& forest, const float* const* planes, size_t count, ForestScratch& scratch,
               uint32_t* sums, double* margins) {
  const size_t stride = BinStride(forest);
  auto* bins = reinterpret_cast<Bin*>(scratch.bins.data());
  auto* columns = reinterpret_cast<Bin*>(scratch.columns.data());
  for (size_t f = 0; f < forest.features(); ++f) {
    const auto edges = forest.edges.subspan(forest.edge_begin[f], forest.edge_begin[f + 1] - forest.edge_begin[f]);
    if constexpr (sizeof(Bin) == 1 && kTopLevelsByColumns) {
      QuantiseColumn(edges, planes[f], count, columns + f * count);
    } else {
      Quantise(edges, planes[f], count, stride, bins + f);
    }
  }
  if constexpr (sizeof(Bin) == 1 && kTopLevelsByColumns) {
    TransposeColumns(columns, forest.features(), count, stride, bins);
  }
  const auto* nodes = reinterpret_cast<const uint64_t*>(forest.nodes.data());
  const auto walk = [&](size_t tree, uint32_t* leaves) {
    WalkTree(nodes, forest.roots[tree], forest.roots[tree + 1], forest.features(), bins, stride, count, scratch, leaves);
  };
  uint32_t* const leaves = scratch.leaves.data();
  size_t tree = 0;
  for (; forest.kind == EnsembleKind::kShares && tree + kTreesTogether <= forest.trees(); tree += kTreesTogether) {
    for (size_t t = 0; t < kTreesTogether; ++t) walk(tree + t, leaves + t * count);
    AddShares<kTreesTogether>(forest, leaves, count, sums);
  }
  for (; tree < forest.trees(); ++tree) {
    walk(tree, leaves);
    if (forest.kind == EnsembleKind::kShares) {
      AddShares<1>(forest, leaves, count, sums);
    } else if (forest.kind == EnsembleKind::kFloatMargins) {
      AddMargins<float>(forest, tree, leaves, count, margins);
    } else {
      AddMargins<double>(forest, tree, leaves, count, margins);
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
  constexpr size_t kReadAhead = 4;  // gathers read whole words
  scratch.bins.resize(count * BinStride(forest) * (forest.wide() ? 2 : 1) + kReadAhead);
  scratch.leaves.resize(kTreesTogether * count);
  if (!forest.wide()) scratch.columns.resize(count * forest.features());
  if (forest.wide()) {
    HWY_DYNAMIC_DISPATCH(SumWordLeaves)(forest, planes.data(), count, scratch, sums, margins);
  } else {
    HWY_DYNAMIC_DISPATCH(SumByteLeaves)(forest, planes.data(), count, scratch, sums, margins);
  }
}

}  // namespace

void ForestScratch::ActivePixels::StartAt(uint32_t root, size_t count) {
  nodes.assign(count, root);
  pixels.resize(count);
  std::iota(pixels.begin(), pixels.end(), 0u);
}

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
