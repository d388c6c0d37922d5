#include "common/kernels/features/season_statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace arpent::kernels {
namespace {

using Record = std::vector<double>;

double Mean(const Record& r, size_t from, size_t count) {
  return std::accumulate(r.begin() + from, r.begin() + from + count, 0.0) / count;
}

struct Transition {
  double area = 0, days = 0, slope = 0;
};

// Every pair of records with a monotone stretch between them.
Transition SlowTransition(const Record& r, const std::vector<int>& days, int sign) {
  Transition best;
  for (size_t a = 0; a < r.size(); ++a) {
    for (size_t b = a + 1; b < r.size() && sign * (r[b] - r[b - 1]) > 0; ++b) {
      const double lasts = days[b] - days[a], area = sign * (r[b] - r[a]) * lasts / 2;
      if (area > best.area) best = {area, lasts, (r[b] - r[a]) / lasts};
    }
  }
  return best;
}

double SlowPlateauDays(const Record& r, const std::vector<int>& days, double level, double tolerance) {
  double longest = 0;
  for (size_t a = 0; a < r.size(); ++a) {
    for (size_t b = a; b < r.size() && std::abs(r[b] - level) <= tolerance; ++b) {
      longest = std::max<double>(longest, days[b] - days[a]);
    }
  }
  return longest;
}

class SeasonStatisticsTest : public ::testing::TestWithParam<int> {
 protected:
  // Random walks of coarse steps, so that equal neighbours, plateaus and crossings occur; pixel 3 was never seen.
  void SetUp() override {
    std::mt19937 random(GetParam());
    days_.resize(GetParam());
    for (int t = 0; t < GetParam(); ++t) days_[t] = 18000 + 10 * t;
    values_.resize(kPixels * days_.size());
    for (size_t i = 0; i < kPixels; ++i) {
      double level = 0.3;
      for (size_t t = 0; t < days_.size(); ++t) {
        level += 0.07 * (static_cast<int>(random() % 5) - 2);
        level = std::clamp(level, -0.2, 0.9);
        values_[t * kPixels + i] = i == 3 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(level);
      }
    }
    series_ = {values_.data(), kPixels, days_};
  }
  Record RecordOf(size_t pixel) const {
    Record record;
    for (size_t t = 0; t < days_.size(); ++t) record.push_back(values_[t * kPixels + pixel]);
    return record;
  }
  static constexpr size_t kPixels = 600;
  std::vector<int> days_;
  std::vector<float> values_;
  SeriesPlanes series_;
};

TEST_P(SeasonStatisticsTest, EqualTheObviousComputationInDouble) {
  std::vector<std::vector<float>> p(17, std::vector<float>(kPixels));
  Extremes(series_, p[0].data(), p[1].data());
  MeanAndDeviation(series_, p[2].data(), p[3].data());
  Median(series_, p[4].data());
  WindowContrasts(series_, 6, p[5].data(), p[6].data(), p[7].data());
  Plateau(series_, 6, 0.05f, p[8].data(), p[9].data(), p[10].data());
  LargestTransition(series_, 1, p[11].data(), p[12].data(), p[13].data());
  LargestTransition(series_, -1, p[14].data(), p[15].data(), p[16].data());
  for (size_t i = 0; i < kPixels; ++i) {
    if (i == 3) {
      for (const auto& plane : p) EXPECT_TRUE(std::isnan(plane[i]));
      continue;
    }
    const Record r = RecordOf(i);
    const size_t n = r.size();
    Record sorted = r;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_FLOAT_EQ(p[0][i], sorted.back());
    EXPECT_FLOAT_EQ(p[1][i], sorted.front());
    const double mean = Mean(r, 0, n);
    EXPECT_NEAR(p[2][i], mean, 1e-6);
    double squares = 0;
    for (double v : r) squares += (v - mean) * (v - mean);
    EXPECT_NEAR(p[3][i], std::sqrt(squares / n), 1e-6);
    EXPECT_NEAR(p[4][i], (sorted[(n - 1) / 2] + sorted[n / 2]) / 2, 1e-6);

    const size_t window = std::max<size_t>(1, std::min<size_t>(6, n / 2));
    double high = -1e9, low = 1e9;
    for (size_t t = 0; t + 2 * window <= n; ++t) {
      const double contrast = Mean(r, t, window) - Mean(r, t + window, window);
      high = std::max(high, contrast), low = std::min(low, contrast);
    }
    if (n < 2) high = low = 0;
    EXPECT_NEAR(p[5][i], high, 1e-6);
    EXPECT_NEAR(p[6][i], low, 1e-6);
    EXPECT_NEAR(p[7][i], high - low, 2e-6);

    double level = -1e9;
    const size_t whole = std::min<size_t>(6, n);
    for (size_t t = 0; t + whole <= n; ++t) level = std::max(level, Mean(r, t, whole));
    EXPECT_NEAR(p[8][i], level, 1e-6);
    // A record within rounding of the tolerance may fall on either side.
    const double lasts = p[9][i];
    EXPECT_TRUE(lasts == SlowPlateauDays(r, days_, level, 0.05 - 1e-6) ||
                lasts == SlowPlateauDays(r, days_, level, 0.05 + 1e-6))
        << i;
    EXPECT_NEAR(p[10][i], p[8][i] * p[9][i], 1e-4);

    for (int sign : {1, -1}) {
      const Transition expected = SlowTransition(r, days_, sign);
      const size_t first = sign == 1 ? 11 : 14;
      EXPECT_NEAR(p[first][i], expected.area, 1e-3);
      // Two stretches of the same area may differ in length; the triangle must be one of the series' own.
      EXPECT_NEAR(std::abs(p[first + 2][i]) * p[first + 1][i] * p[first + 1][i] / 2, expected.area, 1e-3);
    }
  }
}

TEST_P(SeasonStatisticsTest, CrossingsAreSeenInBothDirections) {
  std::vector<float> up(kPixels), down(kPixels);
  Crossings(series_, 0.2f, up.data(), down.data());
  int ups = 0;
  for (size_t i = 0; i < kPixels; ++i) {
    if (i == 3) continue;
    const Record r = RecordOf(i);
    bool rises = false, falls = false;
    for (size_t t = 1; t < r.size(); ++t) {
      rises |= r[t - 1] < 0.2f && r[t] >= 0.2f;
      falls |= r[t - 1] >= 0.2f && r[t] < 0.2f;
    }
    EXPECT_EQ(up[i], rises);
    EXPECT_EQ(down[i], falls);
    ups += rises;
  }
  EXPECT_TRUE(std::isnan(up[3]) && std::isnan(down[3]));
  EXPECT_GE(ups, GetParam() > 5 ? 10 : 0);
}

INSTANTIATE_TEST_SUITE_P(Dates, SeasonStatisticsTest, ::testing::Values(1, 2, 5, 12, 13, 31));

}  // namespace
}  // namespace arpent::kernels
