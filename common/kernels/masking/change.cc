#include "common/kernels/masking/change.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace arpent::kernels {
namespace {

constexpr uint8_t kSurelyClearPercent = 20;
constexpr uint8_t kMostUnchangedPercent = 40;  // below what makes a cloud
constexpr size_t kLeastPixels = 100;

struct Rise {
  float blue = 0, red = 0;
};

Rise RiseAt(const MaskInput& input, const KnownReflectance& known, int x, int y) {
  return {input.blue(x, y) - known.blue(x, y), input.red(x, y) - known.red(x, y)};
}

float Median(std::vector<float>& values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// What aerosol adds to the whole scene; 0 when too little of it is clear and known.
Rise UsualRise(const MaskInput& input, const KnownReflectance& known, raster::View<const uint8_t> percent) {
  std::vector<float> blue, red;
  for (int y = 0; y < input.height(); ++y) {
    for (int x = 0; x < input.width(); ++x) {
      if (input.valid(x, y) == 0 || percent(x, y) >= kSurelyClearPercent) continue;
      const Rise rise = RiseAt(input, known, x, y);
      if (!std::isfinite(rise.blue) || !std::isfinite(rise.red)) continue;
      blue.push_back(rise.blue);
      red.push_back(rise.red);
    }
  }
  if (blue.size() < kLeastPixels) return {};
  return {Median(blue), Median(red)};
}

float Ramp(float value, float zero, float one) { return std::clamp((value - zero) / (one - zero), 0.0f, 1.0f); }

// Water and shadow are dark beyond the red whatever the blue does there.
float Bright(const MaskInput& input, int x, int y) {
  return std::min(Ramp(input.swir1(x, y), 0.05f, 0.12f), Ramp(input.nir_narrow(x, y), 0.10f, 0.20f));
}

}  // namespace

void JudgeByChange(const MaskInput& input, const KnownReflectance& known, raster::View<const uint8_t> snow,
                   raster::View<uint8_t> cloud_percent) {
  const Rise usual = UsualRise(input, known, cloud_percent);
  for (int y = 0; y < input.height(); ++y) {
    for (int x = 0; x < input.width(); ++x) {
      if (input.valid(x, y) == 0 || snow(x, y) != 0) continue;
      Rise rise = RiseAt(input, known, x, y);
      if (!std::isfinite(rise.blue) || !std::isfinite(rise.red)) continue;
      rise.blue -= usual.blue, rise.red -= usual.red;
      uint8_t& percent = cloud_percent(x, y);
      const float white = Ramp(rise.blue - 0.8f * rise.red, -0.005f, 0.005f);
      const float cloud = std::min({Ramp(rise.blue, 0.02f, 0.06f), white, Bright(input, x, y)});
      const bool unchanged = rise.blue < 0.015f && rise.red < 0.03f;
      if (unchanged) percent = std::min(percent, kMostUnchangedPercent);
      percent = std::max(percent, static_cast<uint8_t>(cloud * 100.0f + 0.5f));
    }
  }
}

}  // namespace arpent::kernels
