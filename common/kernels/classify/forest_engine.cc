#include "common/kernels/classify/forest_engine.h"

#include <algorithm>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/classify/forest_engine.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_FOREST_ENGINE_ONCE_
#define ARPENT_COMMON_KERNELS_CLASSIFY_FOREST_ENGINE_ONCE_
namespace arpent::kernels {

// Rows of bins start at multiples of 16 bins.
inline size_t BinStride(const ForestView& forest) { return (forest.features() + 15) / 16 * 16; }

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

// Walks one tree for `count` pixels, eight at a time: their chains of dependent loads overlap.
template <typename Bin>
void WalkTree(const uint64_t* HWY_RESTRICT nodes, uint32_t root, const Bin* HWY_RESTRICT bins, size_t stride,
              size_t count, uint32_t* HWY_RESTRICT leaves) {
  constexpr size_t kLanes = 8;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Bin* rows = bins + i * stride;
    uint32_t index[kLanes];
    for (size_t lane = 0; lane < kLanes; ++lane) index[lane] = root;
    uint32_t moved;
    do {
      uint32_t before[kLanes];
      HWY_UNROLL(8) for (size_t lane = 0; lane < kLanes; ++lane) index[lane] = Step(nodes, rows + lane * stride, index[lane]);
      for (size_t lane = 0; lane < kLanes; ++lane) before[lane] = index[lane];
      for (size_t lane = 0; lane < kLanes; ++lane) index[lane] = Step(nodes, rows + lane * stride, index[lane]);
      moved = 0;
      for (size_t lane = 0; lane < kLanes; ++lane) moved |= index[lane] ^ before[lane];
    } while (moved != 0);
    std::memcpy(leaves + i, index, sizeof(index));
  }
  for (; i < count; ++i) {
    uint32_t index = root, before;
    do {
      before = index;
      index = Step(nodes, bins + i * stride, index);
    } while (index != before);
    leaves[i] = index;
  }
}

void AddShares(const uint16_t* HWY_RESTRICT shares, const uint32_t* HWY_RESTRICT payloads,
               const uint32_t* HWY_RESTRICT leaves, size_t stride, size_t count, uint32_t* HWY_RESTRICT sums) {
  const hn::CappedTag<uint32_t, 8> d32;
  const hn::Rebind<uint16_t, decltype(d32)> d16;
  for (size_t i = 0; i < count; ++i) {
    const uint16_t* row = shares + stride * payloads[leaves[i]];
    uint32_t* sum = sums + stride * i;
    for (size_t k = 0; k < stride; k += hn::Lanes(d32)) {
      const auto share = hn::PromoteTo(d32, hn::LoadU(d16, row + k));
      hn::StoreU(hn::Add(hn::LoadU(d32, sum + k), share), d32, sum + k);
    }
  }
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
  for (size_t f = 0; f < forest.features(); ++f) {
    const auto edges = forest.edges.subspan(forest.edge_begin[f], forest.edge_begin[f + 1] - forest.edge_begin[f]);
    Quantise(edges, planes[f], count, stride, bins + f);
  }
  const auto* nodes = reinterpret_cast<const uint64_t*>(forest.nodes.data());
  for (size_t tree = 0; tree < forest.trees(); ++tree) {
    WalkTree(nodes, forest.roots[tree], bins, stride, count, scratch.leaves.data());
    if (forest.kind == EnsembleKind::kShares) {
      AddShares(forest.shares.data(), forest.payloads.data(), scratch.leaves.data(), ShareStride(forest.classes),
                count, sums);
    } else if (forest.kind == EnsembleKind::kFloatMargins) {
      AddMargins<float>(forest, tree, scratch.leaves.data(), count, margins);
    } else {
      AddMargins<double>(forest, tree, scratch.leaves.data(), count, margins);
    }
  }
}

void QuantiseBytes(std::span<const float> edges, const float* plane, size_t count, size_t stride, uint8_t* bins) {
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

constexpr size_t kBlockBytes = size_t{256} << 10;

void SumAllLeaves(const ForestView& forest, std::span<const float* const> planes, size_t count, ForestScratch& scratch,
                  uint32_t* sums, double* margins) {
  scratch.bins.resize(count * BinStride(forest) * (forest.wide() ? 2 : 1));
  scratch.leaves.resize(count);
  if (forest.wide()) {
    HWY_DYNAMIC_DISPATCH(SumWordLeaves)(forest, planes.data(), count, scratch, sums, margins);
  } else {
    HWY_DYNAMIC_DISPATCH(SumByteLeaves)(forest, planes.data(), count, scratch, sums, margins);
  }
}

}  // namespace

size_t ForestBlockPixels(const ForestView& forest) {
  const size_t bytes_per_pixel = BinStride(forest) * (forest.wide() ? 2 : 1);
  return std::clamp<size_t>(kBlockBytes / bytes_per_pixel, 64, 4096);
}

void SumShares(const ForestView& forest, std::span<const float* const> planes, size_t count, ForestScratch& scratch,
               uint32_t* sums) {
  std::fill_n(sums, count * ShareStride(forest.classes), 0u);
  SumAllLeaves(forest, planes, count, scratch, sums, nullptr);
}

void SumMargins(const ForestView& forest, std::span<const float* const> planes, size_t count, ForestScratch& scratch,
                double* margins) {
  for (size_t i = 0; i < count; ++i) std::copy(forest.base_margins.begin(), forest.base_margins.end(), margins + i * forest.classes);
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
