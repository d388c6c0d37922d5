// Part of forest_engine.cc for instruction sets that look up any of 64 bytes at once (AVX-512 VBMI): walks a tree three levels
// at a step. Included once per instruction set inside its namespace, hence the guard is never defined.
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_SUBTREE_WALK_H_

constexpr size_t kMostLookedUp = 64;       // features: a row of bins is then one register
constexpr size_t kSplits = 7, kExits = 8;  // of three levels
constexpr uint16_t kGoesOn = 0x8000;       // set in exits to other subtrees, whose number follows; else it is a leaf's
constexpr size_t kMostWalking = 192;       // pixels on their way: their bins and the subtrees stay in the first-level cache

// paths[r]: the exit, counted from the left, to which the splits lead when those go right whose bits are set in r. Splits are
// counted level by level.
struct PathTable {
  uint8_t paths[1 << kSplits] = {};
  constexpr PathTable() {
    for (size_t right = 0; right < std::size(paths); ++right) {
      size_t h = 1;
      while (h < kExits) h = 2 * h + (right >> (h - 1) & 1);
      paths[right] = static_cast<uint8_t>(h - kExits);
    }
  }
};
constexpr PathTable kPathTable;

// Whether features are looked up in one register, and subtrees and leaves have numbers of 15 bits.
bool FitsSubtrees(size_t features, size_t tree_nodes) { return features <= kMostLookedUp && tree_nodes <= 2 * kGoesOn; }

// A tree cut into subtrees of three levels, the uppermost six levels apart. What the splits of a subtree ask for is looked up in
// the pixel's bins at once and compared at once, and the answers together tell the way out. `kMissing`: pixels may have no value
// of some feature.
template <bool kMissing>
class SubtreeWalk {
 public:
  SubtreeWalk(const ForestView& forest, uint32_t root, uint32_t end, ForestScratch& scratch)
      : nodes_(forest.nodes.data()), payloads_(forest.payloads.data()), scratch_(scratch) {
    // They are taken in another order than they lie in memory.
    for (uint32_t i = root; i < end; i += sizeof(BinLine) / sizeof(*nodes_)) hwy::Prefetch(nodes_ + i);
    for (uint32_t i = root; i < end; i += sizeof(BinLine) / sizeof(*payloads_)) hwy::Prefetch(payloads_ + i);
    const size_t most = (end - root) / 2 + 2;
    if (scratch.subtrees.size() < most) {
      scratch.subtrees.resize(most);
      scratch.subtree_roots.resize(most);
      scratch.leaf_payloads.resize(most);
    }
    CutTop(root);
    for (uint32_t i = 0; i < subtrees_; ++i) {
      uint32_t ends[kExits];
      Subtree& subtree = scratch.subtrees[i];
      Cut(scratch.subtree_roots[i], subtree.splits, ends);
      NumberExits(ends, subtree.exits);
    }
  }

  // Those of the tree's leaves, wanted soon and in any order.
  void PrefetchShares(const ForestView& forest) const {
    const uint16_t* shares = forest.shares.data();
    const size_t stride = ShareStride(forest.classes);
    for (uint32_t i = 0; i < leaves_; ++i) hwy::Prefetch(shares + stride * scratch_.leaf_payloads[i]);
  }

  // payloads[i]: of the leaf where pixel i arrives. Rows of bins start at multiples of kMostLookedUp.
  void Run(const uint8_t* HWY_RESTRICT bins, size_t count, uint32_t* HWY_RESTRICT payloads) const {
    const Subtree* HWY_RESTRICT subtrees = scratch_.subtrees.data();
    uint16_t* HWY_RESTRICT exits = scratch_.exits.data();
    uint16_t at[kMostWalking], pixels[kMostWalking];
    size_t left = 0, next_pixel = 0;
    for (;;) {
      for (; left < kMostWalking && next_pixel < count; ++next_pixel) {
        const uint16_t exit = ExitOfTop(_mm512_load_si512(bins + next_pixel * kMostLookedUp));
        exits[next_pixel] = at[left] = exit;
        pixels[left] = static_cast<uint16_t>(next_pixel);
        left += exit / kGoesOn;
      }
      if (left == 0) break;
      size_t kept = 0;
      for (size_t i = 0; i < left; ++i) {
        const uint16_t pixel = pixels[i];
        const uint16_t exit = ExitOf(subtrees[at[i] - kGoesOn], _mm512_load_si512(bins + pixel * kMostLookedUp));
        exits[pixel] = at[kept] = exit;
        pixels[kept] = pixel;
        kept += exit / kGoesOn;
      }
      left = kept;
    }
    const uint32_t* HWY_RESTRICT of_leaves = scratch_.leaf_payloads.data();
    for (size_t i = 0; i < count; ++i) payloads[i] = of_leaves[exits[i]];
  }

 private:
  void Cut(uint32_t top, Subtree::Splits& splits, uint32_t* HWY_RESTRICT ends) const {
    TakeLevels<3>(nodes_, top, ends, [&](size_t h, const ForestNode& node) HWY_ATTR {
      const uint32_t right = node.missing_right() ? 1 : 0;
      splits.features[h - 1] = static_cast<uint8_t>(node.feature() | (kMissing ? right << 7 : 0));
      splits.thresholds[h - 1] = ByteThreshold(node.threshold + (kMissing ? 0 : right));
    });
  }

  void NumberExits(const uint32_t* HWY_RESTRICT ends, uint16_t* HWY_RESTRICT exits) {
    uint32_t* HWY_RESTRICT roots = scratch_.subtree_roots.data();
    uint32_t* HWY_RESTRICT leaf_payloads = scratch_.leaf_payloads.data();
    uint32_t leaves = leaves_, subtrees = subtrees_;
#pragma GCC unroll 8
    for (size_t k = 0; k < kExits; ++k) {
      const uint32_t end = ends[k];
      const uint32_t goes_on = nodes_[end].child == end ? 0 : 1;
      exits[k] = static_cast<uint16_t>(leaves + goes_on * (kGoesOn + subtrees - leaves));
      leaf_payloads[leaves] = payloads_[end];
      roots[subtrees] = end;
      subtrees += goes_on;
      // A leaf above the lowest level has several exits, one after the other.
      const uint32_t last = k + 1 == kExits || ends[k + 1] != end ? 1 : 0;
      leaves += last & ~goes_on;
    }
    leaves_ = leaves;
    subtrees_ = subtrees;
  }

  // Bytes 8 k to 8 k + 6 are the splits of the k-th subtree below the seven uppermost splits, which take the bytes between.
  void CutTop(uint32_t root) {
    HWY_ALIGN uint8_t features[kMostLookedUp] = {}, thresholds[kMostLookedUp] = {};
    Subtree::Splits splits;
    uint32_t below[kExits], ends[kExits];
    Cut(root, splits, below);
    for (size_t k = 0; k < kSplits; ++k) {
      features[8 * k + kSplits] = splits.features[k];
      thresholds[8 * k + kSplits] = splits.thresholds[k];
    }
    for (size_t k = 0; k < kExits; ++k) {
      uint16_t* exits = exits_of_top_ + kExits * k;
      if (k > 0 && below[k] == below[k - 1]) {  // a leaf further up: all ways lead there
        std::copy_n(exits - kExits, kExits, exits);
        continue;
      }
      Cut(below[k], splits, ends);
      std::copy_n(splits.features, kSplits, features + 8 * k);
      std::copy_n(splits.thresholds, kSplits, thresholds + 8 * k);
      NumberExits(ends, exits);
    }
    features_ = _mm512_load_si512(features);
    thresholds_ = _mm512_load_si512(thresholds);
  }

  HWY_INLINE uint16_t ExitOfTop(__m512i row) const {
    __m512i bins = _mm512_permutexvar_epi8(features_, row);
    if constexpr (kMissing) {
      bins = _mm512_mask_sub_epi8(bins, _mm512_movepi8_mask(features_), bins, _mm512_set1_epi8(1));
    }
    const uint64_t right = _cvtmask64_u64(_mm512_cmpgt_epu8_mask(bins, thresholds_));
    const size_t subtree = kPathTable.paths[_pext_u64(right, 0x0080'8080'8080'8080)];
    return exits_of_top_[kExits * subtree + kPathTable.paths[right >> (8 * subtree) & 0x7F]];
  }

  static HWY_INLINE uint16_t ExitOf(const Subtree& subtree, __m512i row) {
    const __m128i features = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(subtree.splits.features));
    const __m128i thresholds = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(subtree.splits.thresholds));
    __m128i bins = _mm512_castsi512_si128(_mm512_permutexvar_epi8(_mm512_castsi128_si512(features), row));
    if constexpr (kMissing) bins = _mm_mask_sub_epi8(bins, _mm_movepi8_mask(features), bins, _mm_set1_epi8(1));
    const auto right = static_cast<uint8_t>(_cvtmask16_u32(_mm_cmpgt_epu8_mask(bins, thresholds)));
    return subtree.exits[kPathTable.paths[right]];
  }

  const ForestNode* nodes_;
  const uint32_t* payloads_;
  ForestScratch& scratch_;
  uint32_t leaves_ = 0, subtrees_ = 0;
  __m512i features_, thresholds_;
  uint16_t exits_of_top_[kExits * kExits];
};

template <bool kMissing>
void WalkBySubtrees(const ForestView& forest, uint32_t root, uint32_t end, const uint8_t* bins, size_t count,
                    ForestScratch& scratch, uint32_t* payloads) {
  scratch.exits.resize(count);
  const SubtreeWalk<kMissing> walk(forest, root, end, scratch);
  if (forest.kind == EnsembleKind::kShares) walk.PrefetchShares(forest);
  walk.Run(bins, count, payloads);
}

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_SUBTREE_WALK_H_
