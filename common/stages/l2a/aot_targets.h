// Ground that tells how much aerosol lies above it, in cells of 3 km: dark dense vegetation, clear deep water, and ground
// that is known from a prior. Each class gathers its pixels of a cell and estimates; aot_retrieval.h decides which to ask.
#ifndef ARPENT_COMMON_STAGES_L2A_AOT_TARGETS_H_
#define ARPENT_COMMON_STAGES_L2A_AOT_TARGETS_H_

#include <string>
#include <vector>

#include "common/kernels/retrieval/aerosol.h"
#include "common/kernels/retrieval/dark_water.h"
#include "common/kernels/retrieval/known_ground.h"
#include "common/stages/l2a/air.h"
#include "common/stages/l2a/coarse_scene.h"
#include "common/stages/l2a/prior.h"
#include "common/stages/l2a/retrieval.h"

namespace arpent::stages {

// A cell, in coarse pixels: x0 <= x < x1, and its centre in metres.
struct CellWindow {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  double east_m = 0, south_m = 0;
};

// A scene as the targets see it. Everything must outlive them.
struct TargetScene {
  const scene::SceneMetadata& metadata;
  const CoarseScene& coarse;
  const MaskScene& mask_scene;
  const Air& air;
  bool adjacency = true;  // take off the light that strays in from the surroundings first
};

// A band with the means of its surroundings over `ground`; with adjacency off each pixel is among its like.
class SeenBand {
 public:
  SeenBand(const TargetScene& scene, const std::string& band, const raster::Image<uint8_t>& ground);
  kernels::SeenPixel At(int x, int y) const { return {toa_(x, y), around_.empty() ? toa_(x, y) : around_(x, y)}; }
  kernels::BandCoefficients Coefficients(const CellWindow& cell, double aot) const;

 private:
  const Air& air_;
  const int index_;
  const raster::Image<float>& toa_;
  raster::Image<float> around_;
};

class DarkVegetation {
 public:
  static constexpr int kLeastPerCell = 5;
  static constexpr int kLeastPerScene = 10;

  // `clear`: pixels that may be used. `least_ndvi`: haze lowers it.
  DarkVegetation(const TargetScene& scene, const raster::Image<uint8_t>& clear, float least_ndvi);

  struct Pixels {
    std::vector<kernels::DarkPixel> dark;
    kernels::SeenPixel darkest_blue, darkest_red;  // NaN when there are too few pixels to say
  };
  Pixels Collect(const CellWindow& cell) const;
  kernels::AotEstimate Estimate(const Pixels& pixels, const CellWindow& cell) const;
  // The whole scene as one cell; pixels 0 when it has too little vegetation.
  kernels::AotEstimate EstimateScene(const std::vector<Pixels>& cells, const CellWindow& middle) const;

 private:
  bool IsDark(int x, int y) const;
  const kernels::MaskInput& input_;
  const raster::Image<uint8_t>& clear_;
  const float least_ndvi_;
  const SeenBand blue_, red_, swir2_;
};

class DeepWater {
 public:
  // `water`: clear water far from land. `ground`: all clear ground, water too.
  DeepWater(const TargetScene& scene, const raster::Image<uint8_t>& water, const raster::Image<uint8_t>& ground);
  // Pixels 0 when there is too little water in the cell, or none that is clear.
  kernels::AotEstimate Estimate(const CellWindow& cell) const;

 private:
  const Air& air_;
  const int red_index_;
  const raster::Image<uint8_t>& water_;
  const SeenBand red_, nir_, swir1_, swir2_;
};

class GroundOfPrior {
 public:
  GroundOfPrior(const TargetScene& scene, const Prior& prior, const raster::Image<uint8_t>& clear);
  // By the darkest known pixels; pixels 0 when too few are known.
  kernels::AotEstimate Estimate(const CellWindow& cell) const;

 private:
  const Prior& prior_;
  const raster::Image<uint8_t>& clear_;
  const SeenBand blue_, red_;
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_AOT_TARGETS_H_
