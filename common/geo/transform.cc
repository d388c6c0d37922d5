#include "common/geo/transform.h"

#include <proj.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/base/status.h"

namespace arpent::geo {

struct Transform::State {
  PJ_CONTEXT* context = nullptr;
  PJ* pipeline = nullptr;
  ~State() {
    if (pipeline != nullptr) proj_destroy(pipeline);
    if (context != nullptr) proj_context_destroy(context);
  }
};

Transform::Transform(std::unique_ptr<State> state) : state_(std::move(state)) {}
Transform::~Transform() = default;
Transform::Transform(Transform&&) noexcept = default;
Transform& Transform::operator=(Transform&&) noexcept = default;

absl::StatusOr<Transform> Transform::Create(int source_epsg, int target_epsg) {
  auto state = std::make_unique<State>();
  state->context = proj_context_create();
  proj_log_level(state->context, PJ_LOG_NONE);
  const std::string source = absl::StrCat("EPSG:", source_epsg), target = absl::StrCat("EPSG:", target_epsg);
  PJ* raw = proj_create_crs_to_crs(state->context, source.c_str(), target.c_str(), nullptr);
  if (raw == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("there is no transformation from ", source, " to ", target));
  }
  // Easting before northing, longitude before latitude, whatever the authority's axis order.
  state->pipeline = proj_normalize_for_visualization(state->context, raw);
  proj_destroy(raw);
  if (state->pipeline == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("PROJ cannot order the axes of ", source, " and ", target));
  }
  return Transform(std::move(state));
}

void Transform::Forward(std::span<double> x, std::span<double> y) const {
  proj_trans_generic(state_->pipeline, PJ_FWD, x.data(), sizeof(double), x.size(), y.data(), sizeof(double), y.size(),
                     nullptr, 0, 0, nullptr, 0, 0);
}

void Transform::Forward(double& x, double& y) const { Forward(std::span(&x, 1), std::span(&y, 1)); }

absl::StatusOr<bool> IsGeographic(int epsg) {
  PJ_CONTEXT* context = proj_context_create();
  proj_log_level(context, PJ_LOG_NONE);
  PJ* crs = proj_create(context, absl::StrCat("EPSG:", epsg).c_str());
  const PJ_TYPE type = crs == nullptr ? PJ_TYPE_UNKNOWN : proj_get_type(crs);
  if (crs != nullptr) proj_destroy(crs);
  proj_context_destroy(context);
  if (type == PJ_TYPE_UNKNOWN) return absl::InvalidArgumentError(absl::StrCat("EPSG:", epsg, " is not known"));
  return type == PJ_TYPE_GEOGRAPHIC_2D_CRS || type == PJ_TYPE_GEOGRAPHIC_3D_CRS;
}

absl::StatusOr<Extent> TransformExtent(const Extent& extent, int source_epsg, int target_epsg) {
  ARPENT_ASSIGN_OR_RETURN(const Transform transform, Transform::Create(source_epsg, target_epsg));
  constexpr int kSteps = 20;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Extent result{kInfinity, kInfinity, -kInfinity, -kInfinity};
  for (int i = 0; i <= kSteps; ++i) {
    for (int j = 0; j <= kSteps; ++j) {
      if (i != 0 && i != kSteps && j != 0 && j != kSteps) continue;  // the edges only
      double x = extent.west + (extent.east - extent.west) * i / kSteps;
      double y = extent.south + (extent.north - extent.south) * j / kSteps;
      transform.Forward(x, y);
      if (!std::isfinite(x) || !std::isfinite(y)) continue;
      result = {std::min(result.west, x), std::min(result.south, y), std::max(result.east, x), std::max(result.north, y)};
    }
  }
  if (!(result.west <= result.east)) {
    return absl::InvalidArgumentError(absl::StrCat("the area lies outside of EPSG:", target_epsg));
  }
  return result;
}

}  // namespace arpent::geo
