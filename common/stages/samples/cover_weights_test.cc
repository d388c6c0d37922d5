#include "common/stages/samples/cover_weights.h"

#include <gtest/gtest.h>

namespace arpent::stages {
namespace {

// Forest (polygon 1, 60 pixels), meadow (2 and 3, 30 and 10) and water (4, 20) are no crop; wheat (5, 40) is crop.
TEST(CoverWeights, EveryCoverOfAClassCountsAlike) {
  std::vector<uint16_t> classes;
  std::vector<uint32_t> polygons;
  const auto add = [&](int count, uint16_t klass, uint32_t polygon) {
    classes.insert(classes.end(), count, klass);
    polygons.insert(polygons.end(), count, polygon);
  };
  add(60, 0, 1);
  add(30, 0, 2);
  add(40, 1, 5);
  add(10, 0, 3);
  add(20, 0, 4);
  const auto weights = CoverWeights(classes, polygons, {{1, "Forest"}, {2, "Meadow"}, {3, "Meadow"}, {4, "Water"}, {5, "Wheat"}});
  std::map<uint32_t, double> sum;
  for (size_t i = 0; i < weights.size(); ++i) sum[polygons[i]] += weights[i];
  EXPECT_NEAR(sum[1], 40, 1e-4);
  EXPECT_NEAR(sum[2], 30, 1e-4);
  EXPECT_NEAR(sum[3], 10, 1e-4);
  EXPECT_NEAR(sum[4], 40, 1e-4);
  EXPECT_NEAR(sum[5], 40, 1e-4) << "a class of one cover keeps weight 1";
}

TEST(CoverWeights, AFewPixelsOfARareCoverDoNotRuleTheirClass) {
  std::vector<uint16_t> classes(1002, 0);
  std::vector<uint32_t> polygons(1000, 1);
  polygons.resize(1002, 2);
  const auto weights = CoverWeights(classes, polygons, {{1, "Forest"}, {2, "Pond"}});
  double all = 0;
  for (const float weight : weights) all += weight;
  EXPECT_NEAR(all, 1002, 0.01);
  EXPECT_NEAR(weights.back() / weights.front(), 10 / (1002.0 / 2000), 0.01);
}

}  // namespace
}  // namespace arpent::stages
