#include "common/kernels/masking/clouds.h"

#include <algorithm>
#include <vector>

#include "common/kernels/masking/regions.h"

namespace arpent::kernels {
namespace {

using raster::Image;

constexpr float kLaterInLowSun = 0.25f;    // by which the ramp of haze begins later, of what the air adds
constexpr float kThinCirrus = 0.012f;      // Sen2Cor's thresholds at 1.38 um
constexpr float kThickCirrus = 0.035f;
constexpr int kLeastCloudPixels = 3;  // smaller certain spots are roofs
constexpr int kThinDeckPixels = 60;   // 0.2 km2: a region that large is a cloud although nowhere certain
constexpr int kThinDeckPercent = 60;  // in the mean over it: towns reach 50
// A region no larger than this that is thin and of one thickness throughout is a town, a roof or a salt pan: a cloud thickens inwards.
constexpr int kPatchPixels = 500;        // 1.8 km2
constexpr float kThinHaze = 0.065f;      // above the clear value, at the most
constexpr float kUniformHaze = 0.006f;   // standard deviation
// So is a part of a larger region that is flat from pixel to pixel and ends steeply: a town beside a cloud.
constexpr float kFlatHaze = 0.007f;      // between the most and the least of a pixel and its neighbours
constexpr int kLeastPlateauPixels = 8;
constexpr int kMixedPixels = 2;          // at its edge
constexpr float kEdgeDrop = 0.015f;      // of haze beyond them, below the plateau's mean
constexpr int kEdgePercent = 70;         // of what lies there must be so much lower, where it is not higher by as much: cloud
constexpr uint8_t kMostBesideSnow = 40;  // below what makes a cloud: a pixel of snow and ground looks like one
constexpr int kReachPixels = 10;
constexpr int kRimPixels = 2;  // a cloud's rim: thinner and thinner, but above the clear haze of the place

float Ramp(float value, float zero, float one) { return std::clamp((value - zero) / (one - zero), 0.0f, 1.0f); }

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

bool IsSnow(const Spectrum& s) {
  return NormalisedDifference(s.green, s.swir1) > 0.4f && s.nir_narrow > 0.15f && s.swir1 < 0.2f && s.red > 0.12f && s.cirrus < 0.02f;
}

bool IsWater(const Spectrum& s) {
  return s.green > s.nir_narrow && s.swir1 < 0.06f && s.nir_narrow < 0.15f && s.green < 0.2f;
}

// `haze`: above the clear value. `air`: of a low sun (clear_haze.h); what haze varies by that the clear value does not
// follow grows with it.
float CloudProbability(const Spectrum& s, float haze, float air) {
  const float later = 1 + kLaterInLowSun * LowSun(air) * (air - 1);
  float p = Ramp(haze, 0.01f * later, 0.05f + 0.01f * later);
  p = std::min(p, Ramp(s.blue, 0.05f, 0.12f));
  p = std::min(p, Ramp(s.swir1, 0.05f, 0.12f));
  p = std::min(p, Ramp(s.nir_narrow, 0.10f, 0.20f));
  p = std::min(p, Ramp(s.blue / std::max(s.swir1, 0.01f), 0.2f, 0.45f));
  p = std::min(p, Ramp(0.75f - NormalisedDifference(s.nir, s.red), 0.0f, 0.1f));
  // Haze over which 1.38 um sees something too is cloud rather than aerosol.
  if (p >= 0.2f) p = std::min(1.0f, p + 0.3f * Ramp(s.cirrus, 0.0015f, 0.004f));
  return s.cirrus >= kThickCirrus ? std::max(p, 0.6f) : p;
}

// What there is of haze in a connected part of probable cloud.
struct Part {
  int pixels = 0;
  int evident = 0;
  float most_haze = 0;
  double haze = 0, haze_squared = 0;

  void Add(float pixel_haze, uint8_t is_evident) {
    ++pixels;
    evident += is_evident;
    most_haze = std::max(most_haze, pixel_haze);
    haze += pixel_haze, haze_squared += double{pixel_haze} * pixel_haze;
  }
  float MeanHaze() const { return static_cast<float>(haze / pixels); }
  bool MayBeGround() const {
    const double mean = haze / pixels;
    const double variance = haze_squared / pixels - mean * mean;
    return pixels <= kPatchPixels && 2 * evident < pixels && most_haze < kThinHaze && variance < double{kUniformHaze} * kUniformHaze;
  }
};

std::vector<Part> Describe(const Regions& regions, const Image<float>& haze, const Image<uint8_t>& evident) {
  std::vector<Part> parts(regions.count + 1);
  for (size_t i = 0; i < haze.size(); ++i) {
    const int label = regions.labels.data()[i];
    if (label != 0) parts[label].Add(haze.data()[i], evident.data()[i]);
  }
  return parts;
}

// Takes whole regions that are thin and of one thickness out of probable cloud.
void RemovePatches(const Image<float>& haze, const Image<uint8_t>& evident, Image<uint8_t>& probable) {
  const Regions regions = LabelRegions(probable.view());
  const std::vector<Part> parts = Describe(regions, haze, evident);
  for (size_t i = 0; i < probable.size(); ++i) {
    const int label = regions.labels.data()[i];
    if (label != 0 && parts[label].MayBeGround()) probable.data()[i] = 0;
  }
}

// Whether a pixel and its neighbours are probable cloud, thin, and of one thickness.
bool IsFlat(const Image<uint8_t>& probable, const Image<float>& haze, int x, int y) {
  float least = haze(x, y), most = least;
  for (int j = y - 1; j <= y + 1; ++j) {
    for (int i = x - 1; i <= x + 1; ++i) {
      if (i < 0 || i >= haze.width() || j < 0 || j >= haze.height() || !probable(i, j)) return false;
      least = std::min(least, haze(i, j)), most = std::max(most, haze(i, j));
    }
  }
  return most < kThinHaze && most - least < kFlatHaze;
}

struct Pixel {
  int x = 0, y = 0;
};

// Labels what has no label and lies next to these pixels; returns what it labelled.
std::vector<Pixel> GrowLabels(const std::vector<Pixel>& pixels, Image<int32_t>& labels) {
  std::vector<Pixel> grown;
  for (const Pixel& p : pixels) {
    for (int y = std::max(0, p.y - 1); y <= std::min(labels.height() - 1, p.y + 1); ++y) {
      for (int x = std::max(0, p.x - 1); x <= std::min(labels.width() - 1, p.x + 1); ++x) {
        if (labels(x, y) != 0) continue;
        labels(x, y) = labels(p.x, p.y);
        grown.push_back({x, y});
      }
    }
  }
  return grown;
}

// Takes plateaus that end steeply out of larger regions, with the mixed pixels of their edge.
void RemovePlateaus(const Image<uint8_t>& percent, const Image<float>& haze, const Image<uint8_t>& evident, Image<uint8_t>& probable) {
  const int width = haze.width();
  const int height = haze.height();
  Image<uint8_t> flat(width, height);
  std::vector<Pixel> front;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      flat(x, y) = probable(x, y) && IsFlat(probable, haze, x, y);
      if (flat(x, y)) front.push_back({x, y});
    }
  }
  if (front.empty()) return;
  Regions regions = LabelRegions(flat.view());
  const std::vector<Part> plateaus = Describe(regions, haze, evident);
  for (int ring = 0; ring < kMixedPixels; ++ring) front = GrowLabels(front, regions.labels);
  struct Surroundings {  // which are not higher
    int pixels = 0, lower = 0;
  };
  std::vector<Surroundings> around(regions.count + 1);
  for (const Pixel& p : GrowLabels(front, regions.labels)) {
    int32_t& label = regions.labels(p.x, p.y);
    if (percent(p.x, p.y) != raster::kByteNoData) {
      const float above = haze(p.x, p.y) - plateaus[label].MeanHaze();
      around[label].pixels += above < kEdgeDrop;
      around[label].lower += above < -kEdgeDrop;
    }
    label = 0;
  }
  for (size_t i = 0; i < probable.size(); ++i) {
    const int label = regions.labels.data()[i];
    if (label == 0 || haze.data()[i] >= kThinHaze) continue;
    const Surroundings& s = around[label];
    if (plateaus[label].pixels >= kLeastPlateauPixels && plateaus[label].MayBeGround() && 100 * s.lower > kEdgePercent * s.pixels) {
      probable.data()[i] = 0;
    }
  }
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
  RemovePatches(haze, evident, probable);
  RemovePlateaus(percent, haze, evident, probable);
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
      const Region& r = region[regions.labels(x, y)];
      certain(x, y) = probable(x, y) && percent(x, y) >= kCertainCloudPercent && r.pixels >= kLeastCloudPixels;
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
  const float air = AirOfLowSun(input.sun_zenith_deg);
  masks.clear_haze = ClearHaze(input);
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
      haze(x, y) = HazeAt(input, x, y) - masks.clear_haze.At(x, y);
      const float p = snow ? 0.0f : CloudProbability(s, haze(x, y), air);
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
