#include "common/kernels/regularise/regularise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <vector>

namespace arpent::kernels {
namespace {

using raster::Image;
constexpr uint16_t kNone = 65535;
const std::vector<uint16_t> kFrozen = {0, kNone};

// Blobs with noise, holes of no-data and of not cropland.
Image<uint16_t> RandomMap(int width, int height, uint32_t seed) {
  std::mt19937 random(seed);
  Image<uint16_t> map(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const uint16_t field = static_cast<uint16_t>(11 + (x / 9 + y / 7 * 3) % 4);
      const uint32_t draw = random() % 100;
      map(x, y) = draw < 15 ? static_cast<uint16_t>(11 + random() % 4) : draw < 18 ? 0 : draw < 20 ? kNone : field;
    }
  }
  return map;
}

// Labels every region by repeated spreading: slow, and nothing like the walker.
Image<uint16_t> SlowRemove(const Image<uint16_t>& in, int smallest) {
  Image<int> region(in.width(), in.height());
  for (size_t i = 0; i < region.size(); ++i) region.data()[i] = static_cast<int>(i);
  const auto for_sides = [&](int x, int y, auto visit) {
    for (const auto& [dx, dy] : {std::pair(1, 0), std::pair(-1, 0), std::pair(0, 1), std::pair(0, -1)}) {
      const int u = x + dx, v = y + dy;
      if (u >= 0 && v >= 0 && u < in.width() && v < in.height()) visit(u, v);
    }
  };
  const auto for_around = [&](int x, int y, auto visit) {
    for (int v = std::max(0, y - 1); v <= std::min(in.height() - 1, y + 1); ++v) {
      for (int u = std::max(0, x - 1); u <= std::min(in.width() - 1, x + 1); ++u) visit(u, v);
    }
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (int y = 0; y < in.height(); ++y) {
      for (int x = 0; x < in.width(); ++x) {
        for_around(x, y, [&](int u, int v) {
          if (in(u, v) == in(x, y) && region(u, v) < region(x, y)) region(x, y) = region(u, v), changed = true;
        });
      }
    }
  }
  std::map<int, int> size;
  for (size_t i = 0; i < region.size(); ++i) ++size[region.data()[i]];
  const auto frozen = [](uint16_t code) { return code == 0 || code == kNone; };
  std::map<int, std::map<uint16_t, int>> large, all;
  for (int y = 0; y < in.height(); ++y) {
    for (int x = 0; x < in.width(); ++x) {
      for_sides(x, y, [&](int u, int v) {
        if (in(u, v) == in(x, y) || frozen(in(u, v))) return;
        ++all[region(x, y)][in(u, v)];
        if (size[region(u, v)] >= smallest) ++large[region(x, y)][in(u, v)];
      });
    }
  }
  Image<uint16_t> out = in;
  for (int y = 0; y < in.height(); ++y) {
    for (int x = 0; x < in.width(); ++x) {
      const int own = region(x, y);
      if (frozen(in(x, y)) || size[own] >= smallest || all[own].empty()) continue;
      int most = 0;
      for (const auto& [code, count] : large[own].empty() ? all[own] : large[own]) {
        if (count > most) most = count, out(x, y) = code;
      }
    }
  }
  return out;
}

Image<uint16_t> Remove(const Image<uint16_t>& in, int smallest) {
  Image<uint16_t> out(in.width(), in.height());
  RemoveSmallRegions(in.view(), smallest, kFrozen, out.view());
  return out;
}

TEST(RemoveSmallRegions, EqualsTheSlowRemoval) {
  for (uint32_t seed : {1, 2, 3}) {
    const auto map = RandomMap(61, 47, seed);
    for (int smallest : {1, 2, 10, 30}) EXPECT_EQ(Remove(map, smallest), SlowRemove(map, smallest)) << seed << smallest;
  }
}

TEST(RemoveSmallRegions, ATrackThatRunsAslantStays) {
  Image<uint16_t> map(40, 40, 11);
  for (int i = 0; i < 30; ++i) map(i + 5, i + 5) = 12;
  map(30, 8) = 12;
  const Image<uint16_t> cleaned = Remove(map, 10);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(cleaned(i + 5, i + 5), 12) << i;
  EXPECT_EQ(cleaned(30, 8), 11);
}

TEST(RemoveSmallRegions, AWindowWithItsMarginEqualsTheWhole) {
  const auto map = RandomMap(120, 90, 9);
  const int smallest = 10, margin = 2 * smallest;
  const auto whole = Remove(map, smallest);
  const geo::Window inner{40, 35, 30, 20};
  Image<uint16_t> part(inner.width + 2 * margin, inner.height + 2 * margin);
  for (int y = 0; y < part.height(); ++y) {
    for (int x = 0; x < part.width(); ++x) part(x, y) = map(inner.x - margin + x, inner.y - margin + y);
  }
  const auto cleaned = Remove(part, smallest);
  for (int y = 0; y < inner.height; ++y) {
    for (int x = 0; x < inner.width; ++x) EXPECT_EQ(cleaned(x + margin, y + margin), whole(inner.x + x, inner.y + y));
  }
}

}  // namespace
}  // namespace arpent::kernels
