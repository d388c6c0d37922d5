#include "common/kernels/features/trimming.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "common/testing/status_matchers.h"

namespace arpent::kernels {
namespace {

std::vector<TrimPoint> Cloud(int count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<TrimPoint> points;
  for (int i = 0; i < count; ++i) {
    const float shared = normal(random);
    TrimPoint point;
    for (int k = 0; k < kTrimChannels; ++k) {
      point[k] = static_cast<int16_t>(3000 + 200 * shared + 100 * static_cast<float>(k + 1) * normal(random));
    }
    points.push_back(point);
  }
  return points;
}

// The distance from the definition, by solving the covariance with Gauss-Jordan.
double SlowDistance(const std::vector<TrimPoint>& points, const TrimPoint& at) {
  const int n = kTrimChannels;
  std::vector<double> mean(n);
  for (const auto& p : points) {
    for (int i = 0; i < n; ++i) mean[i] += static_cast<double>(p[i]) / static_cast<double>(points.size());
  }
  std::vector<std::vector<double>> a(n, std::vector<double>(n + 1));
  for (const auto& p : points) {
    for (int i = 0; i < n; ++i) {
      for (int k = 0; k < n; ++k) a[i][k] += (p[i] - mean[i]) * (p[k] - mean[k]) / (points.size() - 1);
    }
  }
  for (int i = 0; i < n; ++i) a[i][n] = at[i] - mean[i];
  for (int p = 0; p < n; ++p) {
    for (int r = 0; r < n; ++r) {
      if (r == p) continue;
      const double factor = a[r][p] / a[p][p];
      for (int c = p; c <= n; ++c) a[r][c] -= factor * a[p][c];
    }
  }
  double distance = 0;
  for (int i = 0; i < n; ++i) distance += (at[i] - mean[i]) * a[i][n] / a[i][i];
  return distance;
}

TEST(Trimming, DistanceIsThatOfTheDefinition) {
  const auto points = Cloud(500, 1);
  TrimStatistics first, second;
  for (size_t i = 0; i < points.size(); ++i) (i < 200 ? first : second).Add(points[i]);
  first.Merge(second);
  const auto ellipsoid = first.Fit();
  ASSERT_TRUE(ellipsoid.has_value());
  for (size_t i = 0; i < 50; ++i) {
    const double expected = SlowDistance(points, points[i]);
    EXPECT_NEAR(ellipsoid->SquaredDistance(points[i]), expected, 1e-6 * (1 + expected));
  }
}

// Gives points in pieces of seven.
TrimPointSource SourceOf(const std::vector<TrimPoint>& points) {
  return [&points](const std::function<void(std::span<const TrimPoint>)>& take) {
    for (size_t i = 0; i < points.size(); i += 7) {
      take(std::span(points).subspan(i, std::min<size_t>(7, points.size() - i)));
    }
    return absl::OkStatus();
  };
}

std::vector<TrimPoint> WithStrangers() {
  auto points = Cloud(2000, 2);
  for (int i = 0; i < 40; ++i) {
    TrimPoint stranger;
    stranger.fill(static_cast<int16_t>(500 + 10 * i));
    stranger[2] = 6000;
    points.push_back(stranger);
  }
  return points;
}

TEST(Trimming, DropsStrangersAndKeepsTheClass) {
  const auto points = WithStrangers();
  ASSERT_OK_AND_ASSIGN(const Trimming trimming, Trim(SourceOf(points)));
  int kept = 0, strangers = 0;
  for (size_t i = 0; i < points.size(); ++i) (i < 2000 ? kept : strangers) += trimming.Keeps(points[i]);
  EXPECT_EQ(strangers, 0);
  EXPECT_GT(kept, 1900);
  EXPECT_LT(kept, 2000) << "about one in a hundred lies outside";
  EXPECT_EQ(trimming.points, 2040u);
  EXPECT_EQ(trimming.dropped, static_cast<size_t>(2040 - kept));
}

// The rule on all points at once, with the distance from the definition.
TEST(Trimming, EqualsTheSlowRule) {
  std::vector<TrimPoint> points = WithStrangers();
  ASSERT_OK_AND_ASSIGN(const Trimming trimming, Trim(SourceOf(points)));
  std::vector<TrimPoint> left = points;
  for (size_t before = 0; before != left.size();) {
    before = left.size();
    const std::vector<TrimPoint> all = left;
    std::erase_if(left, [&](const TrimPoint& point) { return SlowDistance(all, point) > kTrimDistance; });
  }
  std::erase_if(points, [&](const TrimPoint& point) { return !trimming.Keeps(point); });
  EXPECT_EQ(points, left);
}

TEST(Trimming, KeepsWhatItCannotJudge) {
  for (const auto& points : {std::vector<TrimPoint>(4), std::vector<TrimPoint>(100, TrimPoint{7, 7, 7, 7, 7}),
                             std::vector<TrimPoint>()}) {
    ASSERT_OK_AND_ASSIGN(const Trimming trimming, Trim(SourceOf(points)));
    EXPECT_EQ(trimming.dropped, 0u);
    EXPECT_TRUE(trimming.Keeps(TrimPoint{1, 2, 3, 4, 5}));
  }
}

TEST(Trimming, ErrorsOfTheSourceAreItsOwn) {
  const auto broken = [](const std::function<void(std::span<const TrimPoint>)>&) { return absl::DataLossError("disc"); };
  EXPECT_EQ(Trim(broken).status().message(), "disc");
}

}  // namespace
}  // namespace arpent::kernels
