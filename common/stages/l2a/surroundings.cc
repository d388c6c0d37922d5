#include "common/stages/l2a/surroundings.h"

#include "common/stages/l2a/coarse_scene.h"

namespace arpent::stages {
namespace {

constexpr double kHalfReach_m = 480;  // 8 pixels of 60 m: 510 m with half of the pixel itself

}  // namespace

kernels::LocalMean MeanOfSurroundings(raster::View<const float> values, raster::View<const uint8_t> mask, double pixel_m) {
  const int half_reach = PixelsIn(kHalfReach_m, pixel_m, 0);
  const kernels::LocalMean near = kernels::MeanAround(values, mask, half_reach);
  raster::Image<uint8_t> known(values.width(), values.height());
  for (size_t i = 0; i < known.size(); ++i) known.data()[i] = near.count.data()[i] > 0;
  return kernels::MeanAround(near.mean.view(), known.view(), half_reach);
}

}  // namespace arpent::stages
