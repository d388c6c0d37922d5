#include "common/learn/learner.h"

#include <cmath>
#include <random>
#include <set>

#include "common/kernels/classify/model_file.h"
#include "common/learn/cross_validation.h"
#include "common/testing/status_matchers.h"

namespace arpent::learn {
namespace {

using ::arpent::testing::StatusIs;

// Polygons of eight pixels that share a polygon effect larger than the pixel noise.
struct Fields {
  std::vector<std::vector<float>> values;
  std::vector<const float*> planes;
  std::vector<uint16_t> classes;
  std::vector<uint32_t> groups;

  Fields(size_t polygons, size_t class_count, unsigned seed) : values(5), class_count(class_count) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> noise;
    for (uint32_t p = 0; p < polygons; ++p) {
      const uint16_t klass = p % class_count;
      float effect[5];
      for (float& value : effect) value = noise(generator);
      for (int i = 0; i < 8; ++i) {
        classes.push_back(klass);
        groups.push_back(p);
        for (int f = 0; f < 5; ++f) {
          values[f].push_back((f == 0 ? 1.5f * klass : 0) + effect[f] + 0.2f * noise(generator));
        }
      }
    }
    for (const auto& plane : values) planes.push_back(plane.data());
  }
  TrainingSamples views() const { return {planes, classes, {}, class_count, groups}; }
  size_t class_count;
};

TEST(CrossValidation, FoldsNeverDivideAGroupAndShareOutEachClass) {
  const Fields fields(90, 3, 1);
  const std::vector<uint32_t> rows = ChooseRows(fields.views(), 720, 1);
  const std::vector<int> folds = DealFolds(fields.views(), rows, 3, 7);
  std::map<uint32_t, std::set<int>> of_group;
  std::map<std::pair<int, int>, int> of_class;
  for (size_t i = 0; i < rows.size(); ++i) {
    of_group[fields.groups[rows[i]]].insert(folds[i]);
    ++of_class[{fields.classes[rows[i]], folds[i]}];
  }
  for (const auto& [group, of_one] : of_group) EXPECT_EQ(of_one.size(), 1u);
  EXPECT_EQ(of_class.size(), 9u);
  for (const auto& [key, count] : of_class) EXPECT_EQ(count, 80);
  EXPECT_NE(DealFolds(fields.views(), rows, 3, 8), folds);
}

TEST(CrossValidation, ChosenRowsAreDistinctAndSpread) {
  const Fields fields(125, 3, 1);
  TrainingSamples samples = fields.views();
  samples.groups = {};
  const std::vector<uint32_t> rows = ChooseRows(samples, 100, 1);
  EXPECT_EQ(std::set<uint32_t>(rows.begin(), rows.end()).size(), 100u);
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
  EXPECT_NEAR(std::count_if(rows.begin(), rows.end(), [](uint32_t r) { return r < 500; }), 50, 20);
}

TEST(CrossValidation, EveryPolygonIsChosenBeforeAnyTwice) {
  const Fields fields(100, 3, 1);
  for (const size_t most : {60, 100, 250}) {
    std::map<uint32_t, size_t> of_group;
    for (const uint32_t row : ChooseRows(fields.views(), most, 1)) ++of_group[fields.groups[row]];
    EXPECT_EQ(of_group.size(), std::min<size_t>(most, 100));
    for (const auto& [group, count] : of_group) EXPECT_LE(count, (most + 99) / 100);
  }
}

TEST(Learner, EveryLearnerGivesAModelOfTheSameBytesForAnyThreads) {
  const Fields fields(60, 3, 2);
  for (const Learner learner : {Learner::kForest, Learner::kExtraTrees, Learner::kBoosting, Learner::kAuto}) {
    const LearnerOptions options{.learner = learner, .trees = 8};
    std::string first;
    for (const int threads : {1, 4}) {
      ASSERT_OK_AND_ASSIGN(const LearnedModel model, Learn(fields.views(), options, threads));
      kernels::ModelDescription description;
      for (int f = 0; f < 5; ++f) description.feature_names.push_back(std::to_string(f));
      description.classes = {{1, "a"}, {2, "b"}, {3, "c"}};
      description.training = model.about;
      ASSERT_OK_AND_ASSIGN(const std::string bytes, kernels::WriteModel(description, model.forests));
      if (first.empty()) first = bytes;
      EXPECT_TRUE(bytes == first) << LearnerName(learner);
    }
  }
}

TEST(Learner, AutoComparesAllAndKeepsTheBest) {
  const Fields fields(90, 3, 3);
  ASSERT_OK_AND_ASSIGN(const LearnedModel model,
                       Learn(fields.views(), {.learner = Learner::kAuto, .trees = 10}, 1));
  double best = 0;
  int compared = 0;
  for (const auto& [name, value] : model.about) {
    if (name.rfind("score ", 0) != 0) continue;
    ++compared;
    best = std::max(best, std::stod(value));
  }
  EXPECT_EQ(compared, 7 * 4);
  const std::string chosen = model.about.at("learner") + ", rare classes " + model.about.at("rare_classes");
  EXPECT_NEAR(std::stod(model.about.at("score " + chosen)), best, std::sqrt(0.25 / 90)) << chosen;
  EXPECT_EQ(model.class_factors.size(), 3u);
  EXPECT_GT(best, 0.45);
  EXPECT_LT(best, 0.95) << "folds that divide polygons would look perfect";
}

TEST(Learner, AutoFavoursRareClasses) {
  Fields fields(120, 3, 5);
  for (size_t i = 0; i < fields.classes.size(); ++i) {
    if (fields.classes[i] == 2 && fields.groups[i] > 30) fields.classes[i] = 1;
  }
  ASSERT_OK_AND_ASSIGN(const LearnedModel model,
                       Learn(fields.views(), {.learner = Learner::kAuto, .trees = 10}, 1));
  EXPECT_EQ(model.about.at("rare_classes"), "0.1") << "no other gains more than chance gives";
  EXPECT_GT(model.class_factors[2], model.class_factors[0]);
  EXPECT_GT(model.class_factors[0], model.class_factors[1]);
  ASSERT_EQ(model.forests.size(), 3u);
  EXPECT_EQ(model.forests[0].weight, 1);
  EXPECT_LT(model.forests[2].weight, 1) << "boosting is surer than it should be";
}

TEST(Learner, WhatCropsNeverLookLikeIsNoCrop) {
  // Crops lie beyond 2, what is shown of all else below -2: the majority says crop of the larger half in between, which no
  // sample shows.
  std::mt19937 generator(8);
  std::uniform_real_distribution<float> unit(0, 1);
  std::vector<float> feature, other;
  std::vector<uint16_t> classes;
  std::vector<uint32_t> groups;
  for (uint32_t p = 0; p < 60; ++p) {
    for (int i = 0; i < 10; ++i) {
      classes.push_back(p % 2);
      groups.push_back(p);
      feature.push_back(p % 2 == 1 ? 2 + unit(generator) : -2 - unit(generator));
      other.push_back(unit(generator));
    }
  }
  const std::vector<const float*> planes = {feature.data(), other.data()};
  const TrainingSamples samples{planes, classes, {}, 2, groups};
  LearnerOptions options{.learner = Learner::kForest, .trees = 20};
  ASSERT_OK_AND_ASSIGN(const LearnedModel majority, Learn(samples, options, 1));
  EXPECT_TRUE(majority.class_factors.empty());
  options.second_is_known_whole = true;
  ASSERT_OK_AND_ASSIGN(const LearnedModel model, Learn(samples, options, 1));
  ASSERT_EQ(model.class_factors.size(), 2u);
  const double threshold = std::stod(model.about.at("threshold"));
  EXPECT_GT(threshold, 0.7) << "held-out crops get nearly all votes";
  EXPECT_LE(threshold, 0.84);
  EXPECT_NEAR(model.class_factors[1], (1 - threshold) / threshold, 0.005);

  TrainingSamples one_cell = samples;
  const std::vector<uint32_t> same(groups.size(), 0);
  one_cell.groups = same;
  ASSERT_OK_AND_ASSIGN(const LearnedModel unjudged, Learn(one_cell, options, 1));
  EXPECT_TRUE(unjudged.class_factors.empty()) << "no fold could learn both classes";
}

TEST(Learner, OneOddPolygonDoesNotHoldTheThresholdDown) {
  // Three features tell crop by themselves; one crop polygon, whose samples weigh much, looks like no crop in the first.
  std::vector<std::vector<float>> values(3);
  std::vector<uint16_t> classes;
  std::vector<uint32_t> groups;
  std::vector<float> weights;
  for (uint32_t p = 0; p < 80; ++p) {
    for (int i = 0; i < 10; ++i) {
      const bool odd = p == 79;
      classes.push_back(p % 2);
      groups.push_back(p);
      weights.push_back(odd ? 10 : 1);
      for (int f = 0; f < 3; ++f) values[f].push_back(p % 2 == 1 && !(odd && f == 0) ? 2 : -3);
    }
  }
  const std::vector<const float*> planes = {values[0].data(), values[1].data(), values[2].data()};
  LearnerOptions options{.learner = Learner::kForest, .trees = 40};
  options.second_is_known_whole = true;
  ASSERT_OK_AND_ASSIGN(const LearnedModel model, Learn({planes, classes, weights, 2, groups}, options, 1));
  EXPECT_GT(std::stod(model.about.at("threshold")), 0.75);
}

TEST(Learner, BoostingBinsPolygonsNotPixels) {
  // 60 polygons of eight pixels.
  const Fields fields(60, 3, 4);
  TrainingSamples samples = fields.views();
  const auto most_thresholds = [&] {
    const LearnedModel model = Learn(samples, {.learner = Learner::kBoosting, .trees = 60}, 1).value();
    const std::vector<uint32_t>& begin = model.forests[0].edge_begin;
    uint32_t most = 0;
    for (size_t f = 0; f + 1 < begin.size(); ++f) most = std::max(most, begin[f + 1] - begin[f]);
    return most;
  };
  EXPECT_LE(most_thresholds(), 32u);
  samples.groups = {};
  EXPECT_GT(most_thresholds(), 32u) << "480 samples of no polygon have 60 bins";
}

TEST(Learner, NamesAreChecked) {
  EXPECT_THAT(ParseLearner("oracle"), StatusIs(absl::StatusCode::kInvalidArgument, "oracle"));
  for (const char* name : {"forest", "extra-trees", "boosting", "auto"}) {
    EXPECT_EQ(LearnerName(ParseLearner(name).value()), name);
  }
  const Fields fields(10, 2, 3);
  TrainingSamples one = fields.views();
  one.class_count = 1;
  EXPECT_THAT(Learn(one, {}, 1), StatusIs(absl::StatusCode::kInvalidArgument, "two classes"));
}

TEST(Learner, SmallSetsAreSplitToTheEnd) {
  EXPECT_EQ(DefaultMinSamples(100, 10), 2);
  EXPECT_EQ(DefaultMinSamples(6600, 6600 / 20), 2);
  EXPECT_EQ(DefaultMinSamples(32000, 320), 10);
  EXPECT_EQ(DefaultMinSamples(32000, 32000), 2);
  EXPECT_EQ(DefaultMinSamples(79999, 10), 24);
  EXPECT_EQ(DefaultMinSamples(80000, 10), 25);
  EXPECT_EQ(DefaultMinSamples(400000, 100000), 4);
  EXPECT_EQ(DefaultMinSamples(400000, 2000), 25);
  EXPECT_EQ(DefaultMinSamples(32000, std::nullopt), 10);
}

TEST(Learner, SamplesWithoutPolygonsAreNotTakenForPolygons) {
  const Fields fields(2000, 2, 6);
  TrainingSamples samples = fields.views();
  samples.groups = {};
  ASSERT_OK_AND_ASSIGN(const LearnedModel model, Learn(samples, {.learner = Learner::kForest, .trees = 2}, 1));
  EXPECT_EQ(model.about.at("min_samples"), "5");
}

}  // namespace
}  // namespace arpent::learn
