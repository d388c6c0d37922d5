#include "common/kernels/masking/clouds.h"

#include <algorithm>
#include <vector>

#include "common/kernels/masking/regions.h"

namespace arpent::kernels {
namespace {

using raster::Image;

constexpr float kDefaultClearHaze = 0.010f;  // between the clear Kenyan (0.002) and Slovenian (0.02) scenes
constexpr float kLeastClearHaze = -0.005f;
constexpr float kMostClearHaze = 0.018f;  // beyond, the vegetation itself lies under haze
constexpr float kThinCirrus = 0.012f;     // Sen2Cor's thresholds at 1.38 um
constexpr float kThickCirrus = 0.035f;
constexpr int kLeastCloudPixels = 3;  // smaller certain spots are roofs
constexpr int kThinDeckPixels = 60;   // 0.2 km2: a region that large is a cloud although nowhere certain
constexpr int kThinDeckPercent = 60;  // in the mean over it: towns reach 50
constexpr int kReachPixels = 10;
constexpr int kGrowPercent = 10;

float Ramp(float value, float zero, float one) { return std::clamp((value - zero) / (one - zero), 0.0f, 1.0f); }

float Ratio(float a, float b) { return (a - b) / std::max(a + b, 0.01f); }

struct Spectrum {
  float blue, green, red, nir, nir_narrow, swir1, cirrus;
};

Spectrum At(const MaskInput& input, int x, int y) {
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

// 30th percentile of the haze over green vegetation that is not bright, when 2 % of the scene is that.
float ClearHaze(const MaskInput& input) {
  std::vector<float> haze;
  int64_t valid = 0;
  for (int y = 0; y < input.height(); ++y) {
    for (int x = 0; x < input.width(); ++x) {
      if (input.valid(x, y) == 0) continue;
      ++valid;
      const Spectrum s = At(input, x, y);
      if (Ratio(s.nir, s.red) > 0.4f && s.swir1 < 0.3f && s.blue < 0.12f) haze.push_back(Haze(s));
    }
  }
  if (haze.empty() || haze.size() < static_cast<size_t>(valid / 50)) return kDefaultClearHaze;
  const auto middle = haze.begin() + static_cast<ptrdiff_t>(haze.size() * 3 / 10);
  std::nth_element(haze.begin(), middle, haze.end());
  return std::clamp(*middle, kLeastClearHaze, kMostClearHaze);
}

float CloudProbability(const Spectrum& s, float clear_haze) {
  float p = Ramp(Haze(s) - clear_haze, 0.01f, 0.06f);
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
Image<uint8_t> KeepClouds(const Image<uint8_t>& percent) {
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
    int64_t percent = 0;
  };
  std::vector<Region> region(regions.count + 1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      Region& r = region[regions.labels(x, y)];
      ++r.pixels;
      r.certain += percent(x, y) >= kCertainCloudPercent;
      r.percent += percent(x, y);
    }
  }
  Image<uint8_t> certain(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      certain(x, y) = probable(x, y) && percent(x, y) >= kCertainCloudPercent &&
                      region[regions.labels(x, y)].pixels >= kLeastCloudPixels;
    }
  }
  Image<uint8_t> kept = Dilate(certain.view(), kReachPixels);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const Region& r = region[regions.labels(x, y)];
      const bool thin_deck = r.pixels >= kThinDeckPixels && r.percent >= int64_t{kThinDeckPercent} * r.pixels;
      const bool cloud = r.certain > 0 && r.pixels >= kLeastCloudPixels && kept(x, y);
      kept(x, y) = probable(x, y) && (thin_deck || cloud);
    }
  }
  return kept;
}

}  // namespace

CloudMasks DetectClouds(const MaskInput& input, const KnownReflectance* known) {
  const int width = input.width();
  const int height = input.height();
  CloudMasks masks;
  masks.clear_haze = ClearHaze(input);
  masks.cloud_percent = Image<uint8_t>(width, height, raster::kByteNoData);
  masks.snow = masks.water = masks.cirrus = Image<uint8_t>(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (input.valid(x, y) == 0) continue;
      const Spectrum s = At(input, x, y);
      const bool snow = IsSnow(s);
      masks.snow(x, y) = snow;
      masks.water(x, y) = IsWater(s);
      masks.cirrus(x, y) = s.cirrus > kThinCirrus;
      const float p = snow ? 0.0f : CloudProbability(s, masks.clear_haze);
      masks.cloud_percent(x, y) = static_cast<uint8_t>(p * 100.0f + 0.5f);
    }
  }
  if (known != nullptr) JudgeByChange(input, *known, masks.snow.view(), masks.cloud_percent.view());
  const Image<uint8_t> kept = KeepClouds(masks.cloud_percent);
  masks.cloud = Dilate(kept.view(), 1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const uint8_t percent = masks.cloud_percent(x, y);
      const bool hazy = percent != raster::kByteNoData && percent > kGrowPercent;
      masks.cloud(x, y) = kept(x, y) || (masks.cloud(x, y) && hazy);
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
