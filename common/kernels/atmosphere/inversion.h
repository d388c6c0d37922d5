// The per-pixel part of the correction: digital numbers or TOA reflectance to surface reflectance, with coefficients
// that vary slowly over the block and are given at the nodes of a coarse grid (bilinear between them). Bounded by
// memory bandwidth; the same bits for any SIMD width and any split into blocks that keeps the node grid.
//
//   y = gain * value - offset;  rho = y / (1 + curvature * y)                      (Inversion in correction.h)
#ifndef ARPENT_COMMON_KERNELS_ATMOSPHERE_INVERSION_H_
#define ARPENT_COMMON_KERNELS_ATMOSPHERE_INVERSION_H_

#include <cstdint>

#include "common/kernels/atmosphere/correction.h"
#include "common/raster/image.h"

namespace arpent::kernels {

// Inversions at the nodes of a grid. Node (i, j) lies on pixel (i * step, j * step) of the *raster*; a block whose
// upper left pixel is (x0, y0) of the raster may be cut anywhere and gives the same bits.
struct InversionNodes {
  raster::Image<float> gain, offset, curvature;  // equal sizes; an empty curvature is 0 everywhere
  int step = 1;                                  // pixels between nodes

  // Nodes that cover a raster of width x height pixels.
  InversionNodes(int width, int height, int step, bool with_curvature);
  void Set(int i, int j, const Inversion& inversion);
};

struct PixelRange {
  uint16_t no_data = 0;   // this DN becomes kReflectanceNoData
  float minimum = -0.2f;  // reflectance is clamped to this range before it is scaled by 10000
  float maximum = 3.2767f;
};

// `dn` and `reflectance` have equal sizes; their upper left pixel is (x0, y0) of the raster that `nodes` cover. The
// nodes hold the inversion of digital numbers (FromDigitalNumbers). Writes reflectance * 10000, rounded to nearest,
// ties to even; kReflectanceNoData also where the nodes are NaN.
void InvertToSurfaceReflectance(raster::View<const uint16_t> dn, int x0, int y0, const InversionNodes& nodes,
                                const PixelRange& range, raster::View<int16_t> reflectance);

// The same for TOA reflectance; NaN stays NaN, nothing is clamped.
void InvertToSurfaceReflectance(raster::View<const float> toa, int x0, int y0, const InversionNodes& nodes,
                                raster::View<float> reflectance);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_ATMOSPHERE_INVERSION_H_
