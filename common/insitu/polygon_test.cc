#include "common/insitu/polygon.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "common/raster/image.h"

namespace arpent::insitu {
namespace {

const geo::Grid kGrid{32633, 500000, 5100000, 10, 40, 30};

// Even-odd rule by the angle that the ring winds around the point: nothing in common with scan lines.
bool Inside(const Polygon& polygon, double x, double y) {
  int rings = 0;
  for (const auto& ring : polygon.rings) {
    double angle = 0;
    for (size_t i = 0; i < ring.size(); ++i) {
      const Point &a = ring[i], &b = ring[(i + 1) % ring.size()];
      angle += std::remainder(std::atan2(b.y - y, b.x - x) - std::atan2(a.y - y, a.x - x), 2 * M_PI);
    }
    rings += std::abs(angle) > M_PI;
  }
  return rings % 2 == 1;
}

raster::Image<int> Count(const Polygon& polygon, const geo::Window& window) {
  raster::Image<int> image(kGrid.width, kGrid.height);
  ForEachSpan(polygon, kGrid, window, [&](int y, int first, int last) {
    for (int x = first; x < last; ++x) ++image(x, y);
  });
  return image;
}

Polygon Star(std::mt19937& random, double cx, double cy, double radius, bool hole) {
  Polygon polygon;
  std::uniform_real_distribution<double> part(0.5, 1.0);
  for (double scale : {1.0, 0.4}) {
    if (scale < 1 && !hole) break;
    std::vector<Point> ring;
    for (int k = 0; k < 9; ++k) {
      const double r = radius * scale * part(random);
      ring.push_back({cx + r * std::cos(k * 2 * M_PI / 9), cy + r * std::sin(k * 2 * M_PI / 9)});
    }
    polygon.rings.push_back(ring);
  }
  return polygon;
}

TEST(ForEachSpan, HoldsThePixelsWhoseCentreIsInside) {
  std::mt19937 random(3);
  int inside = 0;
  for (int trial = 0; trial < 60; ++trial) {
    const Polygon polygon = Star(random, 500000 + random() % 500, 5100000 - random() % 400, 20 + random() % 150, trial % 2);
    const auto image = Count(polygon, kGrid.Whole());
    for (int y = 0; y < kGrid.height; ++y) {
      for (int x = 0; x < kGrid.width; ++x) {
        EXPECT_EQ(image(x, y), Inside(polygon, kGrid.CentreX(x), kGrid.CentreY(y))) << trial << " " << x << " " << y;
        inside += image(x, y);
      }
    }
  }
  EXPECT_GT(inside, 3000);
}

TEST(ForEachSpan, GivesTheSamePixelsInEveryWindow) {
  std::mt19937 random(4);
  const Polygon polygon = Star(random, 500210, 5099850, 140, true);
  const auto whole = Count(polygon, kGrid.Whole());
  auto pieces = raster::Image<int>(kGrid.width, kGrid.height);
  for (int y = 0; y < kGrid.height; y += 7) {
    for (int x = 0; x < kGrid.width; x += 11) {
      const auto piece = Count(polygon, {x, y, 11, 7});
      for (size_t i = 0; i < piece.size(); ++i) pieces.data()[i] += piece.data()[i];
    }
  }
  EXPECT_EQ(whole, pieces);
}

TEST(ForEachSpan, NeighboursShareNoPixelAndLeaveNone) {
  // A square cut in four along lines through pixel centres.
  const double w = 500005, e = 500205, n = 5099995, s = 5099795, mx = 500105, my = 5099895;
  int covered = 0;
  raster::Image<int> sum(kGrid.width, kGrid.height);
  for (const auto& [x0, x1] : {std::pair(w, mx), std::pair(mx, e)}) {
    for (const auto& [y0, y1] : {std::pair(s, my), std::pair(my, n)}) {
      const auto image = Count({{{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}}}, kGrid.Whole());
      for (size_t i = 0; i < image.size(); ++i) sum.data()[i] += image.data()[i];
    }
  }
  for (size_t i = 0; i < sum.size(); ++i) {
    EXPECT_LE(sum.data()[i], 1);
    covered += sum.data()[i];
  }
  EXPECT_EQ(covered, 20 * 20);
}

TEST(Polygon, AreaSubtractsHolesWhateverTheirDirection) {
  const std::vector<Point> outer = {{0, 0}, {10, 0}, {10, 10}, {0, 10}};
  const std::vector<Point> hole = {{2, 2}, {4, 2}, {4, 4}, {2, 4}};
  const std::vector<Point> turned(hole.rbegin(), hole.rend());
  EXPECT_DOUBLE_EQ((Polygon{{outer}}).Area(), 100);
  EXPECT_DOUBLE_EQ((Polygon{{outer, hole}}).Area(), 96);
  EXPECT_DOUBLE_EQ((Polygon{{outer, turned}}).Area(), 96);
  EXPECT_TRUE(Polygon{}.Bounds().west > Polygon{}.Bounds().east);
  EXPECT_EQ(WindowOf(Polygon{}, kGrid).width, 0);
}

}  // namespace
}  // namespace arpent::insitu
