#include "common/kernels/classify/accuracy.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/kernels/classify/area_estimate.h"
#include "common/kernels/classify/random.h"

namespace arpent::kernels {
namespace {

ConfusionMatrix Matrix(const std::vector<std::vector<int>>& reference_by_mapped) {
  ConfusionMatrix matrix(reference_by_mapped.size());
  for (size_t i = 0; i < matrix.classes(); ++i) {
    for (size_t j = 0; j < matrix.classes(); ++j) matrix.Add(i, j, reference_by_mapped[i][j]);
  }
  return matrix;
}

TEST(Accuracy, KappaOfCohensExample) {
  // Cohen (1960), table 1 in proportions x 200: observed 0.70, chance 0.41.
  const AccuracyMeasures measures = Measure(Matrix({{88, 14, 18}, {10, 40, 10}, {2, 6, 12}}));
  EXPECT_NEAR(*measures.overall_accuracy, 0.70, 1e-12);
  EXPECT_NEAR(*measures.kappa, (0.70 - 0.41) / (1 - 0.41), 1e-12);
}

TEST(Accuracy, MeasuresFollowTheirDefinitions) {
  const AccuracyMeasures measures = Measure(Matrix({{8, 2, 0}, {1, 9, 0}, {0, 0, 0}}));
  EXPECT_DOUBLE_EQ(*measures.overall_accuracy, 0.85);
  EXPECT_DOUBLE_EQ(*measures.classes[0].precision, 8 / 9.0);
  EXPECT_DOUBLE_EQ(*measures.classes[0].recall, 0.8);
  EXPECT_DOUBLE_EQ(*measures.classes[0].f_score, 2 * (8 / 9.0) * 0.8 / (8 / 9.0 + 0.8));
  EXPECT_FALSE(measures.classes[2].precision.has_value());
  EXPECT_FALSE(measures.classes[2].f_score.has_value());
  EXPECT_DOUBLE_EQ(*measures.macro_f, (*measures.classes[0].f_score + *measures.classes[1].f_score) / 2);
  EXPECT_FALSE(Measure(ConfusionMatrix(2)).overall_accuracy.has_value());
}

TEST(Accuracy, BootstrapOfSinglePixelsAgreesWithTheBinomialInterval) {
  // 400 polygons of one pixel each, 80 % right: the normal interval of a proportion is +- 1.96 sqrt(p q / n) = 0.0392.
  std::vector<PolygonCounts> polygons;
  for (int i = 0; i < 400; ++i) {
    PolygonCounts polygon{static_cast<size_t>(i % 2), {0, 0}};
    polygon.mapped[i % 5 == 0 ? 1 - i % 2 : i % 2] = 1;
    polygons.push_back(polygon);
  }
  const AccuracyIntervals intervals = BootstrapIntervals(polygons, 2, 1, 4000);
  ASSERT_TRUE(intervals.overall_accuracy.has_value());
  EXPECT_NEAR(intervals.overall_accuracy->low, 0.8 - 0.0392, 0.006);
  EXPECT_NEAR(intervals.overall_accuracy->high, 0.8 + 0.0392, 0.006);
  // The same pixels in a quarter of the polygons: twice as wide.
  std::vector<PolygonCounts> large;
  for (int i = 0; i < 100; ++i) {
    PolygonCounts polygon{static_cast<size_t>(i % 2), {0, 0}};
    polygon.mapped[i % 5 == 0 ? 1 - i % 2 : i % 2] = 4;
    large.push_back(polygon);
  }
  const AccuracyIntervals wide = BootstrapIntervals(large, 2, 1, 4000);
  EXPECT_NEAR((wide.overall_accuracy->high - wide.overall_accuracy->low) /
                  (intervals.overall_accuracy->high - intervals.overall_accuracy->low),
              2, 0.15);
  EXPECT_TRUE(intervals.kappa && intervals.macro_f && intervals.classes[1].f_score);
  EXPECT_FALSE(BootstrapIntervals({polygons[0]}, 2, 1).overall_accuracy.has_value());
}

// The worked example of Olofsson et al. (2014), section 5: deforestation, forest gain, stable forest, stable non-forest;
// pixels of 30 m.
class OlofssonExample : public ::testing::Test {
 protected:
  // Their table 8 has the map in rows; ours has the reference there.
  ConfusionMatrix matrix_ = Matrix({{66, 0, 1, 2}, {0, 55, 0, 1}, {5, 8, 153, 9}, {4, 12, 11, 313}});
  static constexpr double kHectares = 0.09;
  std::vector<double> areas_ = {200000 * kHectares, 150000 * kHectares, 3200000 * kHectares, 6450000 * kHectares};
};

TEST_F(OlofssonExample, AreasAndIntervalsAsPublished) {
  const auto estimates = EstimateAreas(matrix_, areas_);
  ASSERT_TRUE(estimates.has_value());
  const double area[] = {21158, 11686, 285770, 581386}, half_width[] = {6158, 3756, 15510, 16282};
  for (int k = 0; k < 4; ++k) {
    EXPECT_NEAR(estimates->classes[k].area.value, area[k], 1) << k;
    EXPECT_NEAR(estimates->classes[k].area.half_width, half_width[k], 2) << k;
  }
  EXPECT_EQ(estimates->unsampled_area, 0);
}

TEST_F(OlofssonExample, AccuraciesAsPublished) {
  const auto estimates = EstimateAreas(matrix_, areas_);
  EXPECT_NEAR(estimates->overall_accuracy.value, 0.9465, 5e-5);
  EXPECT_NEAR(estimates->overall_accuracy.half_width, 0.0185, 5e-5);
  const double users[] = {0.88, 0.7333, 0.9273, 0.9631}, users_half[] = {0.0740, 0.1008, 0.0397, 0.0205};
  const double producers[] = {0.7487, 0.8472, 0.9345, 0.9616}, producers_half[] = {0.2133, 0.2544, 0.0343, 0.0184};
  for (int k = 0; k < 4; ++k) {
    EXPECT_NEAR(estimates->classes[k].users_accuracy->value, users[k], 6e-5) << k;
    EXPECT_NEAR(estimates->classes[k].users_accuracy->half_width, users_half[k], 6e-5) << k;
    EXPECT_NEAR(estimates->classes[k].producers_accuracy->value, producers[k], 6e-5) << k;
    EXPECT_NEAR(estimates->classes[k].producers_accuracy->half_width, producers_half[k], 6e-5) << k;
  }
}

TEST(AreaEstimate, CoversTheTruthAsOftenAsItSays) {
  // A known population: 3 classes, map right with class-dependent chances; 40 random pixels per mapped class.
  Random random(1);
  const double truth_given_map[3][3] = {{0.9, 0.06, 0.04}, {0.1, 0.8, 0.1}, {0.05, 0.15, 0.8}};
  const std::vector<double> areas = {500, 300, 200};
  double truth[3] = {};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) truth[j] += areas[i] * truth_given_map[i][j];
  }
  int covered = 0;
  constexpr int kRepeats = 1000;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    ConfusionMatrix matrix(3);
    for (int i = 0; i < 3; ++i) {
      for (int n = 0; n < 60; ++n) {
        const double draw = random.Unit();
        const int j = draw < truth_given_map[i][0] ? 0 : draw < truth_given_map[i][0] + truth_given_map[i][1] ? 1 : 2;
        matrix.Add(j, i);
      }
    }
    const auto estimates = EstimateAreas(matrix, areas);
    for (int j = 0; j < 3; ++j) {
      covered += std::abs(estimates->classes[j].area.value - truth[j]) <= estimates->classes[j].area.half_width;
    }
  }
  EXPECT_NEAR(covered / (3.0 * kRepeats), 0.95, 0.015);
}

TEST(AreaEstimate, UnsampledClassesAreTakenAsMapped) {
  const auto estimates = EstimateAreas(Matrix({{10, 0, 0}, {0, 10, 0}, {0, 0, 0}}), std::vector<double>{50, 30, 20});
  ASSERT_TRUE(estimates.has_value());
  EXPECT_EQ(estimates->unsampled_area, 20);
  EXPECT_EQ(estimates->classes[2].area.value, 20);
  EXPECT_FALSE(estimates->classes[2].users_accuracy.has_value());
  EXPECT_FALSE(EstimateAreas(ConfusionMatrix(2), std::vector<double>{1, 1}).has_value());
  EXPECT_FALSE(EstimateAreas(Matrix({{3, 0}, {0, 3}}), std::vector<double>{0, 0}).has_value());
}

}  // namespace
}  // namespace arpent::kernels
