#include "common/stages/segment_vote.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "common/kernels/regularise/regularise.h"
#include "common/kernels/regularise/segmentation.h"
#include "common/stages/small_regions.h"
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

void Paste(const geo::Window& window, raster::View<const uint16_t> codes, Image<uint16_t>& into) {
  for (int y = 0; y < window.height; ++y) {
    std::copy(codes.row(y).begin(), codes.row(y).end(), into.row(window.y + y).begin() + window.x);
  }
}

// Votes in a window of the map whose rows come in so many at a time.
void Vote(const Season& season, const CellLattice& lattice, const geo::Window& wanted, int rows_at_once, int threads,
          const SegmentVote::Emit& emit) {
  const geo::Window known = lattice.WithMargin(wanted);
  int next = wanted.y;
  SegmentVote vote({lattice, wanted, rows_at_once}, kFrozen, kNone, threads,
                   [&](const geo::Window& rows, raster::View<const uint16_t> codes) {
                     EXPECT_EQ(rows, (geo::Window{wanted.x, next, wanted.width, rows.height}));
                     next = rows.y + rows.height;
                     return emit(rows, codes);
                   });
  for (int y = known.y; y < known.y + known.height; y += rows_at_once) {
    const geo::Window rows{known.x, y, known.width, std::min(rows_at_once, known.y + known.height - y)};
    const auto codes = vote.Codes(rows);
    const auto digests = vote.Digests(rows);
    for (int v = 0; v < rows.height; ++v) {
      EXPECT_EQ(std::count(codes.row(v).begin(), codes.row(v).end(), kNone), known.width) << "rows come preset";
      std::copy_n(season.codes.row(y + v).begin() + known.x, known.width, codes.row(v).begin());
      std::copy_n(season.digests.row(y + v).begin() + known.x, known.width, digests.row(v).begin());
    }
    EXPECT_OK(vote.Advance(y + rows.height));
  }
  EXPECT_EQ(next, wanted.y + wanted.height);
}

// The whole map after both steps.
Image<uint16_t> Regularised(const Season& season, int rows_at_once, int threads, int tile_x, int tile_y) {
  Image<uint16_t> out(kWidth, kHeight);
  int next = 0;
  SmallRegions small_regions(kWidth, kHeight, kFrozen, threads,
                             [&](const geo::Window& rows, raster::View<const uint16_t> codes) {
                               EXPECT_EQ(rows, (geo::Window{0, next, kWidth, rows.height}));
                               next = rows.y + rows.height;
                               Paste(rows, codes, out);
                               return absl::OkStatus();
                             });
  const geo::Window whole{0, 0, kWidth, kHeight};
  Vote(season, {whole, tile_x, tile_y}, whole, rows_at_once, threads,
       [&](const geo::Window& rows, raster::View<const uint16_t> codes) { return small_regions.Add(rows, codes); });
  EXPECT_EQ(next, kHeight);
  return out;
}

TEST(Regularisation, GivesTheSameMapForAnyRowsAndThreads) {
  const Season season;
  const auto expected = Regularised(season, kHeight, 1, 300, 77);
  for (const auto& [rows, threads] : {std::pair(64, 1), std::pair(301, 2), std::pair(512, 3), std::pair(1024, 2)}) {
    EXPECT_EQ(Regularised(season, rows, threads, 300, 77), expected) << rows << " rows";
  }
}

TEST(Regularisation, WindowsOfWholeCellsVoteAsTheWholeMapDoes) {
  const Season season;
  const geo::Window whole{0, 0, kWidth, kHeight};
  const CellLattice lattice{whole, 301, 77};
  Image<uint16_t> expected(kWidth, kHeight), got(kWidth, kHeight);
  const auto into = [](Image<uint16_t>& image) {
    return [&image](const geo::Window& rows, raster::View<const uint16_t> codes) {
      Paste(rows, codes, image);
      return absl::OkStatus();
    };
  };
  Vote(season, lattice, whole, 256, 2, into(expected));
  int64_t pixels = 0;
  for (int y = 0; y < kHeight; y += 512) {
    for (int x = 0; x < kWidth; x += 512) {
      const geo::Window cells = lattice.WholeCells(geo::Intersection({x, y, 512, 512}, whole));
      Vote(season, lattice, cells, 100, 2, into(got));
      pixels += int64_t{cells.width} * cells.height;
    }
  }
  EXPECT_EQ(pixels, int64_t{kWidth} * kHeight) << "side by side, none twice";
  EXPECT_EQ(got, expected);
}

TEST(Regularisation, SmallRegionsGoAlikeForAnyRows) {
  const Season season;
  Image<uint16_t> expected(kWidth, kHeight);
  kernels::RemoveSmallRegions(season.codes.view(), 10, kFrozen, expected.view());
  for (const int rows_at_once : {7, 128, kHeight}) {
    Image<uint16_t> out(kWidth, kHeight);
    SmallRegions small_regions(kWidth, kHeight, kFrozen, 2, [&](const geo::Window& rows, raster::View<const uint16_t> codes) {
      Paste(rows, codes, out);
      return absl::OkStatus();
    });
    for (int y = 0; y < kHeight; y += rows_at_once) {
      const geo::Window rows{0, y, kWidth, std::min(rows_at_once, kHeight - y)};
      ASSERT_OK(small_regions.Add(rows, season.codes.view().Sub(rows)));
    }
    EXPECT_EQ(out, expected) << rows_at_once;
  }
}

// The corner of the map lies on a corner of cells; rows 0 to 512 of the first column are one cell.
TEST(Regularisation, ACellIsSegmentedWithItsMarginThenSmallRegionsGo) {
  const Season season;
  const auto out = Regularised(season, 512, 2, 0, 0);
  const geo::Window window{0, 0, 512 + 64, 512 + 64};
  Image<uint32_t> segments(window.width, window.height);
  Image<uint16_t> voted(window.width, window.height), cleaned(window.width, window.height);
  const double noise = 1.4 * kernels::PixelNoise(season.digests.view().Sub(window), season.codes.view().Sub(window), kFrozen);
  const uint32_t count = kernels::Segment(season.digests.view().Sub(window), season.codes.view().Sub(window), kFrozen,
                                          {0.01 * 127, std::clamp(noise, 0.02 * 127, 0.1 * 127)}, segments.view());
  kernels::VoteInSegments(season.codes.view().Sub(window), segments.view(), count, voted.view());
  kernels::RemoveSmallRegions(voted.view(), 10, kFrozen, cleaned.view());
  for (int y = 0; y < 512 - 20; ++y) {
    for (int x = 0; x < 512 - 20; ++x) ASSERT_EQ(out(x, y), cleaned(x, y)) << x << " " << y;
  }
}

TEST(Regularisation, FieldsAgree) {
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
