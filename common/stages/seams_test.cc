#include "common/stages/seams.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/testing/status_matchers.h"

namespace arpent::stages {
namespace {

constexpr int kWidth = 50, kHeight = 41, kOverlap = 4;

int16_t At(int x, int y) { return x < 0 || y < 0 || x >= kWidth || y >= kHeight ? -1 : static_cast<int16_t>(y * 100 + x); }

class SeamsTest : public ::testing::Test {
 protected:
  absl::Status Read(const geo::Window& window, raster::View<int16_t> image) {
    for (int y = 0; y < window.height; ++y) {
      for (int x = 0; x < window.width; ++x) {
        image(x, y) = At(window.x + x, window.y + y);
        if (image(x, y) >= 0) ++times_[image(x, y)];
      }
    }
    return absl::OkStatus();
  }

  void Expect(const geo::Window& window) {
    raster::Image<int16_t> image(window.width, window.height, -2);
    const auto read = [this](const geo::Window& part, raster::View<int16_t> out) { return Read(part, out); };
    ASSERT_OK(seams_.Get(window, kOverlap, read, image.view()));
    for (int y = 0; y < window.height; ++y) {
      for (int x = 0; x < window.width; ++x) ASSERT_EQ(image(x, y), At(window.x + x, window.y + y));
    }
  }

  Seams<int16_t> seams_;
  std::vector<int> times_ = std::vector<int>(kHeight * 100);
};

TEST_F(SeamsTest, EveryPixelIsReadOnce) {
  for (int y = -2; y < kHeight; y += 12) {
    for (int x = -2; x < kWidth; x += 16) Expect({x, y, 16 + kOverlap, 12 + kOverlap});
  }
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) ASSERT_EQ(times_[At(x, y)], 1) << x << " " << y;
  }
}

TEST_F(SeamsTest, EveryPixelIsReadOnceFourWindowsAtATime) {
  for (int y = 0; y < kHeight; y += 24) {
    for (int x = 0; x < kWidth; x += 32) {
      for (int piece = 0; piece < 4; ++piece) Expect({x + 16 * (piece % 2), y + 12 * (piece / 2), 16 + kOverlap, 12 + kOverlap});
    }
  }
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) ASSERT_EQ(times_[At(x, y)], 1) << x << " " << y;
  }
}

TEST_F(SeamsTest, WindowsThatDoNotFollowAreReadWhole) {
  Expect({0, 0, 20, 16});
  Expect({32, 0, 18, 16});   // one was left out
  Expect({0, 12, 20, 16});
  Expect({0, 24, 16, 16});   // narrower
  Expect({16, 20, 2, 2});    // smaller than the overlap
  Expect({12, 24, 20, 16});
}

}  // namespace
}  // namespace arpent::stages
