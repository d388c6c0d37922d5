#include "common/kernels/composite/selection.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "common/kernels/composite/brdf.h"
#include "common/kernels/composite/cloud_distance.h"
#include "common/kernels/composite/spectral_centre.h"
#include "common/kernels/composite/weights.h"
#include "common/raster/codes.h"
#include "common/testing/instruction_sets.h"

namespace arpent::kernels {
namespace {

using raster::Image;
using raster::View;

// Scenes over one row of pixels.
struct Scenes {
  std::vector<Image<uint8_t>> classes;
  std::vector<Image<uint16_t>> weights;
  std::vector<Layer> layers;

  void Add(int day, const std::vector<uint8_t>& classes_in, const std::vector<uint16_t>& weights_in) {
    const int width = static_cast<int>(classes_in.size());
    Image<uint8_t> c(width, 1);
    Image<uint16_t> w(width, 1);
    std::copy(classes_in.begin(), classes_in.end(), c.data());
    std::copy(weights_in.begin(), weights_in.end(), w.data());
    classes.push_back(std::move(c));
    weights.push_back(std::move(w));
    layers.clear();
    days.push_back(day);
    for (size_t i = 0; i < classes.size(); ++i) layers.push_back({days[i], classes[i].view(), weights[i].view()});
  }
  std::vector<int> days;
};

TEST(Selection, TakesTheBestClassAndCountsItsDates) {
  Scenes scenes;
  scenes.Add(18000, {kClassLand, kClassWater, kClassCloud, kClassNone, kClassDoubtful}, {10, 20, 30, 0, 50});
  scenes.Add(18010, {kClassLand, kClassLand, kClassSnow, kClassNone, kClassCloud}, {30, 60, 70, 0, 90});
  Image<uint8_t> best(5, 1), flags(5, 1), counts(5, 1);
  Image<uint16_t> day(5, 1);
  KeepBestClass(scenes.layers, best.view(), flags.view(), counts.view());
  MeanDay(scenes.layers, day.view());
  EXPECT_TRUE(std::equal(flags.data(), flags.data() + 5, std::vector<uint8_t>{4, 4, 2, 0, 1}.begin()));
  EXPECT_TRUE(std::equal(counts.data(), counts.data() + 5, std::vector<uint8_t>{2, 1, 1, 0, 0}.begin()));
  EXPECT_TRUE(std::equal(day.data(), day.data() + 5, std::vector<uint16_t>{18008, 18010, 18010, 65535, 18000}.begin()));
  EXPECT_EQ(scenes.weights[0](1, 0), 0);
  EXPECT_EQ(scenes.weights[0](4, 0), 50);
  EXPECT_EQ(scenes.weights[1](4, 0), 0);
}

TEST(Selection, TheMeanDayCrossesNewYear) {
  Scenes scenes;  // 2021-12-27 and 2022-01-06
  scenes.Add(18988, {kClassLand}, {100});
  scenes.Add(18998, {kClassLand}, {100});
  Image<uint16_t> day(1, 1);
  MeanDay(scenes.layers, day.view());
  EXPECT_EQ(day(0, 0), 18993);  // 2022-01-01
}

TEST(Selection, TwoScenesOfADayAreOneDate) {
  Scenes scenes;
  scenes.Add(100, {kClassCloud, kClassLand, kClassLand}, {1, 1, 1});
  scenes.Add(100, {kClassLand, kClassLand, kClassNone}, {1, 1, 0});
  scenes.Add(101, {kClassLand, kClassLand, kClassLand}, {1, 1, 1});
  KeepOnePerDay(scenes.layers);
  Image<uint8_t> best(3, 1), flags(3, 1), counts(3, 1);
  KeepBestClass(scenes.layers, best.view(), flags.view(), counts.view());
  for (int x = 0; x < 3; ++x) EXPECT_EQ(counts(x, 0), 2) << x;
  EXPECT_EQ(scenes.weights[0](1, 0), 1);  // the first of the day
  EXPECT_EQ(scenes.weights[1](1, 0), 0);
  EXPECT_EQ(scenes.weights[1](0, 0), 1);  // the clear one of the day
}

TEST(Selection, UnderCloudTheDarkestBlueStays) {
  Scenes scenes;
  scenes.Add(1, {kClassCloud, kClassCloud, kClassLand}, {9, 9, 9});
  scenes.Add(2, {kClassCloud, kClassCloud, kClassLand}, {9, 9, 9});
  Image<int16_t> blue1(3, 1), blue2(3, 1);
  blue1(0, 0) = 4000, blue1(1, 0) = 3000, blue1(2, 0) = 500;
  blue2(0, 0) = 3500, blue2(1, 0) = raster::kReflectanceNoData, blue2(2, 0) = 400;
  Image<uint8_t> best(3, 1), flags(3, 1), counts(3, 1);
  KeepBestClass(scenes.layers, best.view(), flags.view(), counts.view());
  const std::vector<View<const int16_t>> blue = {blue1.view(), blue2.view()};
  KeepDarkest(scenes.layers, blue, best.view());
  EXPECT_EQ(scenes.weights[0](0, 0), 0);
  EXPECT_EQ(scenes.weights[1](0, 0), 9);
  EXPECT_EQ(scenes.weights[0](1, 0), 9);
  EXPECT_EQ(scenes.weights[1](1, 0), 0);
  EXPECT_EQ(scenes.weights[0](2, 0) * scenes.weights[1](2, 0), 81);  // land is left alone
}

TEST(Selection, HazyDatesAreLeftOut) {
  Scenes scenes;
  std::vector<Image<int16_t>> images(5, Image<int16_t>(3, 1));
  const int16_t blue[5][3] = {
      {900, 500, raster::kReflectanceNoData}, {420, 690, 300}, {430, 0, 600}, {610, 0, 0}, {640, 0, 0}};
  for (int d = 0; d < 5; ++d) {
    scenes.Add(d, {kClassLand, kClassLand, kClassLand},
               {9, static_cast<uint16_t>(d < 2 ? 9 : 0), static_cast<uint16_t>(d < 3 ? 9 : 0)});
    std::copy_n(blue[d], 3, images[d].data());
  }
  std::vector<View<const int16_t>> views;
  for (const auto& image : images) views.push_back(image.view());
  LeaveOutHaze(scenes.layers, views);
  // Pixel 0: the darkest third of five is 430; above 630 is haze. Pixel 1: 690 is 190 above 500. Pixel 2: 600 is 300
  // above.
  const uint16_t expected[5][3] = {{0, 9, 9}, {9, 9, 9}, {9, 0, 0}, {9, 0, 0}, {0, 0, 0}};
  for (int d = 0; d < 5; ++d) {
    for (int x = 0; x < 3; ++x) EXPECT_EQ(scenes.weights[d](x, 0), expected[d][x]) << d << "," << x;
  }
}

TEST(Selection, BestPixelIsTheHeaviest) {
  Scenes scenes;
  scenes.Add(1, {kClassLand, kClassLand}, {5, 7});
  scenes.Add(2, {kClassLand, kClassLand}, {6, 7});
  KeepHeaviest(scenes.layers);
  EXPECT_EQ(scenes.weights[0](0, 0), 0);
  EXPECT_EQ(scenes.weights[1](0, 0), 6);
  EXPECT_EQ(scenes.weights[0](1, 0), 7);
  EXPECT_EQ(scenes.weights[1](1, 0), 0);
}

TEST(PixelClass, GuardsCloudsAndShadows) {
  const int size = 31, margin = kCloudGuardPixels;
  Image<uint8_t> scl(size, size, raster::kSclVegetation);
  Image<uint16_t> qa(size, size, 0);
  scl(15, 15) = raster::kSclCloudHigh;
  qa(2, 2) = raster::kQaCloudShadow;  // in the margin: its guard reaches inside
  scl(24, 24) = raster::kSclNoData;
  scl(24, 5) = raster::kSclWater;
  Image<uint8_t> out(size - 2 * margin, size - 2 * margin), traits(size, size), hidden(size, size);
  FindTraits(scl.view(), qa.view(), traits.view());
  for (size_t i = 0; i < hidden.size(); ++i) hidden.data()[i] = (traits.data()[i] & kTraitHidden) != 0;
  const geo::Window inner = {margin, margin, out.width(), out.height()};
  ClassifyPixels(static_cast<const Image<uint8_t>&>(scl).view().Sub(inner),
                 static_cast<const Image<uint16_t>&>(qa).view().Sub(inner), hidden.view(), out.view());
  EXPECT_EQ(traits(24, 24), 0);
  EXPECT_EQ(traits(15, 15), kTraitData | kTraitHidden | kTraitObscured);
  EXPECT_EQ(traits(24, 5), kTraitData);
  for (int y = 0; y < out.height(); ++y) {
    for (int x = 0; x < out.width(); ++x) {
      const int u = x + margin, v = y + margin;
      const auto near = [&](int a, int b) { return std::abs(u - a) <= margin && std::abs(v - b) <= margin; };
      int expected = kClassLand;
      if (u == 24 && v == 5) expected = kClassWater;
      if (near(15, 15) || near(2, 2)) expected = kClassDoubtful;
      if (u == 15 && v == 15) expected = kClassCloud;
      if (u == 24 && v == 24) expected = kClassNone;
      ASSERT_EQ(out(x, y), expected) << x << "," << y;
    }
  }
}

// G at a cell by the definition: a double sum over all cells.
double SlowBlur(const std::vector<std::vector<int>>& hidden, int x, int y, double sigma) {
  double above = 0, below = 0;
  for (int v = 0; v < static_cast<int>(hidden.size()); ++v) {
    for (int u = 0; u < static_cast<int>(hidden[v].size()); ++u) {
      if (std::max(std::abs(u - x), std::abs(v - y)) > std::ceil(4 * sigma)) continue;
      const double tap = std::exp(-0.5 * ((u - x) * (u - x) + (v - y) * (v - y)) / (sigma * sigma));
      above += tap * hidden[v][u];
      below += tap;
    }
  }
  return above / below;
}

TEST(CloudDistance, BlursAsTheDefinitionSays) {
  const int cells = 30, pixels = cells * kCloudCellPixels;
  std::mt19937 random(4);
  std::vector<std::vector<int>> hidden(cells, std::vector<int>(cells));
  Image<uint8_t> scl(pixels, pixels, raster::kSclVegetation);
  const Image<uint16_t> qa(pixels, pixels, 0);
  for (int y = 0; y < cells; ++y) {
    for (int x = 0; x < cells; ++x) {
      hidden[y][x] = x + y < 18 && random() % 2 == 0;
      const int rows = hidden[y][x] ? 7 : 5;  // more or less than half of the cell
      for (int v = 0; v < rows; ++v) {
        for (int u = 0; u < kCloudCellPixels; ++u) {
          scl(x * kCloudCellPixels + u, y * kCloudCellPixels + v) = raster::kSclCloudHigh;
        }
      }
    }
  }
  CloudCells counts(pixels, pixels);
  Image<uint8_t> traits(pixels, pixels);
  FindTraits(scl.view(), qa.view(), traits.view());
  const int half = pixels / 2;
  for (const int y : {0, half}) {
    for (const int x : {0, half}) {
      const geo::Window piece = {x, y, half, half};
      counts.Add(x, y, static_cast<const Image<uint8_t>&>(traits).view().Sub(piece));
    }
  }
  const CloudDistance distance(counts);
  for (int y = 0; y < cells; y += 3) {
    for (int x = 0; x < cells; x += 3) {
      EXPECT_NEAR(distance.small_blur(x, y) / 65535.0, SlowBlur(hidden, x, y, 2), 2e-5) << x << "," << y;
      EXPECT_NEAR(distance.large_blur(x, y) / 65535.0, SlowBlur(hidden, x, y, 10), 2e-5) << x << "," << y;
    }
  }
  // Linear between the centres of cells: halfway between pixels 11 and 12 lies the border of cells 0 and 1.
  std::vector<uint16_t> row(pixels);
  distance.WeightRow(0, 5, row);
  const double fraction_y = (5 + 0.5) / kCloudCellPixels - 0.5;  // above the first centre: cell row 0 alone
  ASSERT_LT(fraction_y, 0);
  for (int x = 6; x < pixels - 6; x += 17) {
    const double at = (x + 0.5) / kCloudCellPixels - 0.5;
    const int left = static_cast<int>(at);
    const double f = at - left;
    const auto blur = [&](bool small) {
      const auto value = [&](int cell) {
        return (small ? distance.small_blur(cell, 0) : distance.large_blur(cell, 0)) / 65535.0;
      };
      return (1 - f) * value(left) + f * value(left + 1);
    };
    EXPECT_NEAR(row[x] / 65535.0, (1 - blur(true)) * (1 - blur(false)), 4e-5) << x;
  }
  std::vector<uint16_t> piece(100);
  distance.WeightRow(37, 5, piece);
  EXPECT_TRUE(std::equal(piece.begin(), piece.end(), row.begin() + 37));
}

TEST(Weights, FollowTheFormulas) {
  const WeightOptions options;
  EXPECT_DOUBLE_EQ(AotWeight(0, options), 1);
  EXPECT_DOUBLE_EQ(AotWeight(0.4, options), 0.665);
  EXPECT_DOUBLE_EQ(AotWeight(0.8, options), 0.33);
  EXPECT_DOUBLE_EQ(AotWeight(3, options), 0.33);
  EXPECT_DOUBLE_EQ(DateWeight(0, 25, options), 1);
  EXPECT_DOUBLE_EQ(DateWeight(-12.5, 25, options), 0.75);  // the original's integer division would give 1
  EXPECT_DOUBLE_EQ(DateWeight(25, 25, options), 0.5);
  const DateWeights weights(0.75, options);
  const std::vector<uint16_t> aot = {0, 400, 800, 5000, 65535, 400}, cloud = {65535, 65535, 65535, 65535, 65535, 0};
  std::vector<uint16_t> out(6);
  weights.Apply(aot, cloud, out);
  const double expected[] = {0.75, 0.75 * 0.665, 0.75 * 0.33, 0.75 * 0.33, 0.75 * 0.33, 1 / 65535.0};
  for (int i = 0; i < 6; ++i) EXPECT_NEAR(out[i] / 65535.0, expected[i], 1e-5) << i;
}

// Dates of a pixel as points; the sum of distances from `centre` to those that take part.
double DistanceSum(const std::vector<std::vector<int>>& points, const std::vector<double>& centre) {
  double sum = 0;
  for (const auto& point : points) {
    double square = 0;
    for (size_t b = 0; b < point.size(); ++b) square += (point[b] - centre[b]) * (point[b] - centre[b]);
    sum += std::sqrt(square);
  }
  return sum;
}

class SpectralCentre : public ::testing::Test {
 protected:
  static constexpr int kDates = 7, kBands = 5, kWidth = 37;
  void SetUp() override {
    std::mt19937 random(12);
    for (int d = 0; d < kDates; ++d) {
      Image<uint16_t> weight(kWidth, 1);
      for (int x = 0; x < kWidth; ++x) weight(x, 0) = random() % 4 == 0 ? 0 : 100;
      weights_.push_back(std::move(weight));
      for (int b = 0; b < kBands; ++b) {
        Image<int16_t> band(kWidth, 1);
        for (int x = 0; x < kWidth; ++x) band(x, 0) = static_cast<int16_t>(1000 + random() % 3000);
        if (d == 2) band(5, 0) = raster::kReflectanceNoData;
        values_.push_back(std::move(band));
      }
    }
    for (auto& image : values_) value_views_.push_back(static_cast<const Image<int16_t>&>(image).view());
    for (auto& image : weights_) weight_views_.push_back(image.view());
    before_ = weights_;
  }
  SpectralStack stack() const { return {value_views_, weight_views_, kBands}; }
  bool Takes(int d, int x) const { return before_[d](x, 0) != 0 && !(d == 2 && x == 5); }
  std::vector<std::vector<int>> PointsAt(int x) const {
    std::vector<std::vector<int>> points;
    for (int d = 0; d < kDates; ++d) {
      if (!Takes(d, x)) continue;
      points.emplace_back();
      for (int b = 0; b < kBands; ++b) points.back().push_back(values_[d * kBands + b](x, 0));
    }
    return points;
  }

  std::vector<Image<int16_t>> values_;
  std::vector<Image<uint16_t>> weights_, before_;
  std::vector<View<const int16_t>> value_views_;
  std::vector<View<uint16_t>> weight_views_;
};

TEST_F(SpectralCentre, NoPointNearTheGeometricMedianIsBetter) {
  WeightByGeometricMedian(stack());
  for (int x = 0; x < kWidth; ++x) {
    std::vector<double> centre(kBands, 0);
    double total = 0;
    for (int d = 0; d < kDates; ++d) {
      ASSERT_EQ(weights_[d](x, 0) != 0, Takes(d, x)) << d << "," << x;
      total += weights_[d](x, 0);
      for (int b = 0; b < kBands; ++b) centre[b] += weights_[d](x, 0) * values_[d * kBands + b](x, 0);
    }
    if (total == 0) continue;
    for (double& value : centre) value /= total;
    const auto points = PointsAt(x);
    const double sum = DistanceSum(points, centre);
    for (int b = 0; b < kBands; ++b) {
      for (const double step : {-20.0, 20.0}) {
        std::vector<double> moved = centre;
        moved[b] += step;
        EXPECT_LE(sum, DistanceSum(points, moved) + 0.2) << x;
      }
    }
  }
}

TEST_F(SpectralCentre, TheMedoidIsTheDateNearestToAll) {
  KeepMedoid(stack());
  for (int x = 0; x < kWidth; ++x) {
    double least = 1e30;
    int expected = -1;
    const auto points = PointsAt(x);
    for (int d = 0; d < kDates; ++d) {
      if (!Takes(d, x)) continue;
      std::vector<double> centre;
      for (int b = 0; b < kBands; ++b) centre.push_back(values_[d * kBands + b](x, 0));
      if (const double sum = DistanceSum(points, centre); sum < least - 1e-3) {
        least = sum;
        expected = d;
      }
    }
    for (int d = 0; d < kDates; ++d) EXPECT_EQ(weights_[d](x, 0) != 0, d == expected) << d << "," << x;
  }
}

TEST_F(SpectralCentre, EveryInstructionSetGivesTheSameBits) {
  const auto start = weights_;
  std::vector<Image<uint16_t>> first;
  testing::ForEachInstructionSet([&](const char* name) {
    for (int d = 0; d < kDates; ++d) std::copy_n(start[d].data(), kWidth, weights_[d].data());
    WeightByGeometricMedian(stack());
    if (first.empty()) first = weights_;
    for (int d = 0; d < kDates; ++d) EXPECT_TRUE(first[d] == weights_[d]) << name;
  });
}

TEST(Brdf, IsOneAtNadirAndDarkensTheHotSpot) {
  // With the hot spot at its peak the first term doubles: 4 / (3 pi) (pi / 2) 2 / 2 = 2 / 3.
  EXPECT_NEAR(RossThick(0, 0, 0), 1.0 / 3, 1e-12);
  EXPECT_NEAR(LiSparse(0, 0, 0), 0, 1e-12);
  // By hand for 45 degrees: cos t = 2 / (1 + sqrt 2), overlap 0.1003; 0.1003 - 2.4142 + 1.2071.
  EXPECT_NEAR(LiSparse(M_PI / 4, 0, 0), -1.1068, 2e-4);
  const ViewGeometry nadir = {40, 150, 0, 0};
  EXPECT_DOUBLE_EQ(BrdfFactor("B04", nadir), 1);
  EXPECT_LT(BrdfFactor("B04", {40, 150, 10, 150}), 1);  // towards the sun's side: brighter than nadir
  EXPECT_GT(BrdfFactor("B04", {40, 150, 10, 330}), 1);
  EXPECT_DOUBLE_EQ(BrdfFactor("B99", {40, 150, 10, 330}), 1);
}

}  // namespace
}  // namespace arpent::kernels
