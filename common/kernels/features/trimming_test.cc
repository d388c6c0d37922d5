#include "common/kernels/features/trimming.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

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
      point[k] = 0.3f + 0.02f * shared + 0.01f * static_cast<float>(k + 1) * normal(random);
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
    for (int i = 0; i < n; ++i) mean[i] += p[i] / points.size();
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

TEST(Trimming, DropsStrangersAndKeepsTheClass) {
  auto points = Cloud(2000, 2);
  for (int i = 0; i < 40; ++i) {
    TrimPoint stranger;
    stranger.fill(0.05f + 0.001f * static_cast<float>(i));
    stranger[2] = 0.6f;
    points.push_back(stranger);
  }
  const auto stays = Trim(points);
  int kept = 0, strangers = 0;
  for (size_t i = 0; i < points.size(); ++i) (i < 2000 ? kept : strangers) += stays[i];
  EXPECT_EQ(strangers, 0);
  EXPECT_GT(kept, 1900);
  EXPECT_LT(kept, 2000) << "about one in a hundred lies outside";
}

TEST(Trimming, KeepsWhatItCannotJudge) {
  EXPECT_EQ(Trim(std::vector<TrimPoint>(4)), std::vector<uint8_t>(4, 1));
  EXPECT_EQ(Trim(std::vector<TrimPoint>(100, TrimPoint{0.1f, 0.1f, 0.1f, 0.1f, 0.1f})), std::vector<uint8_t>(100, 1));
  EXPECT_TRUE(Trim({}).empty());
}

}  // namespace
}  // namespace arpent::kernels
