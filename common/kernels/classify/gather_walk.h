// Part of forest_engine.cc for processors with fast gathers: walks a tree for 64 pixels at a time. Included once per
// instruction set inside its namespace, hence the guard is never defined.
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_GATHER_WALK_H_

constexpr size_t kVectorsAtOnce = 4;
constexpr size_t kMostGathering = 256;  // pixels on their way
constexpr size_t kMostLanes = 16;       // whole vectors are stored behind those that count
static_assert(kMostGathering + kMostLanes <= kMostActive);
constexpr int kStepsBetweenSqueezes = 3;

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

// Walks a tree by gathers as long as whole groups of pixels are on their way; returns how many are left over in
// `scratch.active`. Every few steps the pixels that arrived are taken out and others step in, so that a vector's lanes do not
// wait for its deepest pixel; there are few enough at a time for their bins to stay in the first-level cache. (Compressed
// in registers: compressing stores and scatters are slow on AMD.)
template <class Step>
size_t WalkGroups(const Step& step, size_t row_bytes, uint32_t root, size_t count, ForestScratch& scratch,
                  uint32_t* HWY_RESTRICT leaves) {
  const hn::CappedTag<int32_t, 16> d;
  using V = hn::Vec<decltype(d)>;
  const size_t lanes = hn::Lanes(d);
  const size_t group = lanes * kVectorsAtOnce;
  const V bytes = hn::Set(d, static_cast<int32_t>(row_bytes));
  auto* HWY_RESTRICT indices = reinterpret_cast<int32_t*>(scratch.active.nodes.data());
  auto* HWY_RESTRICT pixels = reinterpret_cast<int32_t*>(scratch.active.pixels.data());
  HWY_ALIGN int32_t arrived_at[kMostGathering + kMostLanes];
  HWY_ALIGN int32_t arrived[kMostGathering + kMostLanes];
  const uint32_t* HWY_RESTRICT starts = scratch.starts.data();
  size_t left = 0, next_pixel = 0;
  for (;;) {
    for (; left < kMostGathering && next_pixel < count; ++left, ++next_pixel) {
      indices[left] = static_cast<int32_t>(starts[next_pixel]);
      pixels[left] = static_cast<int32_t>(next_pixel);
    }
    if (left < group) return left;
    size_t kept = 0, there = 0;
    size_t i = 0;
    for (; i + group <= left; i += group) {
      V index[kVectorsAtOnce], pixel[kVectorsAtOnce], offsets[kVectorsAtOnce];
      for (size_t v = 0; v < kVectorsAtOnce; ++v) {
        index[v] = hn::LoadU(d, indices + i + v * lanes);
        pixel[v] = hn::LoadU(d, pixels + i + v * lanes);
        offsets[v] = hn::Mul(pixel[v], bytes);
      }
      for (int k = 1; k < kStepsBetweenSqueezes; ++k) {
        for (size_t v = 0; v < kVectorsAtOnce; ++v) index[v] = step(index[v], offsets[v]);
      }
      for (size_t v = 0; v < kVectorsAtOnce; ++v) {
        const V next = step(index[v], offsets[v]);
        const auto stays = hn::Eq(next, index[v]);
        const auto moved = hn::Not(stays);
        // Whole vectors are stored: what lies behind those kept was read before or is overwritten next.
        hn::StoreU(hn::Compress(next, stays), d, arrived_at + there);
        hn::StoreU(hn::Compress(pixel[v], stays), d, arrived + there);
        hn::StoreU(hn::Compress(next, moved), d, indices + kept);
        hn::StoreU(hn::Compress(pixel[v], moved), d, pixels + kept);
        const size_t moving = hn::CountTrue(d, moved);
        kept += moving;
        there += lanes - moving;
      }
    }
    for (size_t k = 0; k < there; ++k) leaves[arrived[k]] = static_cast<uint32_t>(arrived_at[k]) + root;
    std::copy(indices + i, indices + left, indices + kept);
    std::copy(pixels + i, pixels + left, pixels + kept);
    left = kept + left - i;
  }
}

// The same for either kind of nodes.
template <typename Bin>
size_t Gather(const uint64_t* HWY_RESTRICT nodes, uint32_t root, uint32_t end, size_t features, const Bin* HWY_RESTRICT bins,
              size_t row_bytes, size_t count, ForestScratch& scratch, uint32_t* HWY_RESTRICT leaves) {
  const WordLayout layout(features, end - root, sizeof(Bin));
  if (!layout.fits) return WalkGroups(NodeStep<Bin>(nodes, root, bins), row_bytes, root, count, scratch, leaves);
  if (scratch.words.size() < end - root) scratch.words.resize(end - root);
  PackTree(nodes, root, end, layout, scratch.words.data());
  const WordStep step(scratch.words.data(), reinterpret_cast<const uint8_t*>(bins), layout);
  return WalkGroups(step, row_bytes, root, count, scratch, leaves);
}

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_GATHER_WALK_H_
