// Part of forest_engine.cc for instruction sets that compare 64 bytes at once. Included once per instruction set inside its
// namespace, hence the guard is never defined.
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_TOP_LEVELS_H_

// The uppermost levels of a tree: every split of theirs is compared for 64 pixels at once, in the columns
// of bins, and the answers along each pixel's path make the number of the node where it then stands.
class TopLevels {
 public:
  static constexpr size_t kLevels = 5, kNodes = size_t{1} << kLevels;
  static constexpr size_t kPixelsAtOnce = 64;
  static constexpr int kTable = 16;  // places that one permutation looks up

  TopLevels(const ForestNode* nodes, uint32_t root) {
    uint32_t ends[kNodes];
    TakeLevels<kLevels>(nodes, root, ends, [&](size_t h, const ForestNode& node) HWY_ATTR {
      features_[h] = static_cast<uint16_t>(node.feature());
      missing_[h] = node.missing_right() ? 1 : 0;
      thresholds_[h] = ByteThreshold(node.threshold);
    });
    for (size_t k = 0; k < kNodes; ++k) places_[k] = static_cast<int32_t>(ends[k] - root);
  }

  // indices[i]: where pixel i stands, for the first pixels of `count`; returns for how many.
  size_t Descend(const uint8_t* HWY_RESTRICT columns, size_t column_stride, size_t count,
                 int32_t* HWY_RESTRICT indices) const {
    const hn::CappedTag<uint8_t, kPixelsAtOnce> d;
    const hn::CappedTag<int32_t, 16> di;
    const hn::Rebind<uint8_t, decltype(di)> d_part;
    using M = hn::Mask<decltype(d)>;
    HWY_ALIGN uint8_t paths[kPixelsAtOnce];
    size_t i = 0;
    for (; i + kPixelsAtOnce <= count; i += kPixelsAtOnce) {
      M took_right[kLevels];
      auto path = hn::Zero(d);
      for (size_t level = 0; level < kLevels; ++level) {
        M right[kNodes / 2];
        const size_t width = size_t{1} << level;
        for (size_t j = 0; j < width; ++j) {
          const size_t h = width + j;
          const auto bins = hn::LoadU(d, columns + features_[h] * column_stride + i);
          right[j] = hn::Gt(hn::Sub(bins, hn::Set(d, missing_[h])), hn::Set(d, thresholds_[h]));
        }
        for (size_t above = level; above > 0; --above) {
          const M& chosen = took_right[above - 1];
          for (size_t j = 0; j < size_t{1} << (above - 1); ++j) {
            right[j] = hn::Or(hn::And(chosen, right[2 * j + 1]), hn::AndNot(chosen, right[2 * j]));
          }
        }
        took_right[level] = right[0];
        path = hn::Add(hn::Add(path, path), hn::IfThenElseZero(right[0], hn::Set(d, 1)));
      }
      hn::Store(path, d, paths);
      for (size_t v = 0; v < kPixelsAtOnce; v += hn::Lanes(di)) {
        const auto path_numbers = hn::PromoteTo(di, hn::LoadU(d_part, paths + v));
        const auto lanes = hn::IndicesFromVec(di, hn::And(path_numbers, hn::Set(di, kTable - 1)));
        auto place = hn::TableLookupLanes(hn::Load(di, places_), lanes);
        for (int table = kTable; table < static_cast<int>(kNodes); table += kTable) {
          place = hn::IfThenElse(hn::Lt(path_numbers, hn::Set(di, table)), place,
                                 hn::TableLookupLanes(hn::Load(di, places_ + table), lanes));
        }
        hn::StoreU(place, di, indices + i + v);
      }
    }
    return i;
  }

 private:
  uint16_t features_[kNodes];
  uint8_t missing_[kNodes], thresholds_[kNodes];
  HWY_ALIGN int32_t places_[kNodes];  // by path, within the tree
};

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_TOP_LEVELS_H_
