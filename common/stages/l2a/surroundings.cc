#include "common/stages/l2a/surroundings.h"

namespace arpent::stages {
namespace {

constexpr int kHalfReach = 8;  // coarse pixels: 510 m with the pixel itself

}  // namespace

kernels::LocalMean MeanOfSurroundings(raster::View<const float> values, raster::View<const uint8_t> mask) {
  const kernels::LocalMean near = kernels::MeanAround(values, mask, kHalfReach);
  raster::Image<uint8_t> known(values.width(), values.height());
  for (size_t i = 0; i < known.size(); ++i) known.data()[i] = near.count.data()[i] > 0;
  return kernels::MeanAround(near.mean.view(), known.view(), kHalfReach);
}

}  // namespace arpent::stages
