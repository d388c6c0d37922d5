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

constexpr size_t kVectorsAtOnce = 4;
constexpr int kStepsBetweenSqueezes = 4;

// Gathers bound the walk, and a node of eight bytes takes two. Where a tree's indices and features fit, its nodes are
// packed into words first: index of the left child within the tree, feature, missing-right, threshold.
struct WordLayout {
  static constexpr int kMissingShift = 23, kThresholdShift = 24;
  int child_bits = 0;
  bool fits = false;

  WordLayout(size_t features, size_t tree_nodes, size_t bin_bytes) {
    while ((size_t{1} << child_bits) < tree_nodes) ++child_bits;
    fits = bin_bytes == 1 && child_bits < kMissingShift && features <= size_t{1} << (kMissingShift - child_bits);
  }
  int32_t child_mask() const { return static_cast<int32_t>((uint32_t{1} << child_bits) - 1); }
  int32_t feature_mask() const { return static_cast<int32_t>((uint32_t{1} << (kMissingShift - child_bits)) - 1); }
};

void PackTree(const uint64_t* HWY_RESTRICT nodes, uint32_t root, uint32_t end, const WordLayout& layout,
              int32_t* HWY_RESTRICT words) {
  const hn::CappedTag<uint32_t, 16> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto pack = [&](auto child, auto split) HWY_ATTR {
    // A leaf's threshold is cut to 255, which no bin exceeds either.
    const auto threshold = hn::Min(hn::And(split, hn::Set(d, 0xFFFF)), hn::Set(d, 0xFF));
    const auto feature = hn::And(hn::ShiftRight<16>(split), hn::Set(d, 0x7FFF));
    const auto missing = hn::ShiftRight<31>(split);
    return hn::Or(hn::Or(hn::Sub(child, hn::Set(d, root)), hn::ShiftLeftSame(feature, layout.child_bits)),
                  hn::Or(hn::ShiftLeft<WordLayout::kMissingShift>(missing),
                         hn::ShiftLeft<WordLayout::kThresholdShift>(threshold)));
  };
  const size_t count = end - root, lanes = hn::Lanes(d);
  const auto* halves = reinterpret_cast<const uint32_t*>(nodes + root);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::Vec<decltype(d)> child, split;
    hn::LoadInterleaved2(d, halves + 2 * i, child, split);
    hn::StoreU(hn::BitCast(di, pack(child, split)), di, words + i);
  }
  for (; i < count; ++i) {
    const auto word = pack(hn::Set(d, halves[2 * i]), hn::Set(d, halves[2 * i + 1]));
    words[i] = static_cast<int32_t>(hn::GetLane(word));
  }
}

// One step of a vector of pixels; `offsets` are the byte offsets of their rows. Four bytes are read from where a bin
// begins; the rows' memory has room for that.
class WordStep {
 public:
  WordStep(const int32_t* words, const uint8_t* bins, const WordLayout& layout)
      : words_(words), bins_(reinterpret_cast<const int32_t*>(bins)), layout_(layout) {}

  template <class V>
  HWY_INLINE V operator()(V index, V offsets) const {
    const hn::DFromV<V> d;
    const hn::RebindToUnsigned<decltype(d)> du;
    const V word = hn::GatherIndex(d, words_, index);
    const V feature = hn::And(hn::ShiftRightSame(word, layout_.child_bits), hn::Set(d, layout_.feature_mask()));
    const V missing = hn::And(hn::ShiftRight<WordLayout::kMissingShift>(word), hn::Set(d, 1));
    const V bin = hn::And(hn::Sub(hn::GatherOffset(d, bins_, hn::Add(offsets, feature)), missing), hn::Set(d, 0xFF));
    const V threshold = hn::BitCast(d, hn::ShiftRight<WordLayout::kThresholdShift>(hn::BitCast(du, word)));
    const auto right = hn::Gt(bin, threshold);
    return hn::Sub(hn::And(word, hn::Set(d, layout_.child_mask())), hn::VecFromMask(d, right));
  }

 private:
  const int32_t* words_;
  const int32_t* bins_;
  const WordLayout layout_;
};

// The same on nodes of eight bytes, relative to the tree's first one.
template <typename Bin>
class NodeStep {
 public:
  NodeStep(const uint64_t* nodes, uint32_t root, const Bin* bins)
      : nodes_(reinterpret_cast<const int32_t*>(nodes + root)), bins_(reinterpret_cast<const int32_t*>(bins)),
        root_(static_cast<int32_t>(root)) {}

  template <class V>
  HWY_INLINE V operator()(V index, V offsets) const {
    const hn::DFromV<V> d;
    const V half = hn::Add(index, index);
    const V child = hn::Sub(hn::GatherIndex(d, nodes_, half), hn::Set(d, root_));
    const V split = hn::GatherIndex(d, nodes_ + 1, half);
    const V feature = hn::And(hn::ShiftRight<16>(split), hn::Set(d, 0x7FFF));
    const V place = hn::Add(offsets, sizeof(Bin) == 2 ? hn::Add(feature, feature) : feature);
    const V bin = hn::And(hn::Add(hn::GatherOffset(d, bins_, place), hn::ShiftRight<31>(split)),
                          hn::Set(d, sizeof(Bin) == 2 ? 0xFFFF : 0xFF));
    const auto right = hn::Gt(bin, hn::And(split, hn::Set(d, 0xFFFF)));
    return hn::Sub(child, hn::VecFromMask(d, right));
  }

 private:
  const int32_t* nodes_;
  const int32_t* bins_;
  const int32_t root_;
};

// Walks a tree by gathers as long as whole groups of pixels are on their way; returns how many are left over. Every few
// steps the pixels that arrived are squeezed out, so that a vector's lanes do not wait for its deepest pixel.
template <class Step>
size_t WalkGroups(const Step& step, size_t row_bytes, uint32_t root, size_t count, ActivePixels& active,
                  uint32_t* HWY_RESTRICT leaves) {
  const hn::CappedTag<int32_t, 16> d;
  using V = hn::Vec<decltype(d)>;
  const size_t lanes = hn::Lanes(d);
  const size_t group = lanes * kVectorsAtOnce;
  const V bytes = hn::Set(d, static_cast<int32_t>(row_bytes));
  const V first_node = hn::Set(d, static_cast<int32_t>(root));
  auto* HWY_RESTRICT indices = reinterpret_cast<int32_t*>(active.nodes.data());
  auto* HWY_RESTRICT pixels = reinterpret_cast<int32_t*>(active.pixels.data());
  size_t left = count;
  while (left >= group) {
    size_t kept = 0;
    size_t i = 0;
    for (; i + group <= left; i += group) {
      V index[kVectorsAtOnce], offsets[kVectorsAtOnce];
      for (size_t v = 0; v < kVectorsAtOnce; ++v) {
        index[v] = hn::LoadU(d, indices + i + v * lanes);
        offsets[v] = hn::Mul(hn::LoadU(d, pixels + i + v * lanes), bytes);
      }
      for (int k = 1; k < kStepsBetweenSqueezes; ++k) {
        for (size_t v = 0; v < kVectorsAtOnce; ++v) index[v] = step(index[v], offsets[v]);
      }
      for (size_t v = 0; v < kVectorsAtOnce; ++v) {
        const V pixel = hn::LoadU(d, pixels + i + v * lanes);
        const V next = step(index[v], offsets[v]);
        const auto moved = hn::Ne(next, index[v]);
        hn::ScatterIndex(hn::Add(next, first_node), d, reinterpret_cast<int32_t*>(leaves), pixel);
        // A blended store touches no lane behind those kept: the next vectors are still to be read.
        hn::CompressBlendedStore(next, moved, d, indices + kept);
        kept += hn::CompressBlendedStore(pixel, moved, d, pixels + kept);
      }
    }
    std::copy(indices + i, indices + left, indices + kept);
    std::copy(pixels + i, pixels + left, pixels + kept);
    left = kept + left - i;
  }
  return left;
}

// Walks one tree for all pixels; the few that are left over in the end go singly.
template <typename Bin>
void WalkTree(const uint64_t* HWY_RESTRICT nodes, uint32_t root, uint32_t end, size_t features,
              const Bin* HWY_RESTRICT bins, size_t stride, size_t count, ForestScratch& scratch) {
  ActivePixels& active = scratch.active;
  uint32_t* const leaves = scratch.leaves.data();
  active.StartAt(0, count);
  const size_t row_bytes = stride * sizeof(Bin);
  const WordLayout layout(features, end - root, sizeof(Bin));
  size_t left = count;
  if (layout.fits) {
    if (scratch.words.size() < end - root) scratch.words.resize(end - root);
    PackTree(nodes, root, end, layout, scratch.words.data());
    const WordStep step(scratch.words.data(), reinterpret_cast<const uint8_t*>(bins), layout);
    left = WalkGroups(step, row_bytes, root, count, active, leaves);
  } else {
    left = WalkGroups(NodeStep<Bin>(nodes, root, bins), row_bytes, root, count, active, leaves);
  }
  for (size_t i = 0; i < left; ++i) active.nodes[i] += root;
  WalkSingly(nodes, bins, stride, active, left, leaves);
}

#else  // no fast gather

template <typename Bin>
void WalkTree(const uint64_t* HWY_RESTRICT nodes, uint32_t root, uint32_t end, size_t features,
              const Bin* HWY_RESTRICT bins, size_t stride, size_t count, ForestScratch& scratch) {
  scratch.active.StartAt(root, count);
  WalkSingly(nodes, bins, stride, scratch.active, count, scratch.leaves.data());
}

#endif

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
    WalkTree(nodes, forest.roots[tree], forest.roots[tree + 1], forest.features(), bins, stride, count, scratch);
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

constexpr size_t kBlockBytes = size_t{512} << 10;

void SumAllLeaves(const ForestView& forest, std::span<const float* const> planes, size_t count, ForestScratch& scratch,
                  uint32_t* sums, double* margins) {
  constexpr size_t kReadAhead = 4;  // gathers read whole words
  scratch.bins.resize(count * BinStride(forest) * (forest.wide() ? 2 : 1) + kReadAhead);
  scratch.leaves.resize(count);
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
