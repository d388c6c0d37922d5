// Means over squares, of an image that comes row by row: what lies within `radius` pixels either way. Needs memory for the
// rows of one square only.
#ifndef ARPENT_COMMON_SIMULATE_BOX_MEAN_H_
#define ARPENT_COMMON_SIMULATE_BOX_MEAN_H_

#include <functional>
#include <span>
#include <vector>

#include "common/raster/image.h"

namespace arpent::simulate {

// Rows go in from north to south; their means come out in the same order, `radius` rows later. At the image's edges the
// square is cut.
class BoxMean {
 public:
  using Sink = std::function<void(std::span<const float> mean)>;

  BoxMean(int width, int height, int radius, Sink sink);

  // Exactly `height` rows may be pushed; the last one brings out all that is left.
  void Push(std::span<const float> row);

 private:
  void SumAlong(std::span<const float> row, std::span<float> means) const;
  void Emit();

  const int width_, height_, radius_;
  const Sink sink_;
  raster::Image<float> held_;  // rows of means along x; row y lies at y modulo its height
  std::vector<double> sums_;   // of the held rows, by column
  std::vector<float> mean_;
  int pushed_ = 0, emitted_ = 0, counted_ = 0;
};

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_BOX_MEAN_H_
