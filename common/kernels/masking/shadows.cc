#include "common/kernels/masking/shadows.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <vector>

#include "common/kernels/masking/regions.h"

namespace arpent::kernels {
namespace {

using raster::Image;

constexpr double kLowestCloud_m = 200;
constexpr double kHighestCloud_m = 8000;
constexpr int kReferenceRadius = 25;  // 1.5 km at 60 m
constexpr int kWideRadius = 100;      // 6 km
constexpr float kLeastOfWide = 0.8f;  // of the wide mean: a local mean below it is itself of shadow
constexpr double kCloudy = 0.5;       // cover from which ground may all lie in shadow, so that no height can be told
constexpr double kHighestUnknown_m = 3000;  // what then is taken for the clouds' height, from kLowestCloud_m
constexpr double kClearlyBetter = 0.05;  // by which the correlation must grow for the wide mean to have its say
constexpr int kCellPixels = 128;
constexpr double kLeastCorrelation = 0.05;  // of the scene: below, dark ground is not explained by its clouds
constexpr double kGoodCorrelation = 0.35;   // beyond chance; of a cell: its own height is taken
constexpr int64_t kLeastCloudPixels = 200;  // of a cell and its neighbours, for a height of its own
// Aerosol in the green, of what it adds to blue - 0.5 red: under it shaded soil is greener than it is bright in the near infrared.
constexpr float kGreenOfHaze = 1.2f;
constexpr float kLit = 0.85f;               // of the local mean: darker land may be shadow and makes no reference
constexpr int kLeastLandPixels = 53;        // around, for a mean of their own

// Brightness relative to the reference below which ground is shadow: under thrown cloud that is seen and no mere rim, under any
// other (beyond the edge it is a guess), next to it, within three pixels of it, and where the cloud would lie outside of the data.
constexpr float kUnderDense = 1.00f;
constexpr float kUnder = 0.90f;
constexpr float kNextTo = 0.75f;
constexpr float kUnderRim = 0.65f;  // under thrown cloud, of what is seen through the rim of a cloud
constexpr int kRimPercent = 20;      // of cloud below this
constexpr float kNear = 0.64f;
constexpr float kUnseen = 0.50f;
constexpr int kLeastUnseenPixels = 60;  // 0.2 km2: less is dark ground rather than the shadow of an unseen cloud
constexpr int kLeastBesidePixels = 9;   // the same of what touches a cloud or its shadow: clouds come in fields
constexpr int kNearPixels = 3;

struct Land {
  Image<uint8_t> is_land;  // valid, no cloud, no water
  Image<uint8_t> rim;      // seen through the rim of a cloud
  Image<float> brightness;
};

// How dark land is against what lit land is like here.
struct Darkness {
  Image<float> relative;    // brightness / reference
  Image<uint8_t> darkness;  // 0-200
};

Land DescribeLand(const MaskInput& input, const CloudMasks& masks) {
  const int width = input.width();
  const int height = input.height();
  Land land{Image<uint8_t>(width, height), Image<uint8_t>(width, height), Image<float>(width, height)};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (input.valid(x, y) == 0) continue;
      land.brightness(x, y) = input.nir_narrow(x, y) + input.swir1(x, y);
      const float green = input.green(x, y) - kGreenOfHaze * masks.clear_haze.AerosolAt(x, y);
      land.is_land(x, y) = masks.cloud(x, y) == 0 && masks.water(x, y) == 0 && land.brightness(x, y) >= 0.05f &&
                           green <= input.nir_narrow(x, y);
      land.rim(x, y) = masks.cloud(x, y) && masks.cloud_percent(x, y) < kRimPercent;
    }
  }
  return land;
}

float MedianBrightness(const Land& land) {
  std::vector<float> values;
  for (size_t i = 0; i < land.is_land.size(); ++i) {
    if (land.is_land.data()[i]) values.push_back(land.brightness.data()[i]);
  }
  if (values.empty()) return 0.5f;
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Mean of the brighter land around, lest many shadows make the reference dark; `otherwise` where there is too little.
Image<float> LitMean(const Land& land, int radius, float otherwise) {
  const LocalMean all = MeanAround(land.brightness.view(), land.is_land.view(), radius);
  Image<uint8_t> lit = land.is_land;
  for (size_t i = 0; i < lit.size(); ++i) lit.data()[i] = lit.data()[i] && land.brightness.data()[i] >= kLit * all.mean.data()[i];
  LocalMean around = MeanAround(land.brightness.view(), lit.view(), radius);
  for (size_t i = 0; i < lit.size(); ++i) {
    if (around.count.data()[i] < kLeastLandPixels) around.mean.data()[i] = otherwise;
  }
  return std::move(around.mean);
}

Darkness Against(const Image<float>& reference, const Land& land) {
  const int width = land.is_land.width();
  const int height = land.is_land.height();
  Darkness result{Image<float>(width, height), Image<uint8_t>(width, height)};
  for (size_t i = 0; i < land.is_land.size(); ++i) {
    if (land.is_land.data()[i] == 0 && land.rim.data()[i] == 0) continue;
    const float relative = land.brightness.data()[i] / std::max(reference.data()[i], 0.01f);
    result.relative.data()[i] = relative;
    result.darkness.data()[i] = static_cast<uint8_t>(std::clamp((0.9f - relative) / 0.4f, 0.0f, 1.0f) * 200.0f);
  }
  return result;
}

// Removes the regions that are too small for what they lie beside.
void RemoveSmallRegions(int least_pixels, int least_beside, const Image<uint8_t>& beside, Image<uint8_t>& mask) {
  const Regions regions = LabelRegions(mask.view());
  std::vector<int> pixels(regions.count + 1);
  std::vector<uint8_t> touches(regions.count + 1);
  for (size_t i = 0; i < mask.size(); ++i) {
    const int label = regions.labels.data()[i];
    ++pixels[label];
    touches[label] |= beside.data()[i];
  }
  for (size_t i = 0; i < mask.size(); ++i) {
    const int label = regions.labels.data()[i];
    mask.data()[i] = mask.data()[i] && pixels[label] >= (touches[label] ? least_beside : least_pixels);
  }
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

// By which a shadow moves one pixel.
double HeightStep_m(const SceneGeometry& geometry) {
  return geometry.pixel_m / std::max(std::tan(geometry.sun_zenith_deg * std::numbers::pi / 180), 0.3);
}

// Sums of a correlation between cloud percent `a` and darkness `d`; whole numbers, so that order does not matter.
struct Sums {
  int64_t n = 0, a = 0, d = 0, aa = 0, ad = 0, dd = 0, cloudy = 0;

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
  HeightSearch(const MaskInput& input, const CloudMasks& masks, const Land& land, const Darkness& darkness,
               const SceneGeometry& geometry)
      : geometry_(geometry),
        cloud_(input.width(), input.height()),
        thickness_(input.width(), input.height()),
        // Every second pixel is enough for a whole tile.
        step_(static_cast<int64_t>(input.width()) * input.height() > 1000000 ? 2 : 1),
        cells_x_((input.width() + kCellPixels - 1) / kCellPixels),
        cells_y_((input.height() + kCellPixels - 1) / kCellPixels) {
    for (int y = 0; y < cloud_.height(); ++y) {
      for (int x = 0; x < cloud_.width(); ++x) {
        if (masks.cloud(x, y)) {
          cloud_(x, y) = std::min<uint8_t>(masks.cloud_percent(x, y), 100);
          thickness_(x, y) = Thickness(HazeAt(input, x, y) - masks.clear_haze.At(x, y));
        }
      }
    }
    SampleGround(land, darkness);
  }

  void Run() {
    candidates_ = Candidates(geometry_);
    for (size_t k = 0; k < candidates_.size(); ++k) {
      cells_.push_back(SumsPerCell(candidates_[k].shift));
      const double correlation = Total(cells_[k]).Correlation();
      if (correlation > scene_correlation_) scene_correlation_ = correlation, scene_best_ = static_cast<int>(k);
    }
  }

  // Whether a height explains the dark ground of the scene, better than a sun would that is not there.
  bool Found() const {
    if (scene_correlation_ >= kGoodCorrelation) return true;
    return scene_correlation_ >= kLeastCorrelation && scene_correlation_ > ChanceCorrelation();
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

  std::vector<Candidate> Candidates(const SceneGeometry& geometry) const {
    std::vector<Candidate> candidates;
    for (const double parallax : {0.0, 1.0}) {
      for (double height = kLowestCloud_m; height < kHighestCloud_m; height += HeightStep_m(geometry)) {
        const Shift shift = ShadowShift(height, geometry, parallax);
        if (std::abs(shift.x) >= cloud_.width() || std::abs(shift.y) >= cloud_.height()) break;
        candidates.push_back({height, shift});
      }
    }
    return candidates;
  }

  // What no shift changes: every step_-th pixel of the land, and its sums.
  void SampleGround(const Land& land, const Darkness& darkness) {
    is_land_ = dark_ = Image<uint8_t>((cloud_.width() + step_ - 1) / step_, (cloud_.height() + step_ - 1) / step_);
    ground_.resize(static_cast<size_t>(cells_x_) * cells_y_);
    for (int y = 0; y < dark_.height(); ++y) {
      for (int x = 0; x < dark_.width(); ++x) {
        if (land.is_land(x * step_, y * step_) == 0) continue;
        const int dark = darkness.darkness(x * step_, y * step_);
        is_land_(x, y) = 255, dark_(x, y) = static_cast<uint8_t>(dark);
        Sums& cell = ground_[(y * step_ / kCellPixels) * cells_x_ + x * step_ / kCellPixels];
        ++cell.n, cell.d += dark, cell.dd += dark * dark;
      }
    }
  }

  std::vector<Sums> SumsPerCell(Shift shift) const {
    std::vector<Sums> cells = ground_;
    std::vector<uint8_t> thrown(dark_.width());
    const int cell_samples = kCellPixels / step_;
    for (int y = 0; y < dark_.height(); ++y) {
      SampleThickness(-shift.x, y * step_ - shift.y, thrown);
      for (int begin = 0; begin < dark_.width(); begin += cell_samples) {
        const size_t count = std::min(cell_samples, dark_.width() - begin);
        AddClouds(std::span(thrown).subspan(begin, count), is_land_.row(y).subspan(begin, count), dark_.row(y).subspan(begin, count),
                  cells[(y / cell_samples) * cells_x_ + begin / cell_samples]);
      }
    }
    return cells;
  }

  // Thickness at every step_-th pixel from (x, y) on, |x| below the width, continued outside by the edge pixels.
  void SampleThickness(int x, int y, std::span<uint8_t> samples) const {
    const std::span<const uint8_t> row = thickness_.row(std::clamp(y, 0, thickness_.height() - 1));
    const int count = static_cast<int>(samples.size()), last = static_cast<int>(row.size()) - 1;
    const int inside = std::clamp((-x + step_ - 1) / step_, 0, count);
    const int beyond = std::clamp((last - x) / step_ + 1, inside, count);
    std::fill(samples.begin(), samples.begin() + inside, row.front());
    if (step_ == 1) {
      std::copy(row.begin() + x + inside, row.begin() + x + beyond, samples.begin() + inside);
    } else {
      for (int i = inside; i < beyond; ++i) samples[i] = row[x + i * step_];
    }
    std::fill(samples.begin() + beyond, samples.end(), row.back());
  }

  // Of a row of a cell, in numbers that vector instructions multiply: 128 x 100 x 200 stays far below 2^31.
  static void AddClouds(std::span<const uint8_t> thrown, std::span<const uint8_t> is_land, std::span<const uint8_t> darkness, Sums& sums) {
    int a = 0, aa = 0, ad = 0, cloudy = 0;
    for (size_t i = 0; i < thrown.size(); ++i) {
      const int16_t cloud = thrown[i] & is_land[i];
      const int16_t dark = darkness[i];
      a += cloud, aa += cloud * cloud, ad += cloud * dark, cloudy += cloud > 0;
    }
    sums.a += a, sums.aa += aa, sums.ad += ad, sums.cloudy += cloudy;
  }

  static Sums Total(const std::vector<Sums>& cells) {
    Sums total;
    for (const Sums& cell : cells) total.Add(cell);
    return total;
  }

  // The best of the same clouds at the same heights under a sun from the three other sides.
  double ChanceCorrelation() const {
    double best = 0;
    for (const double turn_deg : {90.0, 180.0, 270.0}) {
      SceneGeometry turned = geometry_;
      turned.sun_azimuth_deg += turn_deg;
      for (const Candidate& candidate : Candidates(turned)) {
        best = std::max(best, Total(SumsPerCell(candidate.shift)).Correlation());
      }
    }
    return best;
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
  Image<uint8_t> cloud_;      // percent inside clouds, 0 elsewhere
  Image<uint8_t> thickness_;  // how much light they take, 1-100; 0 elsewhere
  int step_ = 1;
  int cells_x_ = 0;
  int cells_y_ = 0;
  Image<uint8_t> is_land_;  // of every step_-th pixel: 255, 0
  Image<uint8_t> dark_;     // of the same: 0-200, 0 off land
  std::vector<Sums> ground_;
  std::vector<Candidate> candidates_;
  std::vector<std::vector<Sums>> cells_;  // per candidate
  int scene_best_ = -1;
  double scene_correlation_ = 0;
};

// Land onto which clouds between 200 m and 3 km would throw their shadow.
Image<uint8_t> WithinReachOfShadow(const Land& land, const Image<uint8_t>& cloud, const SceneGeometry& geometry) {
  Image<uint8_t> reached(cloud.width(), cloud.height());
  for (double height = kLowestCloud_m; height <= kHighestUnknown_m; height += HeightStep_m(geometry)) {
    const Shift shift = ShadowShift(height, geometry, 0);
    for (int y = 0; y < cloud.height(); ++y) {
      for (int x = 0; x < cloud.width(); ++x) {
        if (land.is_land(x, y) && CloudAt(cloud, x - shift.x, y - shift.y) > 0) reached(x, y) = 1;
      }
    }
  }
  return reached;
}

// Where clouds throw their shadow, and where what would throw it was not seen.
struct Thrown {
  Image<uint8_t> any, dense, unseen;
};

Thrown ThrowClouds(const HeightSearch& search, const MaskInput& input) {
  const int width = input.width();
  const int height = input.height();
  const std::vector<Shift> shifts = search.CellShifts();
  Thrown thrown{Image<uint8_t>(width, height), Image<uint8_t>(width, height), Image<uint8_t>(width, height)};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const Shift shift = shifts[(y / kCellPixels) * search.cells_x() + x / kCellPixels];
      const int from_x = x - shift.x;
      const int from_y = y - shift.y;
      const uint8_t percent = CloudAt(search.cloud(), from_x, from_y);
      thrown.unseen(x, y) = from_x < 0 || from_x >= width || from_y < 0 || from_y >= height || input.valid(from_x, from_y) == 0;
      thrown.any(x, y) = percent > 0;
      thrown.dense(x, y) = percent > 30 && !thrown.unseen(x, y);
    }
  }
  return thrown;
}

// Land which no cloud shades, as far as clouds are seen.
Land LitLand(const Land& land, const Thrown& thrown) {
  const Image<uint8_t> nearby = Dilate(thrown.any.view(), kNearPixels);
  Land lit = land;
  for (size_t i = 0; i < nearby.size(); ++i) lit.is_land.data()[i] = lit.is_land.data()[i] && !nearby.data()[i];
  return lit;
}

// Mean of the brighter of lit land within 1.5 km, else within 6 km, else of the scene.
Image<float> LitReference(const Land& lit) {
  Image<float> reference = LitMean(lit, kReferenceRadius, 0);
  const Image<float> wide = LitMean(lit, kWideRadius, MedianBrightness(lit));
  for (size_t i = 0; i < reference.size(); ++i) {
    if (reference.data()[i] == 0) reference.data()[i] = wide.data()[i];
  }
  return reference;
}

Image<uint8_t> ShadowOf(const Land& land, const Image<uint8_t>& cloud, const Image<float>& relative, const Thrown& thrown) {
  const Image<uint8_t> next_to = Dilate(thrown.any.view(), 1);
  const Image<uint8_t> nearby = Dilate(thrown.any.view(), kNearPixels);
  Image<uint8_t> of_unseen = land.is_land, shadow = land.is_land, explained = cloud;
  for (size_t i = 0; i < shadow.size(); ++i) {
    const float r = relative.data()[i];
    const bool dark = (thrown.dense.data()[i] && r < kUnderDense) || (thrown.any.data()[i] && r < kUnder) ||
                      (next_to.data()[i] && r < kNextTo) || (nearby.data()[i] && r < kNear);
    shadow.data()[i] = land.rim.data()[i] ? thrown.any.data()[i] && r < kUnderRim : shadow.data()[i] && dark;
    explained.data()[i] |= shadow.data()[i];
    of_unseen.data()[i] = of_unseen.data()[i] && thrown.unseen.data()[i] && r < kUnseen;
  }
  RemoveSmallRegions(kLeastUnseenPixels, kLeastBesidePixels, Dilate(explained.view(), 1), of_unseen);
  for (size_t i = 0; i < shadow.size(); ++i) shadow.data()[i] |= of_unseen.data()[i];
  return shadow;
}

}  // namespace

ShadowMask DetectShadows(const MaskInput& input, const CloudMasks& masks, const SceneGeometry& geometry) {
  const int width = input.width();
  const int height = input.height();
  ShadowMask result{Image<uint8_t>(width, height), 0, 0};
  const Land land = DescribeLand(input, masks);
  Image<float> reference = LitMean(land, kReferenceRadius, MedianBrightness(land));
  const Darkness local = Against(reference, land);
  const Image<float> wide_mean = LitMean(land, kWideRadius, 0);
  for (size_t i = 0; i < reference.size(); ++i) {
    reference.data()[i] = std::max(reference.data()[i], kLeastOfWide * wide_mean.data()[i]);
  }
  const Darkness wide = Against(reference, land);
  HeightSearch by_local(input, masks, land, local, geometry), by_wide(input, masks, land, wide, geometry);
  by_local.Run();
  by_wide.Run();
  const bool take_wide = by_wide.correlation() > by_local.correlation() + kClearlyBetter;
  const HeightSearch& first = take_wide ? by_wide : by_local;
  if (!first.Found()) {
    if (CloudCover(masks) > kCloudy) result.shadow = WithinReachOfShadow(land, first.cloud(), geometry);
    return result;
  }
  const Thrown thrown = ThrowClouds(first, input);
  const Darkness lit = Against(LitReference(LitLand(land, thrown)), land);
  HeightSearch again(input, masks, land, lit, geometry);
  again.Run();
  const bool take_lit = again.correlation() > first.correlation();
  result.cloud_height_m = (take_lit ? again : first).height_m();
  result.correlation = (take_lit ? again : first).correlation();
  result.shadow = take_lit ? ShadowOf(land, masks.cloud, lit.relative, ThrowClouds(again, input))
                           : ShadowOf(land, masks.cloud, (take_wide ? wide : local).relative, thrown);
  return result;
}

}  // namespace arpent::kernels
