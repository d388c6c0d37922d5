#include "common/kernels/composite/reduce.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "common/testing/instruction_sets.h"

namespace arpent::kernels {
namespace {

using raster::Image;
using raster::View;

struct Stack {
  std::vector<Image<int16_t>> values;
  std::vector<Image<uint16_t>> weights;
  std::vector<View<const int16_t>> value_views;
  std::vector<View<const uint16_t>> weight_views;
  int factor;

  BandStack band() const { return {value_views, weight_views, factor}; }
};

Stack RandomStack(int dates, int width, int height, int factor, unsigned seed) {
  std::mt19937 random(seed);
  Stack stack;
  stack.factor = factor;
  for (int d = 0; d < dates; ++d) {
    Image<int16_t> values(width, height);
    Image<uint16_t> weights((width + factor - 1) / factor, (height + factor - 1) / factor);
    for (size_t i = 0; i < values.size(); ++i) {
      const unsigned kind = random() % 10;
      values.data()[i] = kind == 0   ? raster::kReflectanceNoData
                         : kind == 1 ? static_cast<int16_t>(random())
                                     : static_cast<int16_t>(random() % 8000 - 300);
    }
    for (size_t i = 0; i < weights.size(); ++i) {
      weights.data()[i] = random() % 3 == 0 ? 0 : random() % 20 == 0 ? 65535 : static_cast<uint16_t>(random());
    }
    stack.values.push_back(std::move(values));
    stack.weights.push_back(std::move(weights));
  }
  for (int d = 0; d < dates; ++d) {
    stack.value_views.push_back(static_cast<const Image<int16_t>&>(stack.values[d]).view());
    stack.weight_views.push_back(static_cast<const Image<uint16_t>&>(stack.weights[d]).view());
  }
  return stack;
}

// The obvious computation, pixel by pixel in long double.
struct Sample {
  int value;
  uint16_t weight;
};
std::vector<Sample> SamplesAt(const Stack& stack, int x, int y) {
  std::vector<Sample> samples;
  for (size_t d = 0; d < stack.values.size(); ++d) {
    const Sample sample = {stack.values[d](x, y), stack.weights[d](x / stack.factor, y / stack.factor)};
    if (sample.value != raster::kReflectanceNoData && sample.weight != 0) samples.push_back(sample);
  }
  return samples;
}

TEST(WeightedMean, EqualsTheObviousComputation) {
  for (const int factor : {1, 2}) {
    for (const int dates : {1, 2, 7, 30}) {
      const Stack stack = RandomStack(dates, 131, 9, factor, 5 * dates + factor);
      Image<int16_t> out(131, 9);
      WeightedMean(stack.band(), out.view());
      for (int y = 0; y < 9; ++y) {
        for (int x = 0; x < 131; ++x) {
          long double sum = 0, total = 0;
          for (const Sample& sample : SamplesAt(stack, x, y)) {
            sum += static_cast<long double>(sample.weight) * sample.value;
            total += sample.weight;
          }
          const int expected = total == 0 ? raster::kReflectanceNoData : static_cast<int>(std::lround(sum / total));
          ASSERT_EQ(out(x, y), expected) << x << "," << y << " of " << dates << " dates";
        }
      }
    }
  }
}

TEST(Median, EqualsSorting) {
  for (const int factor : {1, 2}) {
    for (int dates = 1; dates <= 40; dates += 3) {
      const Stack stack = RandomStack(dates, 131, 5, factor, 100 + dates);
      Image<int16_t> out(131, 5);
      Median(stack.band(), out.view());
      for (int y = 0; y < 5; ++y) {
        for (int x = 0; x < 131; ++x) {
          std::vector<int> sorted;
          for (const Sample& sample : SamplesAt(stack, x, y)) sorted.push_back(sample.value);
          std::sort(sorted.begin(), sorted.end());
          const size_t n = sorted.size();
          const int expected = n == 0 ? raster::kReflectanceNoData
                                      : static_cast<int>(std::lround((sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0));
          ASSERT_EQ(out(x, y), expected) << x << "," << y << " of " << dates << " dates";
        }
      }
    }
  }
}

TEST(Reduce, OrderAndBlocksDoNotMatter) {
  Stack stack = RandomStack(12, 200, 64, 2, 9);
  Image<int16_t> mean(200, 64), median(200, 64);
  WeightedMean(stack.band(), mean.view());
  Median(stack.band(), median.view());
  std::mt19937 random(1);
  std::vector<size_t> order(12);
  for (size_t i = 0; i < 12; ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random);
  Image<int16_t> mean_again(200, 64), median_again(200, 64);
  for (const geo::Window block :
       {geo::Window{0, 0, 74, 64}, geo::Window{74, 0, 126, 30}, geo::Window{74, 30, 126, 34}}) {
    std::vector<View<const int16_t>> values;
    std::vector<View<const uint16_t>> weights;
    for (const size_t d : order) {
      values.push_back(stack.value_views[d].Sub(block));
      weights.push_back(
          stack.weight_views[d].Sub({block.x / 2, block.y / 2, (block.width + 1) / 2, (block.height + 1) / 2}));
    }
    WeightedMean({values, weights, 2}, mean_again.view().Sub(block));
    Median({values, weights, 2}, median_again.view().Sub(block));
  }
  EXPECT_TRUE(mean == mean_again);
  EXPECT_TRUE(median == median_again);
}

TEST(Reduce, EveryInstructionSetGivesTheSameBits) {
  const Stack stack = RandomStack(11, 150, 8, 2, 77);
  Image<int16_t> mean, median;
  testing::ForEachInstructionSet([&](const char* name) {
    Image<int16_t> mean_again(150, 8), median_again(150, 8);
    WeightedMean(stack.band(), mean_again.view());
    Median(stack.band(), median_again.view());
    if (mean.empty()) mean = mean_again, median = median_again;
    EXPECT_TRUE(mean == mean_again) << name;
    EXPECT_TRUE(median == median_again) << name;
  });
}

TEST(Reduce, NothingGivesNoData) {
  Image<int16_t> out(70, 2, 1);
  WeightedMean({}, out.view());
  EXPECT_EQ(out(69, 1), raster::kReflectanceNoData);
  Median({}, out.view());
  EXPECT_EQ(out(0, 0), raster::kReflectanceNoData);
}

}  // namespace
}  // namespace arpent::kernels
