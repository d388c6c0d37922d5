#include "common/stages/map_regulariser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "common/kernels/regularise/regularise.h"
#include "common/kernels/regularise/segmentation.h"
#include "common/testing/status_matchers.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr uint16_t kNone = 65535;
const std::vector<uint16_t> kFrozen = {0, kNone};
constexpr int kWidth = 700, kHeight = 1300, kField = 23;

struct Season {
  Image<uint16_t> codes{kWidth, kHeight};
  Image<kernels::SeasonDigest> digests{kWidth, kHeight};

  Season() {
    std::mt19937 random(3);
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        const int crop = CropAt(x, y);
        const uint32_t draw = random() % 100;
        codes(x, y) = draw < 15 ? static_cast<uint16_t>(11 + random() % 5) : draw < 16 ? kNone : static_cast<uint16_t>(11 + crop);
        for (size_t k = 0; k < 8; ++k) digests(x, y)[k] = static_cast<uint8_t>(100 + 13 * crop * (k % 2) + random() % 9);
      }
    }
  }
  static int CropAt(int x, int y) { return (x / kField + 2 * (y / kField)) % 5; }
};

// What comes out when so many rows come in at a time.
Image<uint16_t> Regularised(const Season& season, int rows_at_once, int threads, int tile_x, int tile_y) {
  Image<uint16_t> out(kWidth, kHeight);
  int next = 0;
  MapRegulariser regulariser({kWidth, kHeight, tile_x, tile_y, rows_at_once}, kFrozen, kNone, threads,
                             [&](const geo::Window& rows, raster::View<const uint16_t> codes) {
                               EXPECT_EQ(rows.y, next);
                               EXPECT_EQ(rows.width, kWidth);
                               next = rows.y + rows.height;
                               for (int y = 0; y < rows.height; ++y) {
                                 std::copy(codes.row(y).begin(), codes.row(y).end(), out.row(rows.y + y).begin());
                               }
                               return absl::OkStatus();
                             });
  for (int y = 0; y < kHeight; y += rows_at_once) {
    const geo::Window rows{0, y, kWidth, std::min(rows_at_once, kHeight - y)};
    const auto codes = regulariser.Codes(rows);
    const auto digests = regulariser.Digests(rows);
    for (int v = 0; v < rows.height; ++v) {
      EXPECT_EQ(std::count(codes.row(v).begin(), codes.row(v).end(), kNone), kWidth) << "rows come preset";
      std::copy(season.codes.row(y + v).begin(), season.codes.row(y + v).end(), codes.row(v).begin());
      std::copy(season.digests.row(y + v).begin(), season.digests.row(y + v).end(), digests.row(v).begin());
    }
    EXPECT_OK(regulariser.Advance(y + rows.height));
  }
  EXPECT_EQ(next, kHeight);
  return out;
}

TEST(MapRegulariser, GivesTheSameMapForAnyRowsAndThreads) {
  const Season season;
  const auto expected = Regularised(season, kHeight, 1, 300, 77);
  for (const auto& [rows, threads] : {std::pair(64, 1), std::pair(301, 2), std::pair(512, 3), std::pair(1024, 2)}) {
    EXPECT_EQ(Regularised(season, rows, threads, 300, 77), expected) << rows << " rows";
  }
}

// The corner of the map lies on a corner of cells; rows 0 to 512 of the first column are one cell.
TEST(MapRegulariser, ACellIsSegmentedWithItsMarginThenSmallRegionsGo) {
  const Season season;
  const auto out = Regularised(season, 512, 2, 0, 0);
  const geo::Window window{0, 0, 512 + 64, 512 + 64};
  Image<uint32_t> segments(window.width, window.height);
  Image<uint16_t> voted(window.width, window.height), cleaned(window.width, window.height);
  const double noise = 1.4 * kernels::PixelNoise(season.digests.view().Sub(window), season.codes.view().Sub(window), kFrozen);
  const uint32_t count = kernels::Segment(season.digests.view().Sub(window), season.codes.view().Sub(window), kFrozen,
                                          {0.01 * 127, std::clamp(noise, 0.02 * 127, 0.1 * 127), 10}, segments.view());
  kernels::VoteInSegments(season.codes.view().Sub(window), segments.view(), count, voted.view());
  kernels::RemoveSmallRegions(voted.view(), 10, kFrozen, cleaned.view());
  for (int y = 0; y < 512 - 20; ++y) {
    for (int x = 0; x < 512 - 20; ++x) ASSERT_EQ(out(x, y), cleaned(x, y)) << x << " " << y;
  }
}

TEST(MapRegulariser, FieldsAgree) {
  const Season season;
  const auto out = Regularised(season, 256, 2, 11, 5);
  int wrong = 0;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) wrong += out(x, y) != kNone && out(x, y) != 11 + Season::CropAt(x, y);
  }
  EXPECT_LT(wrong, kWidth * kHeight / 500);
}

}  // namespace
}  // namespace arpent::stages
