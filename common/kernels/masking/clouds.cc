#include "common/kernels/masking/clouds.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "common/kernels/masking/regions.h"

namespace arpent::kernels {
namespace {

using raster::Image;

constexpr float kDefaultClearHaze = 0.010f;  // between the clear Kenyan (0.002) and Slovenian (0.02) scenes
constexpr float kLeastClearHaze = -0.005f;
constexpr float kMostClearHaze = 0.018f;  // under a high sun; beyond, the vegetation itself lies under haze
constexpr float kMostLocalHaze = 0.010f;  // above the scene's, under a high sun; more is thin cloud
constexpr float kLowSunAir = 1.2f, kLowestSunAir = 1.7f;  // sun zenith 50 to 63 degrees
constexpr int kHazeCellPixels = 25;
constexpr int kHazeReachCells = 2;
constexpr int64_t kLeastVegetation = 400;  // pixels within reach, for a clear value of their own
constexpr float kThinCirrus = 0.012f;      // Sen2Cor's thresholds at 1.38 um
constexpr float kThickCirrus = 0.035f;
constexpr int kLeastCloudPixels = 3;  // smaller certain spots are roofs
constexpr int kThinDeckPixels = 60;   // 0.2 km2: a region that large is a cloud although nowhere certain
constexpr int kThinDeckPercent = 60;  // in the mean over it: towns reach 50
// A region no larger than this that is thin and of one thickness throughout is a town, a roof or a salt pan: a cloud thickens inwards.
constexpr int kPatchPixels = 500;        // 1.8 km2
constexpr float kThinHaze = 0.065f;      // above the clear value, at the most
constexpr float kUniformHaze = 0.006f;   // standard deviation
constexpr uint8_t kMostBesideSnow = 40;  // below what makes a cloud: a pixel of snow and ground looks like one
constexpr int kReachPixels = 10;
constexpr int kRimPixels = 2;  // a cloud's rim: thinner and thinner, but above the clear haze of the place

float Ramp(float value, float zero, float one) { return std::clamp((value - zero) / (one - zero), 0.0f, 1.0f); }

float Ratio(float a, float b) { return (a - b) / std::max(a + b, 0.01f); }

struct Spectrum {
  float blue, green, red, nir, nir_narrow, swir1, cirrus;
};

Spectrum SpectrumAt(const MaskInput& input, int x, int y) {
  return {input.blue(x, y),
          input.green(x, y),
          input.red(x, y),
          input.nir(x, y),
          input.nir_narrow(x, y),
          input.swir1(x, y),
          input.cirrus.width() == 0 ? 0.0f : input.cirrus(x, y)};
}

float Haze(const Spectrum& s) { return s.blue - 0.5f * s.red; }

bool IsSnow(const Spectrum& s) {
  return Ratio(s.green, s.swir1) > 0.4f && s.nir_narrow > 0.15f && s.swir1 < 0.2f && s.red > 0.12f && s.cirrus < 0.02f;
}

bool IsWater(const Spectrum& s) {
  return s.green > s.nir_narrow && s.swir1 < 0.06f && s.nir_narrow < 0.15f && s.green < 0.2f;
}

// Counts of haze over green vegetation that is not bright, in classes of 0.001.
class HazeCounts {
 public:
  void Add(float haze) {
    ++counts_[std::clamp(static_cast<int>((haze - kLowest) / kClass), 0, kClasses - 1)];
    ++total_;
  }
  void Add(const HazeCounts& other) {
    for (int i = 0; i < kClasses; ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
  }
  int64_t total() const { return total_; }

  // 30th percentile, linear within a class.
  float Clear() const {
    const double wanted = 0.3 * static_cast<double>(total_);
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
  static constexpr int kClasses = 128;
  static constexpr float kLowest = -0.03f, kClass = 0.001f;
  std::array<int32_t, kClasses> counts_{};
  int64_t total_ = 0;
};

// The clear value of the haze, of the scene and, as aerosol varies, by place: over the vegetation within 5 km where there
// is enough, else the scene's.
class ClearHaze {
 public:
  explicit ClearHaze(const MaskInput& input)
      : columns_((input.width() + kHazeCellPixels - 1) / kHazeCellPixels), rows_((input.height() + kHazeCellPixels - 1) / kHazeCellPixels) {
    std::vector<HazeCounts> cells(static_cast<size_t>(columns_) * rows_);
    int64_t valid = 0;
    for (int y = 0; y < input.height(); ++y) {
      for (int x = 0; x < input.width(); ++x) {
        if (input.valid(x, y) == 0) continue;
        ++valid;
        const Spectrum s = SpectrumAt(input, x, y);
        if (Ratio(s.nir, s.red) > 0.4f && s.swir1 < 0.3f && s.blue < 0.12f) {
          cells[(y / kHazeCellPixels) * columns_ + x / kHazeCellPixels].Add(Haze(s));
        }
      }
    }
    HazeCounts all;
    for (const HazeCounts& cell : cells) all.Add(cell);
    const float air = air_ = PathThroughHaze(input.sun_zenith_deg);
    if (all.total() > 0 && all.total() >= valid / 50) of_scene_ = std::clamp(all.Clear(), kLeastClearHaze, kMostClearHaze * air);
    const float most = std::min(kMostClearHaze * air, of_scene_ + kMostLocalHaze * air);
    by_cell_ = Image<float>(columns_, rows_, of_scene_);
    for (int y = 0; y < rows_; ++y) {
      for (int x = 0; x < columns_; ++x) {
        HazeCounts near;
        for (int j = std::max(0, y - kHazeReachCells); j <= std::min(rows_ - 1, y + kHazeReachCells); ++j) {
          for (int i = std::max(0, x - kHazeReachCells); i <= std::min(columns_ - 1, x + kHazeReachCells); ++i) {
            near.Add(cells[j * columns_ + i]);
          }
        }
        if (near.total() >= kLeastVegetation) by_cell_(x, y) = std::clamp(near.Clear(), kLeastClearHaze, most);
      }
    }
  }

  float of_scene() const { return of_scene_; }
  float air() const { return air_; }

  // Bilinear between the middles of cells.
  float At(int x, int y) const {
    const float u = std::clamp((x + 0.5f) / kHazeCellPixels - 0.5f, 0.0f, columns_ - 1.0f);
    const float v = std::clamp((y + 0.5f) / kHazeCellPixels - 0.5f, 0.0f, rows_ - 1.0f);
    const int x0 = static_cast<int>(u), y0 = static_cast<int>(v);
    const int x1 = std::min(x0 + 1, columns_ - 1), y1 = std::min(y0 + 1, rows_ - 1);
    const float top = by_cell_(x0, y0) + (by_cell_(x1, y0) - by_cell_(x0, y0)) * (u - x0);
    const float bottom = by_cell_(x0, y1) + (by_cell_(x1, y1) - by_cell_(x0, y1)) * (u - x0);
    return top + (bottom - top) * (v - y0);
  }

 private:
  // Haze of one thickness scatters more towards the sensor the lower the sun: as 1 / cos (single scattering). 1 for a high sun.
  static float PathThroughHaze(double sun_zenith_deg) {
    constexpr double kRadian = std::numbers::pi / 180, kHighSunZenithDeg = 40, kLeastCosine = 0.2;
    const double cosine = std::max(std::cos(sun_zenith_deg * kRadian), kLeastCosine);
    return static_cast<float>(std::max(1.0, std::cos(kHighSunZenithDeg * kRadian) / cosine));
  }

  int columns_, rows_;
  float of_scene_ = kDefaultClearHaze;
  float air_ = 1;
  Image<float> by_cell_;
};

// `air`: how much more than under a high sun haze of one thickness reflects; haze that varies does as much more, which passes for
// cloud under a low sun.
float CloudProbability(const Spectrum& s, float clear_haze, float air) {
  const float later = 1 + Ramp(air, kLowSunAir, kLowestSunAir) * (air - 1);
  float p = Ramp(Haze(s) - clear_haze, 0.01f * later, 0.05f + 0.01f * later);
  p = std::min(p, Ramp(s.blue, 0.05f, 0.12f));
  p = std::min(p, Ramp(s.swir1, 0.05f, 0.12f));
  p = std::min(p, Ramp(s.nir_narrow, 0.10f, 0.20f));
  p = std::min(p, Ramp(s.blue / std::max(s.swir1, 0.01f), 0.2f, 0.45f));
  p = std::min(p, Ramp(0.75f - Ratio(s.nir, s.red), 0.0f, 0.1f));
  // Haze over which 1.38 um sees something too is cloud rather than aerosol.
  if (p >= 0.2f) p = std::min(1.0f, p + 0.3f * Ramp(s.cirrus, 0.0015f, 0.004f));
  return s.cirrus >= kThickCirrus ? std::max(p, 0.6f) : p;
}

// Regions of probable cloud: thin decks as a whole, others within reach of where they are certain, so that a cloud does
// not run over the town next to it.
// `haze`: what is there above the clear value. `evident`: cloud for another reason than its haze.
Image<uint8_t> KeepClouds(const Image<uint8_t>& percent, const Image<float>& haze, const Image<uint8_t>& evident) {
  const int width = percent.width();
  const int height = percent.height();
  Image<uint8_t> probable(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      probable(x, y) = percent(x, y) != raster::kByteNoData && percent(x, y) >= kCloudPercent;
    }
  }
  const Regions regions = LabelRegions(probable.view());
  struct Region {
    int pixels = 0;
    int certain = 0;
    int evident = 0;
    int64_t percent = 0;
    float most_haze = 0;
    double haze = 0, haze_squared = 0;

    bool IsGround() const {
      const double mean = haze / pixels;
      const double variance = haze_squared / pixels - mean * mean;
      return pixels <= kPatchPixels && 2 * evident < pixels && most_haze < kThinHaze && variance < double{kUniformHaze} * kUniformHaze;
    }
  };
  std::vector<Region> region(regions.count + 1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      Region& r = region[regions.labels(x, y)];
      ++r.pixels;
      r.certain += percent(x, y) >= kCertainCloudPercent;
      r.evident += evident(x, y);
      r.percent += percent(x, y);
      r.most_haze = std::max(r.most_haze, haze(x, y));
      r.haze += haze(x, y), r.haze_squared += double{haze(x, y)} * haze(x, y);
    }
  }
  Image<uint8_t> certain(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const Region& r = region[regions.labels(x, y)];
      certain(x, y) = probable(x, y) && percent(x, y) >= kCertainCloudPercent && r.pixels >= kLeastCloudPixels && !r.IsGround();
    }
  }
  Image<uint8_t> kept = Dilate(certain.view(), kReachPixels);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const Region& r = region[regions.labels(x, y)];
      const bool thin_deck = r.pixels >= kThinDeckPixels && r.percent >= int64_t{kThinDeckPercent} * r.pixels;
      const bool cloud = r.certain > 0 && r.pixels >= kLeastCloudPixels && kept(x, y);
      kept(x, y) = probable(x, y) && (thin_deck || cloud) && !r.IsGround();
    }
  }
  return kept;
}

// Adds the rims of the clouds.
void GrowRims(const Image<uint8_t>& percent, Image<uint8_t>& cloud) {
  for (int ring = 0; ring < kRimPixels; ++ring) {
    const Image<uint8_t> around = Dilate(cloud.view(), 1);
    for (size_t i = 0; i < cloud.size(); ++i) {
      const uint8_t p = percent.data()[i];
      if (around.data()[i] && p > 0 && p != raster::kByteNoData) cloud.data()[i] = 1;
    }
  }
}

}  // namespace

CloudMasks DetectClouds(const MaskInput& input, const KnownReflectance* known) {
  const int width = input.width();
  const int height = input.height();
  CloudMasks masks;
  const ClearHaze clear_haze(input);
  masks.clear_haze = clear_haze.of_scene();
  masks.cloud_percent = Image<uint8_t>(width, height, raster::kByteNoData);
  masks.snow = masks.water = masks.cirrus = Image<uint8_t>(width, height);
  Image<float> haze(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (input.valid(x, y) == 0) continue;
      const Spectrum s = SpectrumAt(input, x, y);
      const bool snow = IsSnow(s);
      masks.snow(x, y) = snow;
      masks.water(x, y) = IsWater(s);
      masks.cirrus(x, y) = s.cirrus > kThinCirrus;
      const float clear = clear_haze.At(x, y);
      haze(x, y) = Haze(s) - clear;
      const float p = snow ? 0.0f : CloudProbability(s, clear, clear_haze.air());
      masks.cloud_percent(x, y) = static_cast<uint8_t>(p * 100.0f + 0.5f);
    }
  }
  const Image<uint8_t> beside_snow = Dilate(masks.snow.view(), 1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t& percent = masks.cloud_percent(x, y);
      if (beside_snow(x, y) && percent != raster::kByteNoData) percent = std::min(percent, kMostBesideSnow);
    }
  }
  Image<uint8_t> evident = masks.cirrus;
  if (known != nullptr) {
    const Image<uint8_t> by_colour = masks.cloud_percent;
    JudgeByChange(input, *known, masks.snow.view(), masks.cloud_percent.view());
    for (size_t i = 0; i < evident.size(); ++i) evident.data()[i] |= masks.cloud_percent.data()[i] > by_colour.data()[i];
  }
  masks.cloud = KeepClouds(masks.cloud_percent, haze, evident);
  GrowRims(masks.cloud_percent, masks.cloud);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (masks.cloud(x, y)) masks.cirrus(x, y) = masks.snow(x, y) = masks.water(x, y) = 0;
    }
  }
  return masks;
}

double CloudCover(const CloudMasks& masks) {
  int64_t valid = 0;
  int64_t cloudy = 0;
  for (int y = 0; y < masks.cloud.height(); ++y) {
    for (int x = 0; x < masks.cloud.width(); ++x) {
      valid += masks.cloud_percent(x, y) != raster::kByteNoData;
      cloudy += masks.cloud(x, y);
    }
  }
  return valid == 0 ? 0.0 : static_cast<double>(cloudy) / static_cast<double>(valid);
}

}  // namespace arpent::kernels
