#include "common/stages/parted_publication.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/raster/image.h"

namespace arpent::stages {
namespace {

std::vector<geo::Window> AllParts(const geo::Grid& grid, int across, int block) {
  std::vector<geo::Window> windows;
  for (int i = 0; i < across * across; ++i) windows.push_back(PartWindow(grid, {.across = across, .index = i}, block));
  return windows;
}

TEST(PartWindow, CutsAFullTileIntoWholeBlocks) {
  const geo::Grid tile{32633, 399960, 5000040, 10, 10980, 10980};
  const auto parts = AllParts(tile, 4, 1024);
  EXPECT_EQ(parts[0], (geo::Window{0, 0, 3072, 3072}));
  EXPECT_EQ(parts[6], (geo::Window{6144, 3072, 3072, 3072}));
  EXPECT_EQ(parts[15], (geo::Window{9216, 9216, 1764, 1764}));
}

TEST(PartWindow, CoversEveryPixelOnceHoweverItIsCut) {
  for (const auto& [width, height] : {std::pair(1, 1), std::pair(1024, 1025), std::pair(5000, 3100), std::pair(2048, 700)}) {
    const geo::Grid grid{32633, 399960, 5000040, 10, width, height};
    for (const int across : {1, 2, 3, 4, 7}) {
      raster::Image<uint8_t> seen(width, height);
      for (const geo::Window& part : AllParts(grid, across, 512)) {
        EXPECT_EQ(part.x % 512 * part.width, 0);
        EXPECT_EQ(part.y % 512 * part.height, 0);
        for (int y = 0; y < part.height; ++y) {
          for (int x = 0; x < part.width; ++x) ++seen(part.x + x, part.y + y);
        }
      }
      EXPECT_EQ(std::count(seen.data(), seen.data() + seen.size(), 1), int64_t{width} * height) << across;
    }
  }
}

TEST(PartWindow, OfATaskThatMakesNoPartIsTheWhole) {
  const geo::Grid grid{32633, 399960, 5000040, 10, 3000, 2000};
  EXPECT_EQ(PartWindow(grid, {}, 512), grid.Whole());
  EXPECT_EQ(PartWindow(grid, {.across = 4}, 512), grid.Whole());
}

TEST(TaskPart, IsNotOfTheKey) {
  TaskSpec task{.stage = "composite", .algorithm_version = 1, .tile = "33TVL"};
  const HexDigest key = task.Key();
  task.part = {.across = 4, .index = 3};
  EXPECT_EQ(task.Key(), key);
}

}  // namespace
}  // namespace arpent::stages
