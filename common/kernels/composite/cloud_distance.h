// How far a pixel is from clouds, as Sen2Agri's composite weighs it: the cloud mask at 240 m, blurred by two Gaussians
// (sigma 2 and 10 cells, 480 m and 2.4 km), G2 and G10; the weight is (1 - G2) (1 - G10).
// Source: the public description of Sen2Agri's L3A processor (weight on clouds).
// Approximations: kernels end at 4 sigma and have integer taps; cells without data take no part (the original
// continues the image beyond its edge); enlargement is linear instead of cubic. All arithmetic after the taps is
// integer, so that the weights are the same on every machine.
#ifndef ARPENT_COMMON_KERNELS_COMPOSITE_CLOUD_DISTANCE_H_
#define ARPENT_COMMON_KERNELS_COMPOSITE_CLOUD_DISTANCE_H_

#include <cstdint>
#include <span>

#include "common/raster/image.h"

namespace arpent::kernels {

// 20 m pixels along a side of a 240 m cell.
inline constexpr int kCloudCellPixels = 12;

// Clouds farther than this from a 20 m pixel do not touch its weight: four sigma of the larger Gaussian, and the cell between
// which it is enlarged.
inline constexpr int kCloudReachPixels = (40 + 2) * kCloudCellPixels;

// The weight 1 in fixed point.
inline constexpr int kWeightOne = 65535;

// Share of each cell that clouds hide, gathered piece by piece. Pieces may come in any order; their corners lie on
// cells.
class CloudCells {
 public:
  // For a scene of width x height pixels at 20 m.
  CloudCells(int width, int height);

  // Adds the pixels whose first is (x, y), both multiples of kCloudCellPixels. Pieces of one scene do not share cells,
  // so that threads may add them at the same time.
  // `traits` are PixelTrait bits.
  void Add(int x, int y, raster::View<const uint8_t> traits);

  int width() const { return counts_.width(); }
  int height() const { return counts_.height(); }
  struct Count {
    uint8_t valid = 0, hidden = 0;  // at most 144
  };
  const Count& at(int x, int y) const { return counts_(x, y); }

 private:
  raster::Image<Count> counts_;
};

class CloudDistance {
 public:
  explicit CloudDistance(const CloudCells& cells, double small_sigma_cells = 2, double large_sigma_cells = 10);

  // Weights (0..kWeightOne) of the pixels (x, y), (x + 1, y), ... at 20 m.
  void WeightRow(int x, int y, std::span<uint16_t> out) const;

  // G2 and G10 of a cell, kWeightOne is 1.
  uint16_t small_blur(int x, int y) const { return small_(x, y); }
  uint16_t large_blur(int x, int y) const { return large_(x, y); }

 private:
  raster::Image<uint16_t> small_, large_;
};

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_COMPOSITE_CLOUD_DISTANCE_H_
