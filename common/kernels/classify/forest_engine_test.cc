#include "common/kernels/classify/forest_engine.h"

#include <cmath>

#include "common/kernels/classify/random_forest_for_test.h"
#include "common/kernels/classify/softmax.h"
#include "common/testing/status_matchers.h"

namespace arpent::kernels {
namespace {

std::vector<const float*> Pointers(const std::vector<std::vector<float>>& planes) {
  std::vector<const float*> pointers;
  for (const auto& plane : planes) pointers.push_back(plane.data());
  return pointers;
}

std::vector<uint32_t> BinsOfPixel(const ForestView& view, const std::vector<std::vector<float>>& planes, size_t i) {
  std::vector<uint32_t> bins;
  for (size_t f = 0; f < planes.size(); ++f) bins.push_back(view.Bin(static_cast<int>(f), planes[f][i]));
  return bins;
}

// The slow reference: one pixel, one tree, one node at a time.
std::vector<uint32_t> ReferenceShares(const ForestView& view, const std::vector<std::vector<float>>& planes) {
  const size_t count = planes[0].size(), stride = ShareStride(view.classes);
  std::vector<uint32_t> sums(count * stride);
  for (size_t i = 0; i < count; ++i) {
    const std::vector<uint32_t> bins = BinsOfPixel(view, planes, i);
    for (size_t t = 0; t < view.trees(); ++t) {
      const uint32_t row = view.payloads[view.WalkOnePixel(t, bins)];
      for (size_t k = 0; k < stride; ++k) sums[i * stride + k] += view.shares[row * stride + k];
    }
  }
  return sums;
}

class EveryInstructionSet : public ::testing::Test {
 protected:
  ~EveryInstructionSet() override { UseInstructionSet(""); }
};

void ExpectReferenceSums(const RandomForestShape& shape, bool missing) {
  RandomForestMaker maker(shape, 17);
  const Forest forest = maker.Make();
  const ForestView view(forest);
  ASSERT_EQ(view.Problem(), "");
  EXPECT_EQ(view.wide(), shape.most_edges > 1000);
  for (const size_t count : {1, 7, 61, 64, 700}) {
    const auto planes = maker.Pixels(forest, count, missing);
    const std::vector<uint32_t> expected = ReferenceShares(view, planes);
    for (const std::string& name : InstructionSets()) {
      UseInstructionSet(name);
      std::vector<uint32_t> sums(expected.size(), 12345);
      ForestScratch scratch;
      SumShares(view, Pointers(planes), count, scratch, sums.data());
      EXPECT_EQ(sums, expected) << name << ", " << shape.features << " features, " << count << " pixels, missing " << missing;
    }
    UseInstructionSet("");
  }
}

TEST_F(EveryInstructionSet, GivesTheReferenceSums) {
  ASSERT_FALSE(InstructionSets().empty());
  for (const RandomForestShape& shape :
       {RandomForestShape{}, RandomForestShape{.features = 60, .classes = 10, .trees = 20, .max_depth = 12},
        RandomForestShape{.features = 1, .classes = 2, .trees = 1, .max_depth = 3, .most_edges = 1},
        RandomForestShape{.features = 64, .classes = 2, .trees = 3, .max_depth = 15}, RandomForestShape{.features = 65, .trees = 3},
        RandomForestShape{.features = 300, .classes = 17, .trees = 5},
        RandomForestShape{.features = 4, .classes = 3, .most_edges = 2000}}) {
    for (const bool missing : {true, false}) ExpectReferenceSums(shape, missing);
  }
}

TEST_F(EveryInstructionSet, GivesTheReferenceSumsOfTreesAroundTheMostThatSmallNodesHold) {
  const RandomForestShape largest{.features = 20, .trees = 1, .max_depth = 20}, larger{.features = 20, .trees = 1, .max_depth = 24};
  const size_t nodes = RandomForestMaker(largest, 17).Make().nodes.size();
  ASSERT_GT(nodes, 32768u);
  ASSERT_LE(nodes, 65536u);
  ASSERT_GT(RandomForestMaker(larger, 17).Make().nodes.size(), 65536u);
  for (const RandomForestShape& shape : {largest, larger}) {
    for (const bool missing : {true, false}) ExpectReferenceSums(shape, missing);
  }
}

TEST_F(EveryInstructionSet, AddsMarginsInTheOrderOfTheTrees) {
  for (const EnsembleKind kind : {EnsembleKind::kMargins, EnsembleKind::kFloatMargins}) {
    RandomForestMaker maker({.trees = 30, .most_edges = 400, .kind = kind}, 5);
    const Forest forest = maker.Make();
    const ForestView view(forest);
    ASSERT_EQ(view.Problem(), "");
    const auto planes = maker.Pixels(forest, 333);
    std::vector<double> expected;
    for (size_t i = 0; i < 333; ++i) {
      std::vector<double> margins(view.base_margins.begin(), view.base_margins.end());
      for (size_t t = 0; t < view.trees(); ++t) {
        const double leaf = view.margins[view.payloads[view.WalkOnePixel(t, BinsOfPixel(view, planes, i))]];
        double& margin = margins[view.tree_classes[t]];
        margin = kind == EnsembleKind::kMargins ? margin + leaf
                                                : static_cast<float>(margin) + static_cast<float>(leaf);
      }
      expected.insert(expected.end(), margins.begin(), margins.end());
    }
    for (const std::string& name : InstructionSets()) {
      UseInstructionSet(name);
      std::vector<double> margins(expected.size());
      ForestScratch scratch;
      SumMargins(view, Pointers(planes), 333, scratch, margins.data());
      EXPECT_EQ(margins, expected) << name;
    }
  }
}

TEST_F(EveryInstructionSet, QuantisesAsTheDefinitionSays) {
  RandomForestMaker maker({.features = 3}, 3);
  const Forest forest = maker.Make();
  const ForestView view(forest);
  const auto planes = maker.Pixels(forest, 5000);
  for (const std::string& name : InstructionSets()) {
    UseInstructionSet(name);
    for (int f = 0; f < 3; ++f) {
      std::vector<uint8_t> bins(5000);
      QuantisePlane(view.edges.subspan(view.edge_begin[f], view.edge_begin[f + 1] - view.edge_begin[f]),
                    planes[f].data(), 5000, 1, bins.data());
      for (size_t i = 0; i < 5000; ++i) ASSERT_EQ(bins[i], view.Bin(f, planes[f][i])) << name << planes[f][i];
    }
  }
}

TEST(Shares, SumToTheTotalAndKeepTheirProportions) {
  uint16_t shares[8] = {};
  SharesOf(std::vector<double>{1, 1, 1}, shares);
  EXPECT_EQ(shares[0] + shares[1] + shares[2], 65535);
  EXPECT_EQ(shares[0], 21845);
  SharesOf(std::vector<double>{0, 7, 0}, shares);
  EXPECT_EQ(shares[1], 65535);
  SharesOf(std::vector<double>{1, 1}, shares);  // the odd one goes to the lower class
  EXPECT_EQ(shares[0], 32768);
  EXPECT_EQ(shares[1], 32767);
}

TEST(Softmax, ExponentialIsAccurate) {
  for (double x = 0; x > -700; x -= 0.37) {
    EXPECT_NEAR(ExpOfNonPositive(x) / std::exp(x), 1, 1e-13) << x;
  }
  EXPECT_EQ(ExpOfNonPositive(0), 1);
  EXPECT_EQ(ExpOfNonPositive(-1e9), 0);
}

TEST(ForestView, BrokenArraysAreNoticed) {
  const Forest sound = RandomForestMaker({}, 1).Make();
  const auto problem_after = [&sound](auto damage) {
    Forest forest = sound;
    damage(forest);
    return ForestView(forest).Problem();
  };
  EXPECT_EQ(problem_after([](Forest&) {}), "");
  EXPECT_NE(problem_after([](Forest& f) { f.nodes[0].child = 0xFFFFFFF; }), "");
  EXPECT_NE(problem_after([](Forest& f) { f.nodes[0].split = 99; }), "");
  EXPECT_NE(problem_after([](Forest& f) { f.nodes[f.roots[1]].child = 0; }), "");  // would walk in circles
  EXPECT_NE(problem_after([](Forest& f) { f.roots[1] = f.roots[2]; }), "");
  EXPECT_NE(problem_after([](Forest& f) { std::swap(f.edges[0], f.edges[1]); }), "");
  EXPECT_NE(problem_after([](Forest& f) { f.payloads.pop_back(); }), "");
  EXPECT_NE(problem_after([](Forest& f) { f.shares.resize(8); }), "");
}

}  // namespace
}  // namespace arpent::kernels
