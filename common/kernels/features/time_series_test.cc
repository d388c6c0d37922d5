#include "common/kernels/features/time_series.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <optional>
#include <random>
#include <vector>

#include "common/kernels/features/clear.h"
#include "common/testing/instruction_sets.h"

namespace arpent::kernels {
namespace {

ObservedSeries RandomSeries(size_t pixels, const std::vector<int>& days, size_t bands, double clear_share,
                            std::mt19937& random) {
  ObservedSeries series;
  series.Reset(pixels, days, bands);
  std::uniform_int_distribution<int> value(-500, 9000);
  std::bernoulli_distribution clear(clear_share);
  for (size_t d = 0; d < days.size(); ++d) {
    for (size_t i = 0; i < pixels; ++i) {
      series.weight(d)[i] = clear(random) ? static_cast<float>(1 + random() % 3) : 0.0f;
      for (size_t b = 0; b < bands; ++b) series.value(b, d)[i] = static_cast<int16_t>(value(random));
    }
  }
  return series;
}

// One pixel, one band, the obvious way, in double.
std::optional<double> SlowLinear(const ObservedSeries& s, size_t band, size_t pixel, int day) {
  std::optional<size_t> before, after;
  for (size_t d = 0; d < s.dates(); ++d) {
    if (s.weight(d)[pixel] == 0) continue;
    if (s.days()[d] <= day) before = d;
    if (s.days()[d] >= day && !after) after = d;
  }
  if (!before && !after) return std::nullopt;
  if (!before) before = after;
  if (!after) after = before;
  const double from = s.value(band, *before)[pixel], to = s.value(band, *after)[pixel];
  const double gap = s.days()[*after] - s.days()[*before];
  return (gap == 0 ? from : from + (to - from) * (day - s.days()[*before]) / gap) / 1e4;
}

// The daily system of the definition, solved densely by Gaussian elimination in double.
std::vector<double> SlowWhittaker(const ObservedSeries& s, size_t band, size_t pixel, double lambda, int first, int last) {
  const int n = last - first + 1;
  std::vector<std::vector<double>> a(n, std::vector<double>(n + 1, 0.0));
  for (size_t d = 0; d < s.dates(); ++d) {
    const int k = s.days()[d] - first;
    a[k][k] += s.weight(d)[pixel];
    a[k][n] += s.weight(d)[pixel] * s.value(band, d)[pixel] / 1e4;
  }
  for (int k = 0; k + 1 < n; ++k) {
    a[k][k] += lambda, a[k + 1][k + 1] += lambda;
    a[k][k + 1] -= lambda, a[k + 1][k] -= lambda;
  }
  for (int p = 0; p < n; ++p) {
    for (int r = p + 1; r < n; ++r) {
      const double factor = a[r][p] / a[p][p];
      for (int c = p; c <= n && factor != 0; ++c) a[r][c] -= factor * a[p][c];
    }
  }
  std::vector<double> z(n);
  for (int p = n; p-- > 0;) {
    double rest = a[p][n];
    for (int c = p + 1; c < n; ++c) rest -= a[p][c] * z[c];
    z[p] = rest / a[p][p];
  }
  return z;
}

TEST(Clear, MasksCloudShadowCirrusSaturatedAndNoDataOnly) {
  for (int scl = 0; scl < 256; ++scl) {
    const bool expected = scl == 2 || (scl >= 4 && scl <= 7) || scl == 11;
    EXPECT_EQ(IsClear(static_cast<uint8_t>(scl), 0), expected) << scl;
  }
  EXPECT_TRUE(IsClear(raster::kSclWater, raster::kQaWater | raster::kQaCloudAdjacent | raster::kQaHighAerosol));
  for (uint16_t bit : {raster::kQaNoData, raster::kQaSaturated, raster::kQaCloud, raster::kQaCirrus,
                       raster::kQaCloudShadow}) {
    EXPECT_FALSE(IsClear(raster::kSclVegetation, bit)) << bit;
  }
}

TEST(SeasonDays, StartAtTheSeasonAndStayInside) {
  EXPECT_EQ(SeasonDays(100, 130, 10), (std::vector<int>{100, 110, 120, 130}));
  EXPECT_EQ(SeasonDays(100, 129, 10), (std::vector<int>{100, 110, 120}));
  EXPECT_TRUE(SeasonDays(100, 99, 10).empty());
  EXPECT_TRUE(SeasonDays(100, 120, 0).empty());
}

TEST(MergeDays, TakesTheFirstClearScenePerPixel) {
  ObservedSeries series;
  series.Reset(4, {10, 20, 20, 20, 30}, 1);
  const float weights[5][4] = {{1, 1, 1, 1}, {1, 0, 0, 0}, {1, 1, 0, 0}, {1, 1, 1, 0}, {0, 0, 0, 0}};
  for (int d = 0; d < 5; ++d) {
    for (int i = 0; i < 4; ++i) series.weight(d)[i] = weights[d][i], series.value(0, d)[i] = 100 * d + i;
  }
  series.MergeDays();
  EXPECT_EQ(series.days(), (std::vector<int>{10, 20, 30}));
  EXPECT_EQ(series.value(0, 1)[0], 100);
  EXPECT_EQ(series.value(0, 1)[1], 201);
  EXPECT_EQ(series.value(0, 1)[2], 302);
  EXPECT_EQ(series.weight(1)[3], 0);
  EXPECT_EQ(series.value(0, 0)[3], 3);
}

TEST(FillLinear, EqualsTheSlowInterpolationOnEveryPixel) {
  std::mt19937 random(7);
  const std::vector<int> days = {-3, 2, 5, 17, 40, 41, 77, 90, 130};
  const std::vector<int> out_days = SeasonDays(0, 120, 10);
  const ObservedSeries series = RandomSeries(1300, days, 3, 0.3, random);
  FilledSeries filled;
  FillLinear(series, out_days, filled);
  int unseen = 0;
  for (size_t b = 0; b < 3; ++b) {
    for (size_t t = 0; t < out_days.size(); ++t) {
      for (size_t i = 0; i < 1300; ++i) {
        const auto expected = SlowLinear(series, b, i, out_days[t]);
        unseen += !expected;
        if (!expected) {
          EXPECT_TRUE(std::isnan(filled.plane(b, t)[i]));
        } else {
          EXPECT_NEAR(filled.plane(b, t)[i], *expected, 2e-7) << b << " " << t << " " << i;
        }
      }
    }
  }
  EXPECT_GT(unseen, 0);
}

TEST(FillLinear, GivesTheSameBitsWithEveryInstructionSet) {
  std::mt19937 random(9);
  const std::vector<int> out_days = SeasonDays(0, 120, 10);
  const ObservedSeries series = RandomSeries(777, {1, 17, 40, 77, 130}, 2, 0.4, random);
  FilledSeries first, filled;
  FillLinear(series, out_days, first);
  const int sets = testing::ForEachInstructionSet([&](const char* name) {
    FillLinear(series, out_days, filled);
    EXPECT_EQ(std::memcmp(filled.plane(0, 0), first.plane(0, 0), 777 * 2 * out_days.size() * sizeof(float)), 0) << name;
  });
  EXPECT_GE(sets, 1);
}

TEST(FillWhittaker, EqualsTheDailySystemSolvedInDouble) {
  std::mt19937 random(11);
  const std::vector<int> days = {0, 2, 5, 17, 40, 41, 77, 90};
  const std::vector<int> out_days = SeasonDays(-10, 110, 10);
  for (double lambda : {0.1, 2.0, 50.0}) {
    const ObservedSeries series = RandomSeries(40, days, 2, 0.4, random);
    FilledSeries filled;
    FillWhittaker(series, lambda, out_days, filled);
    double worst = 0;
    for (size_t b = 0; b < 2; ++b) {
      for (size_t i = 0; i < 40; ++i) {
        if (!SlowLinear(series, b, i, 0)) {
          EXPECT_TRUE(std::isnan(filled.plane(b, 0)[i]));
          continue;
        }
        const std::vector<double> z = SlowWhittaker(series, b, i, lambda, -10, 110);
        for (size_t t = 0; t < out_days.size(); ++t) {
          worst = std::max(worst, std::abs(filled.plane(b, t)[i] - z[out_days[t] + 10]));
        }
      }
    }
    EXPECT_LT(worst, 1e-5) << lambda;
  }
}

TEST(FillWhittaker, KeepsAConstantAndApproachesTheInterpolation) {
  ObservedSeries series;
  series.Reset(1, {0, 10, 30}, 1);
  for (int d = 0; d < 3; ++d) series.weight(d)[0] = 1, series.value(0, d)[0] = 2500;
  FilledSeries filled;
  FillWhittaker(series, 100, std::vector<int>{-5, 12, 50}, filled);
  for (int t = 0; t < 3; ++t) EXPECT_NEAR(filled.plane(0, t)[0], 0.25, 1e-6);
  std::mt19937 random(3);
  const ObservedSeries noisy = RandomSeries(50, {0, 10, 30, 44}, 1, 0.8, random);
  FilledSeries smooth, linear;
  FillWhittaker(noisy, 1e-4, SeasonDays(0, 40, 5), smooth);
  FillLinear(noisy, SeasonDays(0, 40, 5), linear);
  for (size_t t = 0; t < smooth.dates(); ++t) {
    for (size_t i = 0; i < 50; ++i) {
      if (std::isnan(linear.plane(0, t)[i])) continue;
      EXPECT_NEAR(smooth.plane(0, t)[i], linear.plane(0, t)[i], 2e-4);
    }
  }
}

TEST(Fill, AStripEqualsTheSamePixelsOfTheWhole) {
  std::mt19937 random(5);
  const std::vector<int> days = {0, 9, 20, 33, 41}, out_days = SeasonDays(0, 40, 8);
  const ObservedSeries whole = RandomSeries(300, days, 2, 0.6, random);
  ObservedSeries strip;
  strip.Reset(37, days, 2);
  for (size_t d = 0; d < days.size(); ++d) {
    std::copy_n(whole.weight(d) + 111, 37, strip.weight(d));
    for (size_t b = 0; b < 2; ++b) std::copy_n(whole.value(b, d) + 111, 37, strip.value(b, d));
  }
  for (bool whittaker : {false, true}) {
    FilledSeries all, part;
    if (whittaker) {
      FillWhittaker(whole, 2, out_days, all);
      FillWhittaker(strip, 2, out_days, part);
    } else {
      FillLinear(whole, out_days, all);
      FillLinear(strip, out_days, part);
    }
    for (size_t b = 0; b < 2; ++b) {
      for (size_t t = 0; t < out_days.size(); ++t) {
        EXPECT_EQ(std::memcmp(all.plane(b, t) + 111, part.plane(b, t), 37 * sizeof(float)), 0);
      }
    }
  }
}

}  // namespace
}  // namespace arpent::kernels
