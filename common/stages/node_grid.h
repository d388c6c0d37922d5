// Coordinates in another CRS of the pixel centres of a window: transformed at every 32nd pixel, bilinear between (below
// 0.01 pixel of 10 m between UTM zones); exact where both CRS are the same.
#ifndef ARPENT_COMMON_STAGES_NODE_GRID_H_
#define ARPENT_COMMON_STAGES_NODE_GRID_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"

namespace arpent::stages {

class NodeGrid {
 public:
  static constexpr int kStep = 32;

  // The window must begin at multiples of kStep of the grid: then results do not depend on how it is cut into windows.
  static absl::StatusOr<NodeGrid> Create(const geo::Grid& grid, const geo::Window& window, int epsg);

  // Of pixel (x, y) of the window. Infinite where the other CRS is not defined.
  void At(int x, int y, double& east, double& north) const;

 private:
  double Between(const std::vector<double>& values, size_t node, double u, double v) const;

  int columns_ = 0;
  std::vector<double> x_, y_;
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_NODE_GRID_H_
