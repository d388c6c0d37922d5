#include "common/kernels/masking/shadows.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "common/kernels/masking/regions.h"

namespace arpent::kernels {
namespace {

using raster::Image;

constexpr double kLowestCloud_m = 200;
constexpr double kHighestCloud_m = 8000;
constexpr int kReferenceRadius = 25;  // 1.5 km at 60 m
constexpr int kCellPixels = 128;
constexpr double kLeastCorrelation = 0.05;  // of the scene: below, dark ground is not explained by its clouds
constexpr double kGoodCorrelation = 0.35;   // of a cell: above, its own height is taken
constexpr int64_t kLeastCloudPixels = 200;  // of a cell and its neighbours, for a height of its own
constexpr float kLit = 0.85f;               // of the local mean: darker land may be shadow and makes no reference
constexpr double kLeastLand = 0.02;         // share of the neighbourhood that makes a local reference

// Brightness relative to the reference below which ground is shadow: under the thrown cloud, next to it, within three
// pixels of it, and where the cloud would lie outside of the data.
constexpr float kUnder = 1.00f;
constexpr float kNextTo = 0.80f;
constexpr float kNear = 0.64f;
constexpr float kUnseen = 0.50f;

struct Ground {
  Image<float> relative;    // brightness / local reference
  Image<uint8_t> land;      // valid, no cloud, no water
  Image<uint8_t> darkness;  // 0-200
};

float MedianBrightness(const Image<float>& brightness, const Image<uint8_t>& land) {
  std::vector<float> values;
  for (int y = 0; y < land.height(); ++y) {
    for (int x = 0; x < land.width(); ++x) {
      if (land(x, y)) values.push_back(brightness(x, y));
    }
  }
  if (values.empty()) return 0.5f;
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Ground DescribeGround(const MaskInput& input, const CloudMasks& masks) {
  const int width = input.width();
  const int height = input.height();
  Image<float> brightness(width, height);
  Ground ground{Image<float>(width, height), Image<uint8_t>(width, height), Image<uint8_t>(width, height)};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (input.valid(x, y) == 0) continue;
      brightness(x, y) = input.nir_narrow(x, y) + input.swir1(x, y);
      ground.land(x, y) = masks.cloud(x, y) == 0 && masks.water(x, y) == 0 && brightness(x, y) >= 0.05f &&
                          input.green(x, y) <= input.nir_narrow(x, y);
    }
  }
  const LocalMean all = MeanAround(brightness.view(), ground.land.view(), kReferenceRadius);
  // Of the brighter land alone, lest many shadows make the reference dark.
  Image<uint8_t> lit = ground.land;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) lit(x, y) = lit(x, y) && brightness(x, y) >= kLit * all.mean(x, y);
  }
  const LocalMean around = MeanAround(brightness.view(), lit.view(), kReferenceRadius);
  const float median = MedianBrightness(brightness, ground.land);
  const double window = (2.0 * kReferenceRadius + 1) * (2.0 * kReferenceRadius + 1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (ground.land(x, y) == 0) continue;
      const bool enough = around.count(x, y) > kLeastLand * window;
      const float reference = std::max(enough ? around.mean(x, y) : median, 0.01f);
      ground.relative(x, y) = brightness(x, y) / reference;
      const float dark = std::clamp((0.9f - ground.relative(x, y)) / 0.4f, 0.0f, 1.0f);
      ground.darkness(x, y) = static_cast<uint8_t>(dark * 200.0f);
    }
  }
  return ground;
}

struct Shift {  // from a cloud to its shadow, in pixels
  int x = 0;
  int y = 0;
};

// The sun throws the cloud away from itself; the sensor sees the cloud displaced away from its own nadir, so that the
// point below the cloud lies towards the sensor (by `parallax` of the full amount).
Shift ShadowShift(double height_m, const SceneGeometry& geometry, double parallax) {
  constexpr double kRadian = std::numbers::pi / 180;
  const double sun = height_m * std::tan(geometry.sun_zenith_deg * kRadian);
  const double view = parallax * height_m * std::tan(geometry.view_zenith_deg * kRadian);
  const double east =
      view * std::sin(geometry.view_azimuth_deg * kRadian) - sun * std::sin(geometry.sun_azimuth_deg * kRadian);
  const double north =
      view * std::cos(geometry.view_azimuth_deg * kRadian) - sun * std::cos(geometry.sun_azimuth_deg * kRadian);
  return {static_cast<int>(std::lround(east / geometry.pixel_m)),
          static_cast<int>(std::lround(-north / geometry.pixel_m))};
}

// Sums of a correlation between cloud percent `a` and darkness `d`; whole numbers, so that order does not matter.
struct Sums {
  int64_t n = 0, a = 0, d = 0, aa = 0, ad = 0, dd = 0, cloudy = 0;

  void Add(int cloud, int dark) {
    ++n;
    a += cloud;
    d += dark;
    aa += cloud * cloud;
    ad += cloud * dark;
    dd += dark * dark;
    cloudy += cloud > 0;
  }
  void Add(const Sums& o) { n += o.n, a += o.a, d += o.d, aa += o.aa, ad += o.ad, dd += o.dd, cloudy += o.cloudy; }
  // Few pixels count for less: a chance match of a handful must not win.
  double Correlation() const {
    if (n < 50) return 0;
    const double count = static_cast<double>(n);
    const double covariance = ad / count - (a / count) * (d / count);
    const double variance_a = aa / count - (a / count) * (a / count);
    const double variance_d = dd / count - (d / count) * (d / count);
    if (variance_a <= 0 || variance_d <= 0) return 0;
    return covariance / std::sqrt(variance_a * variance_d) * std::min(1.0, static_cast<double>(cloudy) / 30);
  }
};

// Cloud at a pixel, continued outside by the edge pixels.
uint8_t CloudAt(const Image<uint8_t>& cloud, int x, int y) {
  return cloud(std::clamp(x, 0, cloud.width() - 1), std::clamp(y, 0, cloud.height() - 1));
}

class HeightSearch {
 public:
  HeightSearch(const MaskInput& input, const CloudMasks& masks, const Ground& ground, const SceneGeometry& geometry)
      : geometry_(geometry),
        ground_(ground),
        cloud_(input.width(), input.height()),
        thickness_(input.width(), input.height()),
        cells_x_((input.width() + kCellPixels - 1) / kCellPixels),
        cells_y_((input.height() + kCellPixels - 1) / kCellPixels) {
    for (int y = 0; y < cloud_.height(); ++y) {
      for (int x = 0; x < cloud_.width(); ++x) {
        if (masks.cloud(x, y)) {
          cloud_(x, y) = std::min<uint8_t>(masks.cloud_percent(x, y), 100);
          thickness_(x, y) = Thickness(input.blue(x, y) - 0.5f * input.red(x, y) - masks.clear_haze);
        }
      }
    }
    // Every second pixel is enough for a whole tile.
    step_ = static_cast<int64_t>(input.width()) * input.height() > 1000000 ? 2 : 1;
  }

  // Finds the scene's height; false when nothing correlates.
  bool Run() {
    const double tangent = std::tan(geometry_.sun_zenith_deg * std::numbers::pi / 180);
    const double step_m = geometry_.pixel_m / std::max(tangent, 0.3);
    for (const double parallax : {0.0, 1.0}) {
      for (double height = kLowestCloud_m; height < kHighestCloud_m; height += step_m) {
        const Shift shift = ShadowShift(height, geometry_, parallax);
        if (std::abs(shift.x) >= cloud_.width() || std::abs(shift.y) >= cloud_.height()) break;
        Evaluate({height, shift});
      }
    }
    return scene_best_ >= 0 && scene_correlation_ >= kLeastCorrelation;
  }

  double height_m() const { return candidates_[scene_best_].height_m; }
  double correlation() const { return scene_correlation_; }
  const Image<uint8_t>& cloud() const { return cloud_; }

  // The shift of each cell, row by row; the scene's own where the cell's does not stand out.
  std::vector<Shift> CellShifts() const {
    std::vector<Shift> shifts;
    for (int cy = 0; cy < cells_y_; ++cy) {
      for (int cx = 0; cx < cells_x_; ++cx) {
        double best = kGoodCorrelation;
        size_t chosen = static_cast<size_t>(scene_best_);
        for (size_t k = 0; k < candidates_.size(); ++k) {
          const Sums sums = Around(k, cx, cy);
          if (sums.cloudy < kLeastCloudPixels / (step_ * step_)) continue;
          const double correlation = sums.Correlation();
          if (correlation > best) best = correlation, chosen = k;
        }
        shifts.push_back(candidates_[chosen].shift);
      }
    }
    return shifts;
  }
  int cells_x() const { return cells_x_; }

 private:
  struct Candidate {
    double height_m = 0;
    Shift shift;
  };

  // What a cloud reflects does not reach the ground; blue - 0.5 red is half of it. 1-100.
  static uint8_t Thickness(float haze) { return static_cast<uint8_t>(std::clamp(haze / 0.2f, 0.01f, 1.0f) * 100.0f); }

  void Evaluate(const Candidate& candidate) {
    std::vector<Sums> cells(static_cast<size_t>(cells_x_) * cells_y_);
    for (int y = 0; y < cloud_.height(); y += step_) {
      for (int x = 0; x < cloud_.width(); x += step_) {
        if (ground_.land(x, y) == 0) continue;
        cells[(y / kCellPixels) * cells_x_ + x / kCellPixels].Add(
            CloudAt(thickness_, x - candidate.shift.x, y - candidate.shift.y), ground_.darkness(x, y));
      }
    }
    Sums scene;
    for (const Sums& cell : cells) scene.Add(cell);
    candidates_.push_back(candidate);
    cells_.push_back(std::move(cells));
    if (scene.Correlation() > scene_correlation_) {
      scene_correlation_ = scene.Correlation();
      scene_best_ = static_cast<int>(candidates_.size()) - 1;
    }
  }

  Sums Around(size_t candidate, int cx, int cy) const {
    Sums sums;
    for (int y = std::max(0, cy - 1); y <= std::min(cells_y_ - 1, cy + 1); ++y) {
      for (int x = std::max(0, cx - 1); x <= std::min(cells_x_ - 1, cx + 1); ++x) {
        sums.Add(cells_[candidate][y * cells_x_ + x]);
      }
    }
    return sums;
  }

  const SceneGeometry& geometry_;
  const Ground& ground_;
  Image<uint8_t> cloud_;      // percent inside clouds, 0 elsewhere
  Image<uint8_t> thickness_;  // how much light they take, 1-100; 0 elsewhere
  int cells_x_ = 0;
  int cells_y_ = 0;
  int step_ = 1;
  std::vector<Candidate> candidates_;
  std::vector<std::vector<Sums>> cells_;  // per candidate
  int scene_best_ = -1;
  double scene_correlation_ = 0;
};

}  // namespace

ShadowMask DetectShadows(const MaskInput& input, const CloudMasks& masks, const SceneGeometry& geometry) {
  const int width = input.width();
  const int height = input.height();
  ShadowMask result{Image<uint8_t>(width, height), 0, 0};
  const Ground ground = DescribeGround(input, masks);
  HeightSearch search(input, masks, ground, geometry);
  if (!search.Run()) return result;
  result.cloud_height_m = search.height_m();
  result.correlation = search.correlation();

  const std::vector<Shift> shifts = search.CellShifts();
  Image<uint8_t> under(width, height), thrown(width, height), unseen(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const Shift shift = shifts[(y / kCellPixels) * search.cells_x() + x / kCellPixels];
      const int from_x = x - shift.x;
      const int from_y = y - shift.y;
      const uint8_t percent = CloudAt(search.cloud(), from_x, from_y);
      unseen(x, y) = from_x < 0 || from_x >= width || from_y < 0 || from_y >= height || input.valid(from_x, from_y) == 0;
      thrown(x, y) = percent > 0;
      under(x, y) = percent > 30 && !unseen(x, y);
    }
  }
  const Image<uint8_t> next_to = Dilate(thrown.view(), 1);
  const Image<uint8_t> nearby = Dilate(thrown.view(), 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (ground.land(x, y) == 0) continue;
      const float relative = ground.relative(x, y);
      result.shadow(x, y) = (under(x, y) && relative < kUnder) || (next_to(x, y) && relative < kNextTo) ||
                            (nearby(x, y) && relative < kNear) || (unseen(x, y) && relative < kUnseen);
    }
  }
  return result;
}

}  // namespace arpent::kernels
