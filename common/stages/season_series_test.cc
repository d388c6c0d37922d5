#include "common/stages/season_series.h"

#include <gtest/gtest.h>

#include <vector>

namespace arpent::stages {
namespace {

TEST(Strips, CoverABlockOnceAndAreFoundByPixel) {
  for (const geo::Window block : {geo::Window{1020, 508, 1024, 512}, geo::Window{0, 0, 1, 1}, geo::Window{7, 3, 301, 19}}) {
    const std::vector<geo::Window> strips = StripsOf(block);
    std::vector<int> covered(static_cast<size_t>(block.width) * block.height);
    for (size_t s = 0; s < strips.size(); ++s) {
      for (int y = strips[s].y; y < strips[s].y + strips[s].height; ++y) {
        for (int x = strips[s].x; x < strips[s].x + strips[s].width; ++x) {
          ASSERT_EQ(StripAt(block, x, y), s) << x << ' ' << y;
          ++covered[static_cast<size_t>(y - block.y) * block.width + x - block.x];
        }
      }
    }
    EXPECT_EQ(covered, std::vector<int>(covered.size(), 1));
  }
}

TEST(Pieces, EndBeforeTheRastersBlocksDoAndCoverTheBlockOnce) {
  const std::vector<geo::Window> pieces = SeasonSeries::PiecesOf({1020, 2044, 1024, 300});
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0], (geo::Window{1020, 2044, 512, 300}));
  EXPECT_EQ(pieces[1], (geo::Window{1532, 2044, 512, 300}));
  EXPECT_EQ(SeasonSeries::PiecesOf({0, 0, 30, 20}), std::vector<geo::Window>({{0, 0, 30, 20}}));
}

}  // namespace
}  // namespace arpent::stages
