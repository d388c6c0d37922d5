#include "common/raster/resample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "common/testing/instruction_sets.h"

namespace arpent::raster {
namespace {

// Keys' kernel written as the textbook piecewise polynomial (a = -0.5), independent of the four-tap form.
double Keys(double d) {
  d = std::abs(d);
  if (d < 1) return 1.5 * d * d * d - 2.5 * d * d + 1;
  if (d < 2) return -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2;
  return 0;
}

// The slow, obvious enlargement: every input pixel takes part with its kernel value.
double Oracle(View<const int16_t> in, int factor, int x, int y, int16_t no_data) {
  const double cx = (x + 0.5) / factor - 0.5;
  const double cy = (y + 0.5) / factor - 0.5;
  double sum = 0, weights = 0;
  for (int j = 0; j < in.height(); ++j) {
    for (int i = 0; i < in.width(); ++i) {
      if (in(i, j) == no_data) continue;
      const double w = Keys(cx - i) * Keys(cy - j);
      sum += w * in(i, j);
      weights += w;
    }
  }
  return in(x / factor, y / factor) == no_data ? no_data : sum / weights;
}

Image<int16_t> RandomImage(int width, int height, double holes, uint32_t seed) {
  std::mt19937 random(seed);
  Image<int16_t> image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int16_t& v : image.row(y)) {
      v = random() % 1000 < holes * 1000 ? kReflectanceNoData : static_cast<int16_t>(static_cast<int>(random() % 9000) - 500);
    }
  }
  return image;
}

TEST(EnlargeBicubic, EqualsTheObviousConvolution) {
  for (const int factor : {2, 3, 6}) {
    const Image<int16_t> in = RandomImage(17, 13, 0, 7);
    Image<int16_t> out(17 * factor, 13 * factor);
    EnlargeBicubic(in.view(), factor, 0, 0, kReflectanceNoData, out.view());
    for (int y = 0; y < out.height(); ++y) {
      for (int x = 0; x < out.width(); ++x) {
        ASSERT_NEAR(out(x, y), Oracle(in.view(), factor, x, y, kReflectanceNoData), 0.51) << factor << ' ' << x << ' ' << y;
      }
    }
  }
}

TEST(EnlargeBicubic, LeavesHolesOutAndKeepsThem) {
  const Image<int16_t> in = RandomImage(30, 30, 0.08, 3);
  Image<int16_t> out(60, 60);
  EnlargeBicubic(in.view(), 2, 0, 0, kReflectanceNoData, out.view());
  int next_to_hole = 0;
  for (int y = 0; y < 60; ++y) {
    for (int x = 0; x < 60; ++x) {
      if (in(x / 2, y / 2) == kReflectanceNoData) {
        EXPECT_EQ(out(x, y), kReflectanceNoData);
        continue;
      }
      const double expected = Oracle(in.view(), 2, x, y, kReflectanceNoData);
      next_to_hole += std::abs(out(x, y) - expected) > 0.51;  // only where negative lobes outweigh the pixel itself
    }
  }
  EXPECT_LE(next_to_hole, 5);
}

TEST(EnlargeBicubic, ABlockWithMarginEqualsTheWhole) {
  const Image<int16_t> in = RandomImage(40, 36, 0.03, 11);
  const int factor = 2;
  Image<int16_t> whole(80, 72);
  EnlargeBicubic(in.view(), factor, 0, 0, kReflectanceNoData, whole.view());
  std::mt19937 random(5);
  for (int trial = 0; trial < 200; ++trial) {
    const int x = random() % 79, y = random() % 71;
    const int width = 1 + random() % (80 - x), height = 1 + random() % (72 - y);
    const int left = std::max(0, x / factor - 2), top = std::max(0, y / factor - 2);
    const int right = std::min(40, (x + width - 1) / factor + 3), bottom = std::min(36, (y + height - 1) / factor + 3);
    Image<int16_t> block(width, height);
    EnlargeBicubic(in.view().Sub({left, top, right - left, bottom - top}), factor, x - left * factor, y - top * factor,
                   kReflectanceNoData, block.view());
    for (int j = 0; j < height; ++j) {
      for (int i = 0; i < width; ++i) ASSERT_EQ(block(i, j), whole(x + i, y + j)) << trial;
    }
  }
}

TEST(EnlargeBicubic, EveryInstructionSetGivesTheSameBits) {
  for (const double holes : {0.0, 0.02}) {
    const Image<int16_t> in = RandomImage(83, 40, holes, 9);
    Image<int16_t> first;
    testing::ForEachInstructionSet([&](const char* name) {
      Image<int16_t> again(166, 80);
      EnlargeBicubic(in.view(), 2, 0, 0, kReflectanceNoData, again.view());
      if (first.empty()) first = again;
      EXPECT_EQ(first, again) << name;
    });
  }
}

TEST(EnlargeBicubic, KeepsAConstantAndAPlane) {
  Image<float> plane(20, 20);
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 20; ++x) plane(x, y) = 3.0f * x - 2.0f * y + 1;
  }
  Image<float> out(60, 60);
  EnlargeBicubic(plane.view(), 3, 0, 0, -1e9f, out.view());
  for (int y = 9; y < 51; ++y) {
    for (int x = 9; x < 51; ++x) {
      EXPECT_NEAR(out(x, y), 3 * ((x + 0.5) / 3 - 0.5) - 2 * ((y + 0.5) / 3 - 0.5) + 1, 1e-4);
    }
  }
}

TEST(EnlargeBicubic, OnePixelBecomesAConstant) {
  const Image<int16_t> in(1, 1, 1234);
  Image<int16_t> out(6, 6);
  EnlargeBicubic(in.view(), 6, 0, 0, kReflectanceNoData, out.view());
  EXPECT_EQ(out, Image<int16_t>(6, 6, 1234));
}

TEST(EnlargeNearest, RepeatsPixels) {
  Image<uint8_t> in(2, 1);
  in(0, 0) = 3, in(1, 0) = 9;
  Image<uint8_t> out(5, 2);
  EnlargeNearest(in.view(), 3, 1, 1, out.view());
  for (int y = 0; y < 2; ++y) {
    EXPECT_EQ(out(0, y), 3);
    EXPECT_EQ(out(1, y), 3);
    EXPECT_EQ(out(2, y), 9);
    EXPECT_EQ(out(4, y), 9);
  }
}

TEST(ShrinkMean, RoundsHalfAwayFromZeroAndSkipsNoData) {
  Image<int16_t> in(5, 2, kReflectanceNoData);
  in(0, 0) = 1, in(1, 0) = 2;            // mean 1.5
  in(2, 0) = -1, in(3, 1) = -2;          // mean -1.5
  Image<int16_t> out(3, 1);
  ShrinkMean(in.view(), 2, kReflectanceNoData, out.view());
  EXPECT_EQ(out(0, 0), 2);
  EXPECT_EQ(out(1, 0), -2);
  EXPECT_EQ(out(2, 0), kReflectanceNoData);  // the narrow cell at the edge
}

TEST(ShrinkMean, FloatsAndBytes) {
  Image<float> in(2, 2, 1.0f);
  in(1, 1) = 4.0f;
  Image<float> out(1, 1);
  ShrinkMean(in.view(), 2, -1.0f, out.view());
  EXPECT_FLOAT_EQ(out(0, 0), 1.75f);
  const Image<uint8_t> bytes(4, 4, 200);
  Image<uint8_t> small(2, 2);
  ShrinkMean(bytes.view(), 2, 255, small.view());
  EXPECT_EQ(small, Image<uint8_t>(2, 2, 200));
}

TEST(ShrinkNearest, TakesTheFirstPixelOfEachCell) {
  Image<uint16_t> in(3, 3);
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 3; ++x) in(x, y) = static_cast<uint16_t>(10 * y + x);
  }
  Image<uint16_t> out(2, 2);
  ShrinkNearest(in.view(), 2, out.view());
  EXPECT_EQ(out(0, 0), 0);
  EXPECT_EQ(out(1, 0), 2);
  EXPECT_EQ(out(0, 1), 20);
  EXPECT_EQ(out(1, 1), 22);
}

}  // namespace
}  // namespace arpent::raster
