#include "common/stages/node_grid.h"

#include "common/base/status.h"
#include "common/geo/transform.h"

namespace arpent::stages {

absl::StatusOr<NodeGrid> NodeGrid::Create(const geo::Grid& grid, const geo::Window& window, int epsg) {
  NodeGrid nodes;
  nodes.columns_ = (window.width + kStep - 1) / kStep + 1;
  const int rows = (window.height + kStep - 1) / kStep + 1;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < nodes.columns_; ++column) {
      nodes.x_.push_back(grid.CentreX(window.x + column * kStep));
      nodes.y_.push_back(grid.CentreY(window.y + row * kStep));
    }
  }
  if (epsg != grid.epsg) {
    ARPENT_ASSIGN_OR_RETURN(const geo::Transform transform, geo::Transform::Create(grid.epsg, epsg));
    transform.Forward(nodes.x_, nodes.y_);
  }
  return nodes;
}

void NodeGrid::At(int x, int y, double& east, double& north) const {
  const size_t node = static_cast<size_t>(y / kStep) * columns_ + x / kStep;
  const double u = static_cast<double>(x % kStep) / kStep, v = static_cast<double>(y % kStep) / kStep;
  east = Between(x_, node, u, v);
  north = Between(y_, node, u, v);
}

double NodeGrid::Between(const std::vector<double>& values, size_t node, double u, double v) const {
  const double upper = values[node] + (values[node + 1] - values[node]) * u;
  const double lower = values[node + columns_] + (values[node + columns_ + 1] - values[node + columns_]) * u;
  return upper + (lower - upper) * v;
}

}  // namespace arpent::stages
