// Part of forest_engine.cc for instruction sets that look 16 floats up at once: bins of whole columns of values. Included once
// per instruction set inside its namespace, hence the guard is never defined.
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_BYTE_COLUMNS_H_

// A binary search for 16 values at a time, each level one look-up in registers. Level l has 2^l edges to compare with, in
// the order of the decisions that lead to them; where they are more than two registers hold, the first decisions choose
// among the pairs.
template <int kLevels>
class ColumnQuantiser {
 public:
  explicit ColumnQuantiser(std::span<const float> edges) {
    HWY_ALIGN float padded[size_t{1} << kLevels];
    std::fill(std::copy(edges.begin(), edges.end(), padded), std::end(padded), std::numeric_limits<float>::infinity());
    for (int level = 0; level < kLevels; ++level) {
      const size_t step = size_t{1} << (kLevels - level);
      for (size_t j = 0; j < size_t{1} << level; ++j) tables_[level][j] = padded[j * step + step / 2 - 1];
    }
  }

  // Not a number becomes 0, any other value 1 + the number of edges that are not above it.
  void Run(const float* HWY_RESTRICT plane, size_t count, uint8_t* HWY_RESTRICT bins) const {
    size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) hn::StoreU(BinsOf(hn::LoadU(d_, plane + i)), d8_, bins + i);
    if (i == count) return;
    float last[kLanes] = {};
    uint8_t last_bins[kLanes];
    std::copy(plane + i, plane + count, last);
    hn::StoreU(BinsOf(hn::LoadU(d_, last)), d8_, last_bins);
    std::copy_n(last_bins, count - i, bins + i);
  }

 private:
  static constexpr size_t kLanes = 16, kMostEdges = 128;
  using D = hn::CappedTag<float, kLanes>;
  static constexpr D d_{};
  static constexpr hn::Rebind<int32_t, D> d32_{};
  static constexpr hn::Rebind<uint8_t, D> d8_{};
  using V = hn::Vec<D>;
  using V32 = hn::Vec<hn::Rebind<int32_t, D>>;
  using M = hn::Mask<D>;

  // Of the pairs of registers of a level from kFirst on, the decisions from kDecision on choose one, each between halves.
  template <int kLevel, int kFirst, int kDecision>
  HWY_INLINE V LookUp(const M* decided, V32 path) const {
    constexpr int kLeft = std::max(0, kLevel - 5) - kDecision;
    if constexpr (kLevel < 5) {
      return hn::TableLookupLanes(hn::Load(d_, tables_[kLevel]), hn::IndicesFromVec(d_, path));
    } else if constexpr (kLeft == 0) {
      // Of 32 edges, by the last five decisions: Highway 1.0 has no name for this instruction.
      const float* pair = tables_[kLevel] + kFirst * 2 * kLanes;
      return V{_mm512_permutex2var_ps(hn::Load(d_, pair).raw, path.raw, hn::Load(d_, pair + kLanes).raw)};
    } else {
      constexpr int kHalf = 1 << (kLeft - 1);
      return hn::IfThenElse(decided[kDecision], LookUp<kLevel, kFirst + kHalf, kDecision + 1>(decided, path),
                            LookUp<kLevel, kFirst, kDecision + 1>(decided, path));
    }
  }

  template <int kLevel>
  HWY_INLINE V32 Descend(V value, M* decided, V32 below) const {
    if constexpr (kLevel == kLevels) {
      return below;
    } else {
      decided[kLevel] = hn::Le(LookUp<kLevel, 0, 0>(decided, below), value);
      const auto twice = hn::Add(below, below);
      const auto next = hn::Add(twice, hn::Set(d32_, 1));
      return Descend<kLevel + 1>(value, decided, hn::IfThenElse(hn::RebindMask(d32_, decided[kLevel]), next, twice));
    }
  }

  HWY_INLINE hn::Vec<hn::Rebind<uint8_t, D>> BinsOf(V value) const {
    // Infinity would count what fills the tables up.
    const V finite = hn::Min(value, hn::Set(d_, std::numeric_limits<float>::max()));
    M decided[kLevels];
    const V32 not_above = Descend<0>(finite, decided, hn::Zero(d32_));
    const auto number = hn::RebindMask(d32_, hn::Eq(value, value));
    return hn::DemoteTo(d8_, hn::IfThenElseZero(number, hn::Add(not_above, hn::Set(d32_, 1))));
  }

  HWY_ALIGN float tables_[kLevels][kMostEdges];
};

void QuantiseColumn(std::span<const float> edges, const float* HWY_RESTRICT plane, size_t count,
                    uint8_t* HWY_RESTRICT bins) {
  if (edges.size() < 16) return ColumnQuantiser<4>(edges).Run(plane, count, bins);
  if (edges.size() < 32) return ColumnQuantiser<5>(edges).Run(plane, count, bins);
  if (edges.size() < 64) return ColumnQuantiser<6>(edges).Run(plane, count, bins);
  if (edges.size() < 128) return ColumnQuantiser<7>(edges).Run(plane, count, bins);
  ColumnQuantiser<8>(edges).Run(plane, count, bins);
}

// columns[f * count + i] to rows[i * stride + f]: eight features at a time, so that a pixel takes one store for all of them.
// Strides are multiples of eight.
void TransposeColumns(const uint8_t* HWY_RESTRICT columns, size_t features, size_t count, size_t stride,
                      uint8_t* HWY_RESTRICT rows) {
  constexpr size_t kTogether = 8;
  const hn::Full128<uint8_t> d;
  const hn::Repartition<uint16_t, decltype(d)> d16;
  const hn::Repartition<uint32_t, decltype(d)> d32;
  const hn::Half<decltype(d)> half;
  size_t f = 0;
  for (; f + kTogether <= features; f += kTogether) {
    const uint8_t* HWY_RESTRICT from = columns + f * count;
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
      const auto pair = [&](size_t k) HWY_ATTR {  // of columns k and k + 1: eight 16-bit words
        return hn::InterleaveLower(d, hn::ZeroExtendVector(d, hn::LoadU(half, from + k * count + i)),
                                   hn::ZeroExtendVector(d, hn::LoadU(half, from + (k + 1) * count + i)));
      };
      const auto p0 = hn::BitCast(d16, pair(0)), p1 = hn::BitCast(d16, pair(2));
      const auto p2 = hn::BitCast(d16, pair(4)), p3 = hn::BitCast(d16, pair(6));
      const auto low01 = hn::BitCast(d32, hn::InterleaveLower(d16, p0, p1));
      const auto high01 = hn::BitCast(d32, hn::InterleaveUpper(d16, p0, p1));
      const auto low23 = hn::BitCast(d32, hn::InterleaveLower(d16, p2, p3));
      const auto high23 = hn::BitCast(d32, hn::InterleaveUpper(d16, p2, p3));
      const auto store_two = [&](size_t pixel, auto both) HWY_ATTR {
        const auto bytes = hn::BitCast(d, both);
        hn::StoreU(hn::LowerHalf(half, bytes), half, rows + (i + pixel) * stride + f);
        hn::StoreU(hn::UpperHalf(half, bytes), half, rows + (i + pixel + 1) * stride + f);
      };
      store_two(0, hn::InterleaveLower(d32, low01, low23));
      store_two(2, hn::InterleaveUpper(d32, low01, low23));
      store_two(4, hn::InterleaveLower(d32, high01, high23));
      store_two(6, hn::InterleaveUpper(d32, high01, high23));
    }
    for (; i < count; ++i) {
      for (size_t k = 0; k < kTogether; ++k) rows[i * stride + f + k] = from[k * count + i];
    }
  }
  for (; f < features; ++f) {
    for (size_t i = 0; i < count; ++i) rows[i * stride + f] = columns[f * count + i];
  }
}

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_BYTE_COLUMNS_H_
