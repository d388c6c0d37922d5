// Part of forest_engine.cc: walks a tree for eight pixels in step, without vectors. Included once per instruction set inside its
// namespace, hence the guard is never defined.
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_LOCKSTEP_WALK_H_

constexpr size_t kPixelsInStep = 8;
constexpr size_t kMostInStep = 128;  // pixels on their way
constexpr int kStepsBetweenRefills = 4;

// A tree's nodes as the model has them, numbered from its root.
template <typename BinType>
class LargeTree {
 public:
  using Bin = BinType;
  LargeTree(const uint64_t* nodes, uint32_t root) : nodes_(nodes + root), root_(root) {}

  uint32_t root() const { return root_; }
  HWY_INLINE uint32_t Next(uint32_t index, const Bin* HWY_RESTRICT row) const {
    const uint64_t node = nodes_[index];
    const auto feature = static_cast<uint32_t>(node >> 48) & 0x7FFF;
    const auto bin = static_cast<Bin>(row[feature] - static_cast<uint32_t>(node >> 63));
    return static_cast<uint32_t>(node) - root_ + (bin > static_cast<uint16_t>(node >> 32) ? 1u : 0u);
  }

 private:
  const uint64_t* nodes_;
  uint32_t root_;
};

// A tree's nodes packed so that their parts are read as bytes or words of their own, half of what a step of a LargeTree takes. No
// pixel may miss a value: "missing goes right" is then told by the threshold.
template <class Node>
class PackedTree {
 public:
  using Bin = uint8_t;

  static bool Fits(size_t features, size_t tree_nodes) {
    return features <= size_t{1} << (8 * sizeof(Node::feature)) && tree_nodes <= size_t{1} << (8 * sizeof(Node::left));
  }

  PackedTree(const uint64_t* HWY_RESTRICT nodes, uint32_t root, uint32_t end, std::vector<Node>& memory) : root_(root) {
    const size_t count = end - root;
    if (memory.size() < count) memory.resize(count);
    nodes_ = memory.data();
    const hn::CappedTag<uint32_t, 16> d;
    const auto* halves = reinterpret_cast<const uint32_t*>(nodes + root);
    auto* words = reinterpret_cast<uint32_t*>(memory.data());
    const size_t lanes = hn::Lanes(d);
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      hn::Vec<decltype(d)> child, split;
      hn::LoadInterleaved2(d, halves + 2 * i, child, split);
      const auto left = hn::Sub(child, hn::Set(d, root));
      // A leaf's threshold is cut to 255, which no bin exceeds either.
      const auto threshold = hn::Min(hn::Add(hn::And(split, hn::Set(d, 0xFFFF)), hn::ShiftRight<31>(split)), hn::Set(d, 0xFF));
      const auto feature = hn::And(hn::ShiftRight<16>(split), hn::Set(d, 0x7FFF));
      if constexpr (sizeof(Node) == 4) {
        hn::StoreU(hn::Or(hn::Or(left, hn::ShiftLeft<16>(feature)), hn::ShiftLeft<24>(threshold)), d, words + i);
      } else {
        hn::StoreInterleaved2(left, hn::Or(feature, hn::ShiftLeft<16>(threshold)), d, words + 2 * i);
      }
    }
    for (; i < count; ++i) {
      const uint32_t child = halves[2 * i], split = halves[2 * i + 1];
      memory[i].left = static_cast<decltype(Node::left)>(child - root);
      memory[i].feature = static_cast<decltype(Node::feature)>(split >> 16 & 0x7FFF);
      memory[i].threshold = static_cast<uint8_t>(std::min((split & 0xFFFF) + (split >> 31), 255u));
    }
  }

  uint32_t root() const { return root_; }
  HWY_INLINE uint32_t Next(uint32_t index, const uint8_t* HWY_RESTRICT row) const {
    const Node& node = nodes_[index];
    return node.left + (node.threshold < row[node.feature] ? 1u : 0u);
  }

 private:
  const Node* nodes_;
  uint32_t root_;
};

// Walks all pixels from `scratch.starts` on. Eight go in step, since one alone would wait for its loads, and more of them in turn
// would fill the processor's queues with steps that cannot begin. Every few steps those that arrived are taken out and others
// step in; few are on their way at a time, so that their bins stay in the first-level cache. Compilers that pack the eight into
// vectors without a gather make this much slower.
template <class Tree>
ARPENT_NO_AUTOMATIC_VECTORS void WalkInStep(const Tree tree, const typename Tree::Bin* HWY_RESTRICT bins, size_t stride,
                                            size_t count, const ForestScratch& scratch, uint32_t* HWY_RESTRICT leaves) {
  const uint32_t* HWY_RESTRICT starts = scratch.starts.data();
  uint32_t indices[kMostInStep + kPixelsInStep], pixels[kMostInStep + kPixelsInStep];
  const uint32_t root = tree.root();
  size_t left = 0, next_pixel = 0;
  for (;;) {
    for (; left < kMostInStep && next_pixel < count; ++left, ++next_pixel) {
      indices[left] = starts[next_pixel];
      pixels[left] = static_cast<uint32_t>(next_pixel);
    }
    if (left == 0) return;
    // The last eight may be fewer: the last pixel stands in for them and is kept once.
    for (size_t i = left; i % kPixelsInStep != 0; ++i) indices[i] = indices[left - 1], pixels[i] = pixels[left - 1];
    size_t kept = 0;
    for (size_t i = 0; i < left; i += kPixelsInStep) {
      uint32_t index[kPixelsInStep];
      const typename Tree::Bin* rows[kPixelsInStep];
      for (size_t j = 0; j < kPixelsInStep; ++j) {
        index[j] = indices[i + j];
        rows[j] = bins + pixels[i + j] * stride;
      }
      for (int step = 1; step < kStepsBetweenRefills; ++step) {
        for (size_t j = 0; j < kPixelsInStep; ++j) index[j] = tree.Next(index[j], rows[j]);
      }
      for (size_t j = 0; j < kPixelsInStep; ++j) {
        const uint32_t next = tree.Next(index[j], rows[j]), pixel = pixels[i + j];
        leaves[pixel] = next + root;
        indices[kept] = next;
        pixels[kept] = pixel;
        kept += (next != index[j]) & (i + j < left);
      }
    }
    left = kept;
  }
}

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_LOCKSTEP_WALK_H_
