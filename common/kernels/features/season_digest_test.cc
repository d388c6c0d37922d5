#include "common/kernels/features/season_digest.h"

#include <gtest/gtest.h>

#include <cmath>

namespace arpent::kernels {
namespace {

TEST(DigestSeason, HoldsTheMeansOfTheQuarters) {
  for (size_t dates : {1, 3, 8, 11}) {
    FilledSeries series;
    series.Reset(3, 2, dates);
    for (size_t t = 0; t < dates; ++t) {
      for (size_t i = 0; i < 3; ++i) {
        const double ndvi = i == 0 ? -1 + 2.0 * t / dates : 0.9;
        series.plane(0, t)[i] = i == 2 ? NAN : static_cast<float>(0.2 * (1 - ndvi));
        series.plane(1, t)[i] = i == 2 ? NAN : static_cast<float>(0.2 * (1 + ndvi));
      }
    }
    SeasonDigest digests[3];
    DigestSeason(series, 0, 1, digests);
    for (size_t quarter = 0; quarter < 4; ++quarter) {
      const size_t first = quarter * dates / 4, last = std::max(first + 1, (quarter + 1) * dates / 4);
      double mean = 0;
      for (size_t t = first; t < last; ++t) mean += (-1 + 2.0 * t / dates) / (last - first);
      EXPECT_NEAR(digests[0][quarter], 127 * (1 + mean), 0.51) << dates << " " << quarter;
      EXPECT_EQ(digests[1][quarter], std::lround(127 * 1.9));
      EXPECT_EQ(digests[2][quarter], 0);
    }
  }
}

}  // namespace
}  // namespace arpent::kernels
