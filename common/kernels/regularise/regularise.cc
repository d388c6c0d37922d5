#include "common/kernels/regularise/regularise.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace arpent::kernels {
namespace {

bool IsFrozen(std::span<const uint16_t> frozen, uint16_t code) {
  return std::find(frozen.begin(), frozen.end(), code) != frozen.end();
}

// Counts of a few codes; linear search beats a table for the handful that a neighbourhood holds.
class Votes {
 public:
  void Clear() { entries_.clear(); }
  void Add(uint16_t code) {
    for (auto& [known, count] : entries_) {
      if (known == code) {
        ++count;
        return;
      }
    }
    entries_.emplace_back(code, 1);
  }
  bool empty() const { return entries_.empty(); }
  // The most frequent code; of equals `preferred`, else the lowest.
  uint16_t Winner(uint16_t preferred) const {
    std::pair<uint16_t, int> best = entries_.front();
    for (const auto& entry : entries_) {
      const bool equal = entry.second == best.second;
      const bool better_equal = equal && best.first != preferred && (entry.first == preferred || entry.first < best.first);
      if (entry.second > best.second || better_equal) best = entry;
    }
    return best.first;
  }

 private:
  std::vector<std::pair<uint16_t, int>> entries_;
};

enum RegionSize : uint8_t { kUnknown, kLarge, kSmall };

// Walks regions of a map, never farther than the size that matters.
class RegionWalker {
 public:
  RegionWalker(raster::View<const uint16_t> map, int smallest)
      : map_(map), smallest_(static_cast<size_t>(smallest)), size_(map.width(), map.height(), kUnknown) {}

  uint8_t size(int x, int y) const { return size_(x, y); }
  const std::vector<std::pair<int, int>>& pixels() const { return pixels_; }

  // Finds out whether the region of a pixel is large, for all its pixels that were met on the way.
  void Measure(int x, int y) {
    if (size_(x, y) != kUnknown) return;
    const bool large = !Collect(x, y);
    for (const auto& [px, py] : pixels_) size_(px, py) = large ? kLarge : kSmall;
  }

  // Collects the region's pixels; false when there are `smallest` or more, or one is known to be of a large region.
  bool Collect(int x, int y) {
    const uint16_t code = map_(x, y);
    pixels_.assign(1, {x, y});
    for (size_t next = 0; next < pixels_.size(); ++next) {
      const auto [cx, cy] = pixels_[next];
      for (const auto& [dx, dy] : kAround) {
        const int nx = cx + dx, ny = cy + dy;
        if (nx < 0 || ny < 0 || nx >= map_.width() || ny >= map_.height() || map_(nx, ny) != code) continue;
        if (size_(nx, ny) == kLarge) return false;
        if (std::find(pixels_.begin(), pixels_.end(), std::pair(nx, ny)) != pixels_.end()) continue;
        pixels_.emplace_back(nx, ny);
        if (pixels_.size() >= smallest_) return false;
      }
    }
    return pixels_.size() < smallest_;
  }

  static constexpr std::array<std::pair<int, int>, 4> kSides = {{{0, -1}, {-1, 0}, {1, 0}, {0, 1}}};
  static constexpr std::array<std::pair<int, int>, 8> kAround = {
      {{0, -1}, {-1, 0}, {1, 0}, {0, 1}, {-1, -1}, {1, -1}, {-1, 1}, {1, 1}}};

 private:
  const raster::View<const uint16_t> map_;
  const size_t smallest_;
  raster::Image<uint8_t> size_;
  std::vector<std::pair<int, int>> pixels_;
};

}  // namespace

void RemoveSmallRegions(raster::View<const uint16_t> in, int smallest, std::span<const uint16_t> frozen,
                        raster::View<uint16_t> out) {
  RegionWalker walker(in, smallest);
  for (int y = 0; y < in.height(); ++y) {
    for (int x = 0; x < in.width(); ++x) {
      out(x, y) = in(x, y);
      if (!IsFrozen(frozen, in(x, y))) walker.Measure(x, y);
    }
  }
  Votes large, all;
  raster::Image<uint8_t> done(in.width(), in.height());
  for (int y = 0; y < in.height(); ++y) {
    for (int x = 0; x < in.width(); ++x) {
      if (walker.size(x, y) != kSmall || done(x, y) != 0) continue;
      walker.Collect(x, y);
      large.Clear();
      all.Clear();
      for (const auto& [cx, cy] : walker.pixels()) {
        done(cx, cy) = 1;
        for (const auto& [dx, dy] : RegionWalker::kSides) {
          const int nx = cx + dx, ny = cy + dy;
          if (nx < 0 || ny < 0 || nx >= in.width() || ny >= in.height()) continue;
          const uint16_t code = in(nx, ny);
          if (code == in(x, y) || IsFrozen(frozen, code)) continue;
          all.Add(code);
          if (walker.size(nx, ny) == kLarge) large.Add(code);
        }
      }
      if (all.empty()) continue;
      const uint16_t winner = (large.empty() ? all : large).Winner(in(x, y));
      for (const auto& [cx, cy] : walker.pixels()) out(cx, cy) = winner;
    }
  }
}

}  // namespace arpent::kernels
