#include "common/learn/split_finder.h"

#include <cmath>
#include <limits>
#include <random>

#include "common/testing/status_matchers.h"

namespace arpent::learn {
namespace {

struct Problem {
  std::vector<std::vector<float>> values;
  std::vector<const float*> planes;
  std::vector<uint16_t> classes;
  std::vector<double> class_weights;
  std::vector<DrawnSample> node;
  std::vector<double> totals;

  Problem(unsigned seed, size_t rows, size_t features, size_t class_count, bool missing) : classes(rows) {
    std::mt19937 generator(seed);
    for (size_t k = 0; k < class_count; ++k) class_weights.push_back(0.5 + k % 3);
    for (uint16_t& klass : classes) klass = generator() % class_count;
    for (size_t f = 0; f < features; ++f) {
      std::vector<float> plane(rows);
      for (size_t i = 0; i < rows; ++i) {
        plane[i] = static_cast<float>(generator() % 40) + (f == 1 ? 9 * classes[i] : 0);
        if (missing && generator() % 4 == 0) plane[i] = std::numeric_limits<float>::quiet_NaN();
      }
      values.push_back(std::move(plane));
    }
    for (const auto& plane : values) planes.push_back(plane.data());
    totals.resize(class_count);
    for (uint32_t i = 0; i < rows; ++i) {
      if (generator() % 3 == 0) continue;
      node.push_back({i, classes[i], static_cast<uint16_t>(1 + generator() % 3)});
      totals[classes[i]] += class_weights[classes[i]] * node.back().units;
    }
  }
};

// The score of a split, straight from its definition; NaN when it breaks the rules.
double Score(const Problem& problem, const BinnedSamples& samples, const SplitRules& rules, size_t feature,
             uint32_t last_left, bool missing_right) {
  std::vector<double> weights[2] = {std::vector<double>(problem.totals.size()),
                                    std::vector<double>(problem.totals.size())};
  size_t counts[2] = {0, 0};
  for (const DrawnSample& sample : problem.node) {
    const uint8_t bin = samples.row(sample.row)[feature];
    const bool right = bin == 0 ? missing_right : bin > last_left;
    weights[right][sample.klass] += problem.class_weights[sample.klass] * sample.units;
    ++counts[right];
  }
  if (std::min(counts[0], counts[1]) < std::max<size_t>(1, rules.min_samples_leaf)) return std::nan("");
  double score = 0;
  for (const auto& side : weights) {
    double sum = 0, squares = 0;
    for (const double weight : side) {
      sum += weight;
      squares += weight * weight;
    }
    score += squares / sum;
  }
  return score;
}

double BestScore(const Problem& problem, const BinnedSamples& samples, const SplitRules& rules) {
  double best = -1;
  for (size_t f = 0; f < samples.features(); ++f) {
    for (uint32_t bin = 0; bin < 256; ++bin) {
      for (const bool missing_right : {false, true}) {
        const double score = Score(problem, samples, rules, f, bin, missing_right);
        if (score > best) best = score;
      }
    }
  }
  return best;
}

TEST(SplitFinder, FindsWhatExhaustiveSearchFinds) {
  // Small nodes are sorted, large ones counted: both sides of the switch.
  for (const size_t rows : {6, 40, 90, 700}) {
    for (const bool missing : {false, true}) {
      for (unsigned seed = 0; seed < 10; ++seed) {
        const Problem problem(seed, rows, 4, 3, missing);
        ASSERT_OK_AND_ASSIGN(const BinnedSamples samples,
                             BinnedSamples::Create({problem.planes, problem.classes, {}, 3}, 1));
        const SplitRules rules{.features_per_node = 4, .min_samples_leaf = rows > 30 ? size_t{3} : size_t{1}};
        Random random(seed);
        SplitFinder finder(samples, rules, problem.class_weights, random);
        const Split split = finder.Find(problem.node, problem.totals);
        ASSERT_GE(split.feature, 0);
        const double expected = BestScore(problem, samples, rules);
        EXPECT_NEAR(split.score, expected, 1e-9 * expected);
        EXPECT_NEAR(Score(problem, samples, rules, split.feature, split.last_left_bin, split.missing_right), expected,
                    1e-9 * expected);
      }
    }
  }
}

// Whole weights take another way through the histogram than others. Halves of them change no rounding: the split is the same.
TEST(SplitFinder, HalfTheWeightsGiveTheSameSplit) {
  for (const size_t rows : {300, 2000}) {
    for (const size_t classes : {2, 8, 17}) {
      for (const bool missing : {false, true}) {
        Problem problem(static_cast<unsigned>(rows + classes), rows, 5, classes, missing);
        if (missing) std::fill(problem.values[0].begin(), problem.values[0].end(), std::numeric_limits<float>::quiet_NaN());
        ASSERT_OK_AND_ASSIGN(const BinnedSamples samples,
                             BinnedSamples::Create({problem.planes, problem.classes, {}, classes}, 1));
        Split splits[2];
        for (const bool whole : {false, true}) {
          Problem weighted = problem;  // its weights are odd halves
          for (double& weight : weighted.class_weights) weight *= whole ? 2 : 1;
          for (double& total : weighted.totals) total *= whole ? 2 : 1;
          Random random(7);
          SplitFinder finder(samples, {.features_per_node = 5}, weighted.class_weights, random);
          splits[whole] = finder.Find(weighted.node, weighted.totals);
        }
        ASSERT_GE(splits[0].feature, 0);
        EXPECT_EQ(splits[1].feature, splits[0].feature);
        EXPECT_EQ(splits[1].last_left_bin, splits[0].last_left_bin);
        EXPECT_EQ(splits[1].missing_right, splits[0].missing_right);
        EXPECT_EQ(splits[1].score, 2 * splits[0].score);
      }
    }
  }
}

TEST(SplitFinder, RandomThresholdsScoreAsTheySay) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const Problem problem(seed, 200, 4, 3, seed % 2 == 0);
    ASSERT_OK_AND_ASSIGN(const BinnedSamples samples,
                         BinnedSamples::Create({problem.planes, problem.classes, {}, 3}, 1));
    const SplitRules rules{.features_per_node = 2, .min_samples_leaf = 1, .random_thresholds = true};
    Random random(seed);
    SplitFinder finder(samples, rules, problem.class_weights, random);
    const Split split = finder.Find(problem.node, problem.totals);
    ASSERT_GE(split.feature, 0);
    const double expected =
        Score(problem, samples, rules, split.feature, split.last_left_bin, split.missing_right);
    EXPECT_NEAR(split.score, expected, 1e-9 * expected);
  }
}

TEST(SplitFinder, LooksPastConstantFeatures) {
  Problem problem(1, 50, 5, 2, false);
  for (const size_t f : {0, 1, 2, 4}) std::fill(problem.values[f].begin(), problem.values[f].end(), 7.f);
  ASSERT_OK_AND_ASSIGN(const BinnedSamples samples,
                       BinnedSamples::Create({problem.planes, problem.classes, {}, 2}, 1));
  Random random(1);
  SplitFinder finder(samples, {.features_per_node = 1}, problem.class_weights, random);
  EXPECT_EQ(finder.Find(problem.node, problem.totals).feature, 3);
}

TEST(BinnedSamples, BinsFollowTheEdgesAndTheQuantiles) {
  std::vector<float> values(100000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>((i * 7919) % values.size());
  const std::vector<uint16_t> classes(values.size());
  const float* plane = values.data();
  ASSERT_OK_AND_ASSIGN(const BinnedSamples samples, BinnedSamples::Create({{&plane, 1}, classes, {}, 1}, 2));
  std::vector<int> counts(256);
  for (size_t i = 0; i < values.size(); ++i) ++counts[samples.row(i)[0]];
  EXPECT_EQ(counts[0], 0);
  for (int bin = 1; bin < 256; ++bin) EXPECT_NEAR(counts[bin], 100000 / 255.0, 30) << bin;
}

}  // namespace
}  // namespace arpent::learn
