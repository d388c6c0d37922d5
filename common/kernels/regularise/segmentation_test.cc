#include "common/kernels/regularise/segmentation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <tuple>
#include <vector>

namespace arpent::kernels {
namespace {

using raster::Image;
constexpr uint16_t kNone = 65535;
const std::vector<uint16_t> kFrozen = {0, kNone};
constexpr int kField = 11;

// Fields of 11 pixels with a look of their own and noise; every 13th pixel or so is classified wrong or frozen.
struct Scene {
  Image<uint16_t> codes;
  Image<PixelDigest> digests;

  Scene(int width, int height, uint32_t seed, int noise) : codes(width, height), digests(width, height) {
    std::mt19937 random(seed);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const int crop = CropAt(x, y);
        const uint32_t draw = random() % 100;
        codes(x, y) = draw < 12 ? static_cast<uint16_t>(11 + random() % 4)
                                : draw < 14 ? (draw == 12 ? 0 : kNone) : static_cast<uint16_t>(11 + crop);
        for (size_t k = 0; k < 8; ++k) {
          digests(x, y)[k] = static_cast<uint8_t>(90 + 14 * crop * (k % 2) + 6 * k + random() % (2 * noise + 1));
        }
      }
    }
  }
  static int CropAt(int x, int y) { return (x / kField + 2 * (y / kField)) % 4; }
};

// The same rule with regions as plain sets of pixels, their means computed anew at every question.
std::map<std::pair<int, int>, int> SlowSegments(const Scene& scene, const SegmentationOptions& options) {
  const int width = scene.codes.width(), height = scene.codes.height();
  const auto frozen = [&](int x, int y) { return scene.codes(x, y) == 0 || scene.codes(x, y) == kNone; };
  std::vector<std::tuple<int, int, int, int>> pairs;  // difference, y, x, side
  std::map<std::pair<int, int>, int> region;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (frozen(x, y)) continue;
      region[{x, y}] = y * width + x;
      for (const int side : {0, 1}) {
        const int u = x + (side == 0), v = y + side;
        if (u >= width || v >= height || frozen(u, v)) continue;
        int difference = 0;
        for (size_t k = 0; k < 8; ++k) {
          const int d = scene.digests(x, y)[k] - scene.digests(u, v)[k];
          difference += d * d;
        }
        pairs.emplace_back(std::min(difference, 8191), y, x, side);
      }
    }
  }
  std::sort(pairs.begin(), pairs.end());
  for (const auto& [difference, y, x, side] : pairs) {
    const int a = region[{x, y}], b = region[{x + (side == 0), y + side}];
    if (a == b) continue;
    std::array<std::vector<double>, 2> means = {std::vector<double>(8), std::vector<double>(8)};
    std::array<double, 2> counts = {0, 0};
    for (const auto& [pixel, own] : region) {
      if (own != a && own != b) continue;
      ++counts[own == b];
      for (size_t k = 0; k < 8; ++k) means[own == b][k] += scene.digests(pixel.first, pixel.second)[k];
    }
    double apart = 0;
    for (size_t k = 0; k < 8; ++k) apart += std::pow(means[0][k] / counts[0] - means[1][k] / counts[1], 2);
    const double limit = std::pow(options.range, 2) + std::pow(options.noise, 2) * (1 / counts[0] + 1 / counts[1]);
    if (apart > limit) continue;
    for (auto& [pixel, own] : region) own = own == b ? a : own;
  }
  return region;
}

TEST(Segment, IsWhatTheRuleSays) {
  for (const uint32_t seed : {1, 2, 3}) {
    const Scene scene(34, 27, seed, 9);
    const SegmentationOptions options{6.5, 9.5};
    Image<uint32_t> segments(34, 27);
    const uint32_t count = Segment(scene.digests.view(), scene.codes.view(), kFrozen, options, segments.view());
    const auto slow = SlowSegments(scene, options);
    std::set<int> regions;
    std::map<uint32_t, int> region_of;
    std::map<int, uint32_t> segment_of;
    for (int y = 0; y < 27; ++y) {
      for (int x = 0; x < 34; ++x) {
        const auto found = slow.find({x, y});
        ASSERT_EQ(segments(x, y) == kNoSegment, found == slow.end());
        if (found == slow.end()) continue;
        regions.insert(found->second);
        ASSERT_EQ(region_of.emplace(segments(x, y), found->second).first->second, found->second) << x << " " << y;
        ASSERT_EQ(segment_of.emplace(found->second, segments(x, y)).first->second, segments(x, y)) << x << " " << y;
      }
    }
    EXPECT_EQ(count, regions.size());
    EXPECT_GT(count, 6u);
  }
}

TEST(Segment, FieldsBecomeSegmentsAndAgree) {
  const Scene scene(8 * kField, 6 * kField, 5, 6);
  Image<uint32_t> segments(scene.codes.width(), scene.codes.height());
  constexpr double kNoise = 15;  // 1.4 times that of these pixels, as the stages choose it
  const uint32_t count = Segment(scene.digests.view(), scene.codes.view(), kFrozen, {8, kNoise}, segments.view());
  EXPECT_LE(count, 60u) << "48 fields, some cut by frozen pixels";
  Image<uint16_t> voted(scene.codes.width(), scene.codes.height());
  VoteInSegments(scene.codes.view(), segments.view(), count, voted.view());
  int wrong = 0;
  for (int y = 0; y < voted.height(); ++y) {
    for (int x = 0; x < voted.width(); ++x) {
      if (segments(x, y) == kNoSegment) {
        EXPECT_EQ(voted(x, y), scene.codes(x, y)) << "frozen codes stay";
      } else {
        wrong += voted(x, y) != 11 + Scene::CropAt(x, y);
      }
    }
  }
  EXPECT_LE(wrong, 10);
}

TEST(PixelNoise, IsThatOfTheFieldsWhateverTheirBorders) {
  for (const int noise : {3, 9}) {
    const Scene scene(20 * kField, 20 * kField, 8, noise);
    // Eight bytes, each uniform over 2 noise + 1 values.
    const double expected = std::sqrt(8 * (std::pow(2 * noise + 1, 2) - 1) / 12);
    EXPECT_NEAR(PixelNoise(scene.digests.view(), scene.codes.view(), kFrozen), expected, 0.15 * expected);
  }
  const Image<uint16_t> frozen(3, 3);
  EXPECT_EQ(PixelNoise(Image<PixelDigest>(3, 3).view(), frozen.view(), kFrozen), 0);
}

TEST(VoteInSegments, TheLowestOfEquallyFrequentCodesWins) {
  Image<uint16_t> codes(4, 1), out(4, 1);
  Image<uint32_t> segments(4, 1, 0);
  codes(0, 0) = 7, codes(1, 0) = 5, codes(2, 0) = 5, codes(3, 0) = 7;
  VoteInSegments(codes.view(), segments.view(), 1, out.view());
  EXPECT_EQ(out(2, 0), 5);
  EXPECT_EQ(out(0, 0), 5);
}

}  // namespace
}  // namespace arpent::kernels
