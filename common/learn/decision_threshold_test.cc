#include "common/learn/decision_threshold.h"

#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace arpent::learn {
namespace {

double Accuracy(const std::vector<uint16_t>& classes, const std::vector<float>& weights,
                const std::vector<float>& probabilities, double threshold) {
  double right = 0, total = 0;
  for (size_t i = 0; i < classes.size(); ++i) {
    total += weights[i];
    if ((probabilities[i] >= threshold) == (classes[i] == 1)) right += weights[i];
  }
  return right / total;
}

TEST(DecisionThreshold, RisesTwoThirdsOfTheWayToWhereCropsBegin) {
  const std::vector<uint16_t> classes = {0, 0, 0, 1, 1, 1};
  EXPECT_DOUBLE_EQ(ThresholdAboveHalf(classes, {}, std::vector<float>{0.1f, 0.2f, 0.3f, 0.875f, 0.9f, 1.0f}, 0.001),
                   (0.5 + 2 * 0.875) / 3);
}

TEST(DecisionThreshold, StaysAtTheMajorityWhereCropsBeginThere) {
  EXPECT_DOUBLE_EQ(ThresholdAboveHalf(std::vector<uint16_t>{0, 1, 1}, {}, std::vector<float>{0.1f, 0.5f, 0.9f}, 0.001), 0.5);
  EXPECT_DOUBLE_EQ(ThresholdAboveHalf(std::vector<uint16_t>{0, 1}, {}, std::vector<float>{0.1f, 0.2f}, 0.001), 0.5)
      << "a class that no threshold finds cannot suffer";
}

TEST(DecisionThreshold, EqualsTheSearchOverAllThresholds) {
  std::mt19937 generator(3);
  std::uniform_real_distribution<float> unit(0, 1);
  for (int round = 0; round < 50; ++round) {
    std::vector<uint16_t> classes;
    std::vector<float> weights, probabilities;
    const float apart = unit(generator);
    for (int i = 0; i < 2000; ++i) {
      classes.push_back(unit(generator) < 0.4f);
      weights.push_back(0.1f + unit(generator));
      const float p = unit(generator);
      probabilities.push_back(classes.back() == 1 ? 1 - (1 - apart) * p * p : (1 - apart) * p * p);
    }
    const double loss = 0.02 * unit(generator);
    const double least = Accuracy(classes, weights, probabilities, 0.5) - loss;
    double highest = 0.5;
    for (int s = 65; s <= 128; ++s) {
      if (Accuracy(classes, weights, probabilities, s / 128.0) >= least) highest = s / 128.0;
    }
    EXPECT_NEAR(ThresholdAboveHalf(classes, weights, probabilities, loss), (0.5 + 2 * highest) / 3, 1e-9) << apart;
  }
}

}  // namespace
}  // namespace arpent::learn
