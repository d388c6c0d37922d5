#include "common/kernels/masking/clear_haze.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace arpent::kernels {
namespace {

using raster::Image;

constexpr float kClearCirrus = 0.0025f;  // at 1.38 um of a clear sky, with its noise
constexpr float kDefaultClearHaze = 0.010f;  // between the clear Kenyan (0.002) and Slovenian (0.02) scenes
constexpr float kLeastClearHaze = -0.005f;
constexpr float kMostClearHaze = 0.018f;  // under a high sun; beyond, the vegetation itself lies under haze
constexpr float kMostLocalHaze = 0.010f;  // above the scene's, under a high sun; more is thin cloud
constexpr int kVegetationCellPixels = 25;
constexpr int kVegetationReachCells = 2;
constexpr int64_t kLeastVegetation = 400;  // pixels within reach, for a clear value of their own

constexpr float kLowSunAir = 1.05f, kLowestSunAir = 1.7f;  // sun zenith 43 to 63 degrees
constexpr int kLandCellPixels = 8;
constexpr int kLandReachCells = 2;
constexpr int64_t kLeastLand = 60;      // pixels within reach, for a clear value of their own
constexpr float kMostLandBlue = 0.25f;  // brighter is cloud
constexpr float kMostAerosol = 0.035f;  // what the clear value may be, before air: an AOT of about 0.7
constexpr float kMostLocalAerosol = 0.015f;  // above the scene's, before air
constexpr float kHazeSlope = 0.0004f;   // what it may change by from pixel to pixel, before air
constexpr double kClearShare = 0.3;     // the percentile that is clear: clouds and roofs are above

// Counts of haze in classes of 0.001.
template <typename Count, int kClasses>
class HazeCounts {
 public:
  void Add(float haze) {
    ++counts_[std::clamp(static_cast<int>((haze - kLowest) / kClass), 0, kClasses - 1)];
    ++total_;
  }
  template <typename Other>
  void Add(const HazeCounts<Other, kClasses>& other) {
    for (int i = 0; i < kClasses; ++i) counts_[i] += other.counts()[i];
    total_ += other.total();
  }
  int64_t total() const { return total_; }
  const std::array<Count, kClasses>& counts() const { return counts_; }

  // The percentile, linear within a class.
  float Clear() const {
    const double wanted = kClearShare * static_cast<double>(total_);
    double below = 0;
    for (int i = 0; i < kClasses; ++i) {
      if (counts_[i] > 0 && below + counts_[i] >= wanted) {
        return kLowest + kClass * (static_cast<float>(i) + static_cast<float>((wanted - below) / counts_[i]));
      }
      below += counts_[i];
    }
    return kLowest;
  }

 private:
  static constexpr float kLowest = -0.03f, kClass = 0.001f;
  std::array<Count, kClasses> counts_{};
  int64_t total_ = 0;
};

// Haze by square cells, and of the cells around each.
template <typename Count, int kClasses>
class CellCounts {
 public:
  using Wide = HazeCounts<int32_t, kClasses>;

  CellCounts(const MaskInput& input, int cell_pixels)
      : cell_pixels_(cell_pixels),
        columns_((input.width() + cell_pixels - 1) / cell_pixels),
        rows_((input.height() + cell_pixels - 1) / cell_pixels),
        cells_(static_cast<size_t>(columns_) * rows_) {}

  int columns() const { return columns_; }
  int rows() const { return rows_; }
  void Add(int x, int y, float haze) { cells_[static_cast<size_t>(y / cell_pixels_) * columns_ + x / cell_pixels_].Add(haze); }

  Wide All() const {
    Wide all;
    for (const auto& cell : cells_) all.Add(cell);
    return all;
  }
  Wide Around(int column, int row, int reach) const {
    Wide around;
    for (int y = std::max(0, row - reach); y <= std::min(rows_ - 1, row + reach); ++y) {
      for (int x = std::max(0, column - reach); x <= std::min(columns_ - 1, column + reach); ++x) {
        around.Add(cells_[static_cast<size_t>(y) * columns_ + x]);
      }
    }
    return around;
  }

 private:
  int cell_pixels_, columns_, rows_;
  std::vector<HazeCounts<Count, kClasses>> cells_;
};

bool IsVegetation(const MaskInput& input, int x, int y) {
  return NormalisedDifference(input.nir(x, y), input.red(x, y)) > 0.4f && input.swir1(x, y) < 0.3f && input.blue(x, y) < 0.12f;
}

bool IsLand(const MaskInput& input, int x, int y) {
  const float nir = input.nir_narrow(x, y);
  return nir > 0.08f && input.green(x, y) < 1.2f * nir && input.swir1(x, y) > 0.05f && input.blue(x, y) < kMostLandBlue;
}

// The least of each value and of what the others allow, which grows by `slope` from cell to cell: two sweeps that chain steps to the
// eight neighbours (Borgefors 1986).
void BoundSlope(float slope, Image<float>& values) {
  const float across = slope * std::numbers::sqrt2_v<float>;
  const int width = values.width(), height = values.height();
  const auto allow = [&](int x, int y, int from_x, int from_y, float step) {
    if (from_x < 0 || from_x >= width || from_y < 0 || from_y >= height) return;
    values(x, y) = std::min(values(x, y), values(from_x, from_y) + step);
  };
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      allow(x, y, x - 1, y, slope), allow(x, y, x, y - 1, slope);
      allow(x, y, x - 1, y - 1, across), allow(x, y, x + 1, y - 1, across);
    }
  }
  for (int y = height - 1; y >= 0; --y) {
    for (int x = width - 1; x >= 0; --x) {
      allow(x, y, x + 1, y, slope), allow(x, y, x, y + 1, slope);
      allow(x, y, x + 1, y + 1, across), allow(x, y, x - 1, y + 1, across);
    }
  }
}

}  // namespace

float HazeAt(const MaskInput& input, int x, int y) {
  const float cirrus = input.cirrus.width() == 0 ? 0.0f : std::max(0.0f, input.cirrus(x, y) - kClearCirrus);
  return input.blue(x, y) - 0.5f * (input.red(x, y) + cirrus);
}

float AirOfLowSun(double sun_zenith_deg) {
  constexpr double kRadian = std::numbers::pi / 180, kHighSunZenithDeg = 40, kLeastCosine = 0.2;
  const double cosine = std::max(std::cos(sun_zenith_deg * kRadian), kLeastCosine);
  return static_cast<float>(std::max(1.0, std::cos(kHighSunZenithDeg * kRadian) / cosine));
}

float LowSun(float air) { return std::clamp((air - kLowSunAir) / (kLowestSunAir - kLowSunAir), 0.0f, 1.0f); }

ClearHaze::ClearHaze(const MaskInput& input) {
  const float air = AirOfLowSun(input.sun_zenith_deg);
  low_sun_ = LowSun(air);
  AskVegetation(input, air);
  if (low_sun_ > 0) AskLand(input, air);
}

void ClearHaze::AskVegetation(const MaskInput& input, float air) {
  CellCounts<int32_t, 128> cells(input, kVegetationCellPixels);
  int64_t valid = 0;
  for (int y = 0; y < input.height(); ++y) {
    for (int x = 0; x < input.width(); ++x) {
      if (input.valid(x, y) == 0) continue;
      ++valid;
      if (IsVegetation(input, x, y)) cells.Add(x, y, HazeAt(input, x, y));
    }
  }
  const auto all = cells.All();
  of_scene_ = kDefaultClearHaze;
  if (all.total() > 0 && all.total() >= valid / 50) of_scene_ = std::clamp(all.Clear(), kLeastClearHaze, kMostClearHaze * air);
  const float most = std::min(kMostClearHaze * air, of_scene_ + kMostLocalHaze * air);
  over_vegetation_ = {kVegetationCellPixels, Image<float>(cells.columns(), cells.rows(), of_scene_)};
  for (int y = 0; y < cells.rows(); ++y) {
    for (int x = 0; x < cells.columns(); ++x) {
      const auto near = cells.Around(x, y, kVegetationReachCells);
      if (near.total() >= kLeastVegetation) over_vegetation_.values(x, y) = std::clamp(near.Clear(), kLeastClearHaze, most);
    }
  }
}

void ClearHaze::AskLand(const MaskInput& input, float air) {
  CellCounts<uint8_t, 256> cells(input, kLandCellPixels);
  for (int y = 0; y < input.height(); ++y) {
    for (int x = 0; x < input.width(); ++x) {
      if (input.valid(x, y) != 0 && IsLand(input, x, y)) cells.Add(x, y, HazeAt(input, x, y));
    }
  }
  const auto all = cells.All();
  if (all.total() < kLeastLand) {
    over_land_ = over_vegetation_;
    return;
  }
  const float of_land = std::clamp(all.Clear(), kLeastClearHaze, kMostAerosol * air);
  const float most = std::min(kMostAerosol * air, of_land + kMostLocalAerosol * air);
  of_scene_ += low_sun_ * (of_land - of_scene_);
  over_land_ = {kLandCellPixels, Image<float>(cells.columns(), cells.rows(), most)};
  for (int y = 0; y < cells.rows(); ++y) {
    for (int x = 0; x < cells.columns(); ++x) {
      const auto near = cells.Around(x, y, kLandReachCells);
      if (near.total() >= kLeastLand) over_land_.values(x, y) = std::clamp(near.Clear(), kLeastClearHaze, most);
    }
  }
  BoundSlope(kHazeSlope * kLandCellPixels * air, over_land_.values);
}

float ClearHaze::Map::At(int x, int y) const {
  const float u = std::clamp((x + 0.5f) / cell_pixels - 0.5f, 0.0f, values.width() - 1.0f);
  const float v = std::clamp((y + 0.5f) / cell_pixels - 0.5f, 0.0f, values.height() - 1.0f);
  const int x0 = static_cast<int>(u), y0 = static_cast<int>(v);
  const int x1 = std::min(x0 + 1, values.width() - 1), y1 = std::min(y0 + 1, values.height() - 1);
  const float top = values(x0, y0) + (values(x1, y0) - values(x0, y0)) * (u - x0);
  const float bottom = values(x0, y1) + (values(x1, y1) - values(x0, y1)) * (u - x0);
  return top + (bottom - top) * (v - y0);
}

float ClearHaze::At(int x, int y) const {
  if (over_vegetation_.values.empty()) return 0;
  if (low_sun_ == 0) return over_vegetation_.At(x, y);
  return over_vegetation_.At(x, y) + (over_land_.At(x, y) - over_vegetation_.At(x, y)) * low_sun_;
}

float ClearHaze::AerosolAt(int x, int y) const { return std::max(0.0f, At(x, y) - kDefaultClearHaze); }

}  // namespace arpent::kernels
