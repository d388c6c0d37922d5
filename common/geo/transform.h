// Coordinate transformations between EPSG codes through PROJ; x is easting or longitude, y northing or latitude.
#ifndef ARPENT_COMMON_GEO_TRANSFORM_H_
#define ARPENT_COMMON_GEO_TRANSFORM_H_

#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"

namespace arpent::geo {

// Not thread-safe; one per thread.
class Transform {
 public:
  // INVALID_ARGUMENT when PROJ knows no way from `source_epsg` to `target_epsg`.
  static absl::StatusOr<Transform> Create(int source_epsg, int target_epsg);
  ~Transform();
  Transform(Transform&&) noexcept;
  Transform& operator=(Transform&&) noexcept;

  // In place. A point that cannot be transformed becomes infinite.
  void Forward(std::span<double> x, std::span<double> y) const;
  void Forward(double& x, double& y) const;

 private:
  struct State;
  explicit Transform(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Whether the coordinates of a system are longitude and latitude in degrees. INVALID_ARGUMENT when PROJ does not know it.
absl::StatusOr<bool> IsGeographic(int epsg);

// The bounding box of `extent` after transformation, with its edges densified.
absl::StatusOr<Extent> TransformExtent(const Extent& extent, int source_epsg, int target_epsg);

}  // namespace arpent::geo

#endif  // ARPENT_COMMON_GEO_TRANSFORM_H_
