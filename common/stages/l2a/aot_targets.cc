#include "common/stages/l2a/aot_targets.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "common/stages/l2a/surroundings.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr size_t kDarkestPerCell = 250;
constexpr size_t kLeastWater = 60;
constexpr size_t kLeastKnown = 100;
constexpr std::array<double, 18> kAotSteps = {0.0,  0.03, 0.06, 0.09, 0.12, 0.16, 0.20, 0.25, 0.30,
                                              0.36, 0.43, 0.5,  0.6,  0.75, 0.9,  1.15, 1.5,  2.0};
constexpr kernels::SeenPixel kUnseen{std::numeric_limits<float>::quiet_NaN(), 0};

kernels::SeenPixel FirstPercentile(std::vector<kernels::SeenPixel>& values) {
  if (values.size() < 100) return kUnseen;
  const auto at = values.begin() + static_cast<ptrdiff_t>(values.size() / 100);
  std::nth_element(values.begin(), at, values.end(), [](const kernels::SeenPixel& a, const kernels::SeenPixel& b) {
    return std::pair(a.toa, a.around) < std::pair(b.toa, b.around);
  });
  return *at;
}

void KeepDarkest(size_t count, std::vector<kernels::DarkPixel>& pixels) {
  if (pixels.size() <= count) return;
  std::stable_sort(pixels.begin(), pixels.end(),
                   [](const kernels::DarkPixel& a, const kernels::DarkPixel& b) { return a.swir2.toa < b.swir2.toa; });
  pixels.resize(count);
}

template <typename Visit>
void ForEachPixel(const CellWindow& cell, const Image<uint8_t>& mask, const Visit& visit) {
  for (int y = cell.y0; y < cell.y1; ++y) {
    for (int x = cell.x0; x < cell.x1; ++x) {
      if (mask(x, y) != 0) visit(x, y);
    }
  }
}

}  // namespace

SeenBand::SeenBand(const TargetScene& scene, const std::string& band, const Image<uint8_t>& ground)
    : air_(scene.air), index_(scene.metadata.BandIndex(band)), toa_(scene.coarse.toa.at(band)) {
  if (scene.adjacency) around_ = MeanOfSurroundings(toa_.view(), ground.view(), scene.coarse.grid.pixel_m).mean;
}

kernels::BandCoefficients SeenBand::Coefficients(const CellWindow& cell, double aot) const {
  kernels::AtmosphericState state = air_.StateAt(cell.east_m, cell.south_m);
  state.aot_550 = aot;
  return air_.CoefficientsOf(index_, cell.east_m, cell.south_m, state);
}

// --- dark vegetation ---

DarkVegetation::DarkVegetation(const TargetScene& scene, const Image<uint8_t>& clear, float least_ndvi)
    : input_(scene.mask_scene.input),
      clear_(clear),
      least_ndvi_(least_ndvi),
      blue_(scene, RolesOf(scene.metadata).blue, clear),
      red_(scene, RolesOf(scene.metadata).red, clear),
      swir2_(scene, RolesOf(scene.metadata).swir2, clear) {}

bool DarkVegetation::IsDark(int x, int y) const {
  const float nir = input_.nir_narrow(x, y), red = input_.red(x, y), swir2 = input_.swir2(x, y);
  return swir2 > 0.01f && swir2 < 0.12f && nir > 0.12f && (nir - swir2) / (nir + swir2) > 0.5f &&
         (nir - red) / (nir + red) > least_ndvi_;
}

DarkVegetation::Pixels DarkVegetation::Collect(const CellWindow& cell) const {
  Pixels pixels;
  std::vector<kernels::SeenPixel> all_blue, all_red;
  ForEachPixel(cell, clear_, [&](int x, int y) {
    all_blue.push_back(blue_.At(x, y));
    all_red.push_back(red_.At(x, y));
    if (IsDark(x, y)) pixels.dark.push_back({blue_.At(x, y), red_.At(x, y), swir2_.At(x, y)});
  });
  pixels.darkest_blue = FirstPercentile(all_blue);
  pixels.darkest_red = FirstPercentile(all_red);
  KeepDarkest(kDarkestPerCell, pixels.dark);
  return pixels;
}

kernels::AotEstimate DarkVegetation::Estimate(const Pixels& pixels, const CellWindow& cell) const {
  kernels::AotSteps steps;
  for (const double aot : kAotSteps) {
    steps.aot.push_back(aot);
    steps.blue.push_back(blue_.Coefficients(cell, aot));
    steps.red.push_back(red_.Coefficients(cell, aot));
    steps.swir2.push_back(swir2_.Coefficients(cell, aot));
  }
  return kernels::EstimateAot(steps, pixels.dark, pixels.darkest_blue, pixels.darkest_red);
}

kernels::AotEstimate DarkVegetation::EstimateScene(const std::vector<Pixels>& cells, const CellWindow& middle) const {
  Pixels all{.dark = {}, .darkest_blue = kUnseen, .darkest_red = kUnseen};
  for (const Pixels& cell : cells) all.dark.insert(all.dark.end(), cell.dark.begin(), cell.dark.end());
  if (all.dark.size() < kLeastPerScene) return {};
  KeepDarkest(8 * kDarkestPerCell, all.dark);
  return Estimate(all, middle);
}

// --- water ---

DeepWater::DeepWater(const TargetScene& scene, const Image<uint8_t>& water, const Image<uint8_t>& ground)
    : air_(scene.air),
      red_index_(scene.metadata.BandIndex(RolesOf(scene.metadata).red)),
      water_(water),
      red_(scene, RolesOf(scene.metadata).red, ground),
      nir_(scene, RolesOf(scene.metadata).nir_narrow, ground),
      swir1_(scene, RolesOf(scene.metadata).swir1, ground),
      swir2_(scene, RolesOf(scene.metadata).swir2, ground) {}

kernels::AotEstimate DeepWater::Estimate(const CellWindow& cell) const {
  std::vector<kernels::WaterPixel> pixels;
  ForEachPixel(cell, water_, [&](int x, int y) {
    pixels.push_back({red_.At(x, y), nir_.At(x, y), swir1_.At(x, y), swir2_.At(x, y)});
  });
  if (pixels.size() < kLeastWater) return {};
  // The darker half, but for the darkest tenth: turbid water, foam and ships are brighter, cloud shadow is darker.
  std::stable_sort(pixels.begin(), pixels.end(),
                   [](const kernels::WaterPixel& a, const kernels::WaterPixel& b) { return a.nir.toa < b.nir.toa; });
  const size_t first = pixels.size() / 10, count = std::min(pixels.size() / 2 - first, kDarkestPerCell);
  kernels::WaterSteps steps;
  for (const double aot : kAotSteps) {
    steps.aot.push_back(aot);
    steps.red.push_back(red_.Coefficients(cell, aot));
    steps.nir.push_back(nir_.Coefficients(cell, aot));
    steps.swir1.push_back(swir1_.Coefficients(cell, aot));
    steps.swir2.push_back(swir2_.Coefficients(cell, aot));
  }
  const kernels::Geometry g = air_.GeometryAt(red_index_, cell.east_m, cell.south_m);
  return kernels::EstimateAotOverWater(steps, std::span(pixels).subspan(first, count),
                                       kernels::SunGlint(g.sun_zenith_deg, g.view_zenith_deg, g.relative_azimuth_deg));
}

// --- known ground ---

GroundOfPrior::GroundOfPrior(const TargetScene& scene, const Prior& prior, const Image<uint8_t>& clear)
    : prior_(prior),
      clear_(clear),
      blue_(scene, RolesOf(scene.metadata).blue, clear),
      red_(scene, RolesOf(scene.metadata).red, clear) {}

kernels::AotEstimate GroundOfPrior::Estimate(const CellWindow& cell) const {
  std::vector<kernels::KnownPixel> pixels;
  ForEachPixel(cell, clear_, [&](int x, int y) {
    if (!prior_.IsKnown(x, y)) return;
    pixels.push_back({blue_.At(x, y), red_.At(x, y), prior_.blue(x, y), prior_.red(x, y)});
  });
  if (pixels.size() < kLeastKnown) return {};
  std::stable_sort(pixels.begin(), pixels.end(), [](const kernels::KnownPixel& a, const kernels::KnownPixel& b) {
    return a.known_blue < b.known_blue;
  });
  kernels::KnownGroundSteps steps;
  for (const double aot : kAotSteps) {
    steps.aot.push_back(aot);
    steps.blue.push_back(blue_.Coefficients(cell, aot));
    steps.red.push_back(red_.Coefficients(cell, aot));
  }
  return kernels::EstimateAotOverKnownGround(steps, std::span(pixels).first(std::min(pixels.size(), kDarkestPerCell)));
}

}  // namespace arpent::stages
