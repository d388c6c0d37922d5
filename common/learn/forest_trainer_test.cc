#include "common/learn/forest_trainer.h"

#include <cmath>
#include <limits>
#include <random>

#include "common/kernels/classify/classifier.h"
#include "common/kernels/classify/model_file.h"
#include "common/testing/status_matchers.h"

namespace arpent::learn {
namespace {

using ::arpent::testing::StatusIs;

// Two informative features among six; class k lies around (3 k, -3 k).
struct Example {
  std::vector<std::vector<float>> values;
  std::vector<uint16_t> classes;
  std::vector<const float*> planes;
  std::vector<float> weights;

  Example(size_t rows, size_t class_count, double spread, unsigned seed, double missing = 0)
      : values(6, std::vector<float>(rows)), classes(rows), class_count(class_count) {
    std::mt19937 generator(seed);
    std::normal_distribution<double> noise;
    std::uniform_real_distribution<double> chance;
    for (size_t i = 0; i < rows; ++i) {
      classes[i] = generator() % class_count;
      for (int f = 0; f < 6; ++f) {
        const double centre = f == 1 ? 3.0 * classes[i] : f == 4 ? -3.0 * classes[i] : 0;
        values[f][i] = chance(generator) < missing ? std::numeric_limits<float>::quiet_NaN()
                                                   : static_cast<float>(centre + spread * noise(generator));
      }
    }
    for (const auto& plane : values) planes.push_back(plane.data());
  }
  TrainingSamples views() const { return {planes, classes, weights, class_count}; }
  size_t class_count;
};

std::vector<float> Probabilities(const TrainedForest& trained, const Example& example) {
  kernels::ModelDescription description;
  for (int f = 0; f < 6; ++f) description.feature_names.push_back(std::string(1, 'a' + f));
  for (size_t k = 0; k < example.class_count; ++k) description.classes.push_back({static_cast<uint16_t>(k), ""});
  const auto classifier =
      kernels::Classifier::Load(kernels::WriteModel(description, {trained.forest}).value(), "test").value();
  std::vector<float> probabilities(example.classes.size() * example.class_count);
  classifier->PredictProbabilities(example.planes, example.classes.size(), probabilities.data());
  return probabilities;
}

double Accuracy(const TrainedForest& trained, const Example& example) {
  const std::vector<float> probabilities = Probabilities(trained, example);
  double right = 0;
  for (size_t i = 0; i < example.classes.size(); ++i) {
    const float* row = probabilities.data() + i * example.class_count;
    right += std::max_element(row, row + example.class_count) - row == example.classes[i];
  }
  return right / example.classes.size();
}

// Polygons of sixteen equal pixels.
Example Repeated(const Example& polygons, std::vector<uint32_t>& groups) {
  Example pixels = polygons;
  pixels.planes.clear();
  pixels.classes.clear();
  for (auto& plane : pixels.values) plane.clear();
  for (uint32_t i = 0; i < polygons.classes.size(); ++i) {
    pixels.classes.insert(pixels.classes.end(), 16, polygons.classes[i]);
    groups.insert(groups.end(), 16, i);
    for (size_t f = 0; f < pixels.values.size(); ++f) {
      pixels.values[f].insert(pixels.values[f].end(), 16, polygons.values[f][i]);
    }
  }
  for (const auto& plane : pixels.values) pixels.planes.push_back(plane.data());
  return pixels;
}

TEST(BinnedSamples, EqualPixelsCostNoEdges) {
  const Example polygons(600, 2, 1, 6);
  std::vector<uint32_t> groups;
  const Example pixels = Repeated(polygons, groups);
  ASSERT_OK_AND_ASSIGN(const BinnedSamples once, BinnedSamples::Create(polygons.views(), 1));
  ASSERT_OK_AND_ASSIGN(const BinnedSamples often, BinnedSamples::Create(pixels.views(), 1));
  EXPECT_EQ(once.edges().size(), 6u * 254);
  EXPECT_EQ(often.edges().size(), once.edges().size());
}

TEST(ForestTrainer, BytesDoNotDependOnThreads) {
  for (const bool extremely_random : {false, true}) {
    const Example example(700, 4, 2, 1, 0.1);
    ForestOptions options{.trees = 12, .bootstrap = !extremely_random, .random_thresholds = extremely_random};
    std::string first;
    for (const int threads : {1, 3, 8}) {
      ASSERT_OK_AND_ASSIGN(const BinnedSamples samples, BinnedSamples::Create(example.views(), threads));
      ASSERT_OK_AND_ASSIGN(const TrainedForest trained, TrainForest(samples, options, threads));
      kernels::SectionWriter writer("ARPMODEL", 1);
      kernels::AddForestSections(trained.forest, 0, writer);
      writer.AddArray("score", std::vector<double>{trained.out_of_bag_accuracy.value_or(-1)});
      writer.AddArray("import", trained.importance);
      const std::string bytes = writer.Finish();
      if (first.empty()) first = bytes;
      EXPECT_TRUE(bytes == first) << threads << " threads";
    }
    options.seed = 2;
    ASSERT_OK_AND_ASSIGN(const BinnedSamples samples, BinnedSamples::Create(example.views(), 1));
    ASSERT_OK_AND_ASSIGN(const TrainedForest other, TrainForest(samples, options, 1));
    kernels::SectionWriter writer("ARPMODEL", 1);
    kernels::AddForestSections(other.forest, 0, writer);
    EXPECT_NE(writer.Finish(), first);
  }
}

TEST(ForestTrainer, LearnsWhatCanBeLearnt) {
  const Example example(2000, 3, 1, 1), fresh(2000, 3, 1, 2);
  ASSERT_OK_AND_ASSIGN(const BinnedSamples samples, BinnedSamples::Create(example.views(), 1));
  for (const bool extremely_random : {false, true}) {
    const ForestOptions options{.trees = 40, .bootstrap = !extremely_random, .random_thresholds = extremely_random};
    ASSERT_OK_AND_ASSIGN(const TrainedForest trained, TrainForest(samples, options, 1));
    // The best possible: neighbours are 3 sqrt(2) deviations apart along the diagonal, so that the middle class loses
    // 2 x 1.7 %, the outer ones 1.7 %.
    EXPECT_GT(Accuracy(trained, fresh), 0.965);
    if (!extremely_random) {
      ASSERT_TRUE(trained.out_of_bag_accuracy.has_value());
      EXPECT_NEAR(*trained.out_of_bag_accuracy, Accuracy(trained, fresh), 0.015);
    } else {
      EXPECT_FALSE(trained.out_of_bag_accuracy.has_value());
    }
    EXPECT_GT(trained.importance[1] + trained.importance[4], 0.75);
    double sum = 0;
    for (const double value : trained.importance) sum += value;
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

TEST(ForestTrainer, LearnsFromNoDataItself) {
  // The class shows only in whether feature 2 is there.
  Example example(600, 2, 1, 3);
  for (size_t i = 0; i < 600; ++i) {
    example.values[1][i] = example.values[4][i] = 0;
    if (example.classes[i] == 1) example.values[2][i] = std::numeric_limits<float>::quiet_NaN();
  }
  ASSERT_OK_AND_ASSIGN(const BinnedSamples samples, BinnedSamples::Create(example.views(), 1));
  ASSERT_OK_AND_ASSIGN(const TrainedForest trained, TrainForest(samples, {.trees = 20}, 1));
  EXPECT_GT(Accuracy(trained, example), 0.99);
}

TEST(ForestTrainer, DepthAndLeafSizesAreKept) {
  const Example example(1500, 4, 4, 5);
  ASSERT_OK_AND_ASSIGN(const BinnedSamples samples, BinnedSamples::Create(example.views(), 1));
  ASSERT_OK_AND_ASSIGN(const TrainedForest shallow, TrainForest(samples, {.trees = 3, .max_depth = 2}, 1));
  for (size_t t = 0; t < 3; ++t) EXPECT_LE(shallow.forest.roots[t + 1] - shallow.forest.roots[t], 7u);
  // Without bootstrap every leaf's samples can be counted by sending all of them down the tree.
  const ForestOptions options{.trees = 4, .min_samples_split = 30, .min_samples_leaf = 12, .bootstrap = false};
  ASSERT_OK_AND_ASSIGN(const TrainedForest trained, TrainForest(samples, options, 1));
  const kernels::ForestView view(trained.forest);
  for (size_t t = 0; t < 4; ++t) {
    std::map<uint32_t, int> leaves;
    for (size_t i = 0; i < 1500; ++i) {
      const std::vector<uint32_t> bins(samples.row(i), samples.row(i) + 6);
      ++leaves[view.WalkOnePixel(t, bins)];
    }
    EXPECT_GT(leaves.size(), 5u);
    for (const auto& [leaf, count] : leaves) EXPECT_GE(count, 12);
  }
}

TEST(ForestTrainer, ClassWeightsFavourAClass) {
  const Example example(3000, 2, 4, 5);
  ASSERT_OK_AND_ASSIGN(const BinnedSamples samples, BinnedSamples::Create(example.views(), 1));
  const auto mean_of_class_1 = [&](std::vector<double> weights) {
    const ForestOptions options{.trees = 20, .min_samples_leaf = 20, .class_weights = std::move(weights)};
    const std::vector<float> p = Probabilities(TrainForest(samples, options, 1).value(), example);
    double sum = 0;
    for (size_t i = 1; i < p.size(); i += 2) sum += p[i];
    return sum / 3000;
  };
  const double even = mean_of_class_1({});
  EXPECT_NEAR(even, 0.5, 0.03);
  EXPECT_GT(mean_of_class_1({1, 4}), even + 0.15);
}

TEST(ForestTrainer, SampleWeightsFavourSamples) {
  Example example(3000, 2, 4, 5);
  for (const uint16_t klass : example.classes) example.weights.push_back(klass == 1 ? 4 : 1);
  ASSERT_OK_AND_ASSIGN(const BinnedSamples samples, BinnedSamples::Create(example.views(), 1));
  ASSERT_OK_AND_ASSIGN(const TrainedForest trained, TrainForest(samples, {.trees = 20, .min_samples_leaf = 20}, 1));
  const std::vector<float> p = Probabilities(trained, example);
  double sum = 0;
  for (size_t i = 1; i < p.size(); i += 2) sum += p[i];
  EXPECT_GT(sum / 3000, 0.65);
}

TEST(ForestTrainer, RowsChooseSamples) {
  Example example(1000, 2, 1, 5);
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < 1000; ++i) {
    if (example.classes[i] == 0) rows.push_back(i);
  }
  ASSERT_OK_AND_ASSIGN(const BinnedSamples samples, BinnedSamples::Create(example.views(), 1));
  ASSERT_OK_AND_ASSIGN(const TrainedForest trained, TrainForest(samples, {.trees = 3}, 1, rows));
  EXPECT_EQ(trained.forest.nodes.size(), 3u);  // one class only: three leaves
}

TEST(ForestTrainer, ImpossibleOptionsAreNamed) {
  const Example example(10, 2, 1, 5);
  ASSERT_OK_AND_ASSIGN(const BinnedSamples samples, BinnedSamples::Create(example.views(), 1));
  const auto code = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(TrainForest(samples, {.trees = 0}, 1), StatusIs(code, "trees"));
  EXPECT_THAT(TrainForest(samples, {.max_depth = 0}, 1), StatusIs(code, "max_depth"));
  EXPECT_THAT(TrainForest(samples, {.min_samples_split = 1}, 1), StatusIs(code, "min_samples_split"));
  EXPECT_THAT(TrainForest(samples, {.class_weights = {1}}, 1), StatusIs(code, "class_weights"));
  EXPECT_THAT(TrainForest(samples, {.class_weights = {1, 0}}, 1), StatusIs(code, "class_weights"));
  Example unknown(10, 2, 1, 5);
  unknown.classes[3] = 2;
  EXPECT_THAT(BinnedSamples::Create(unknown.views(), 1), StatusIs(code, "class 2"));
  EXPECT_THAT(BinnedSamples::Create({}, 1), StatusIs(code, "no samples"));
}

}  // namespace
}  // namespace arpent::learn
