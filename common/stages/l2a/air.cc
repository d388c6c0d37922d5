#include "common/stages/l2a/air.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "absl/strings/str_format.h"
#include "common/base/status.h"

namespace arpent::stages {
namespace {

constexpr double kRadian = std::numbers::pi / 180;

bool IsFinite(const Direction& d) { return std::isfinite(d.zenith_deg) && std::isfinite(d.azimuth_deg); }

absl::Status CheckAngles(const scene::SceneMetadata& metadata, const Direction& sun) {
  if (!IsFinite(sun)) {
    return absl::InvalidArgumentError(absl::StrCat(metadata.product_id, ": the mean sun angles are missing"));
  }
  if (sun.zenith_deg >= 90) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: night scene, the sun stands %.1f deg below the horizon",
                                                      metadata.product_id, sun.zenith_deg - 90));
  }
  if (sun.zenith_deg > kernels::kMaximumSunZenithDeg) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: sun zenith %.1f deg is beyond the %.0f deg up to which the correction is valid",
                        metadata.product_id, sun.zenith_deg, kernels::kMaximumSunZenithDeg));
  }
  return absl::OkStatus();
}

}  // namespace

AngleField::AngleField(const scene::AngleGrid& grid, Direction mean, double offset_east_m, double offset_south_m)
    : grid_(grid), mean_(mean), offset_east_m_(offset_east_m), offset_south_m_(offset_south_m) {
  for (int y = 0; y < grid_.zenith_deg.height(); ++y) {
    for (int x = 0; x < grid_.zenith_deg.width(); ++x) {
      mean_only_ = mean_only_ && !(std::isfinite(grid_.zenith_deg(x, y)) && std::isfinite(grid_.azimuth_deg(x, y)));
    }
  }
}

Direction AngleField::At(double east_m, double south_m) const {
  if (mean_only_) return mean_;
  const int width = grid_.zenith_deg.width();
  const int height = grid_.zenith_deg.height();
  const double x = std::clamp((east_m + offset_east_m_) / grid_.step_m, 0.0, static_cast<double>(width - 1));
  const double y = std::clamp((south_m + offset_south_m_) / grid_.step_m, 0.0, static_cast<double>(height - 1));
  const int x0 = static_cast<int>(x);
  const int y0 = static_cast<int>(y);
  double weights = 0, zenith = 0, sine = 0, cosine = 0;
  for (int j = y0; j <= std::min(y0 + 1, height - 1); ++j) {
    for (int i = x0; i <= std::min(x0 + 1, width - 1); ++i) {
      const double node_zenith = grid_.zenith_deg(i, j);
      const double node_azimuth = grid_.azimuth_deg(i, j);
      if (!std::isfinite(node_zenith) || !std::isfinite(node_azimuth)) continue;
      const double weight = (1 - std::abs(x - i)) * (1 - std::abs(y - j));
      weights += weight;
      zenith += weight * node_zenith;
      sine += weight * std::sin(node_azimuth * kRadian);
      cosine += weight * std::cos(node_azimuth * kRadian);
    }
  }
  if (weights < 1e-9) return mean_;
  return {zenith / weights, std::atan2(sine, cosine) / kRadian};
}

double Field::At(double east_m, double south_m) const {
  if (values.empty()) return constant;
  const double x = std::clamp(east_m / cell_m - 0.5, 0.0, static_cast<double>(values.width() - 1));
  const double y = std::clamp(south_m / cell_m - 0.5, 0.0, static_cast<double>(values.height() - 1));
  const int x0 = static_cast<int>(x);
  const int y0 = static_cast<int>(y);
  const int x1 = std::min(x0 + 1, values.width() - 1);
  const int y1 = std::min(y0 + 1, values.height() - 1);
  const double top = values(x0, y0) + (values(x1, y0) - values(x0, y0)) * (x - x0);
  const double bottom = values(x0, y1) + (values(x1, y1) - values(x0, y1)) * (x - x0);
  return top + (bottom - top) * (y - y0);
}

absl::StatusOr<Air> Air::Create(const scene::SceneMetadata& metadata, const kernels::AtmosphereTables& tables,
                                kernels::AerosolModel aerosol) {
  const Direction mean_sun{metadata.mean_sun_zenith_deg, metadata.mean_sun_azimuth_deg};
  ARPENT_RETURN_IF_ERROR(CheckAngles(metadata, mean_sun));
  ARPENT_ASSIGN_OR_RETURN(const kernels::Sensor sensor, kernels::SensorFromName(metadata.platform));
  const double east = metadata.grid.west - metadata.tile_grid.west;
  const double south = metadata.tile_grid.north - metadata.grid.north;
  Air air(tables, aerosol, AngleField(metadata.sun, mean_sun, east, south));
  if (air.sun_.mean_only()) air.notes.push_back("sun angles: the scene's mean, the grid is missing");
  std::vector<std::string> by_mean;
  for (size_t b = 0; b < metadata.bands.size(); ++b) {
    Direction mean{b < metadata.mean_view_zenith_deg.size() ? metadata.mean_view_zenith_deg[b] : NAN,
                   b < metadata.mean_view_azimuth_deg.size() ? metadata.mean_view_azimuth_deg[b] : NAN};
    const AngleField view(b < metadata.view.size() ? metadata.view[b] : scene::AngleGrid{}, mean, east, south);
    if (view.mean_only()) by_mean.push_back(metadata.bands[b].name);
    if (!IsFinite(mean)) {
      if (view.mean_only()) {
        return absl::InvalidArgumentError(absl::StrCat(metadata.product_id, ": band ", metadata.bands[b].name,
                                                       " has neither view angles nor a mean"));
      }
      mean = view.At(0, 0);
    }
    if (mean.zenith_deg > kernels::kMaximumViewZenithDeg) {
      return absl::InvalidArgumentError(absl::StrFormat("%s: band %s is seen at %.1f deg, beyond %.0f deg",
                                                        metadata.product_id, metadata.bands[b].name, mean.zenith_deg,
                                                        kernels::kMaximumViewZenithDeg));
    }
    air.view_.push_back(
        AngleField(b < metadata.view.size() ? metadata.view[b] : scene::AngleGrid{}, mean, east, south));
    // Landsat's panchromatic and thermal bands are not corrected.
    air.table_index_.push_back(tables.BandIndex(sensor, metadata.bands[b].name).value_or(-1));
  }
  if (!by_mean.empty()) {
    air.notes.push_back(
        absl::StrCat("view angles: the mean of the band, the grid is missing (", by_mean.size(), " bands)"));
  }
  return air;
}

kernels::Geometry Air::GeometryAt(int band, double east_m, double south_m) const {
  const Direction sun = sun_.At(east_m, south_m);
  const Direction view = view_[band].At(east_m, south_m);
  return {std::min(sun.zenith_deg, kernels::kMaximumSunZenithDeg), view.zenith_deg, sun.azimuth_deg - view.azimuth_deg};
}

kernels::AtmosphericState Air::StateAt(double east_m, double south_m) const {
  return {aerosol_, aot.At(east_m, south_m), water_gcm2.At(east_m, south_m), ozone_atmcm,
          altitude_km.At(east_m, south_m)};
}

kernels::BandCoefficients Air::CoefficientsAt(int band, double east_m, double south_m) const {
  return CoefficientsOf(band, east_m, south_m, StateAt(east_m, south_m));
}

kernels::BandCoefficients Air::CoefficientsOf(int band, double east_m, double south_m,
                                              const kernels::AtmosphericState& state) const {
  return tables_->CoefficientsUnchecked(table_index_[band], GeometryAt(band, east_m, south_m), state);
}

double OzoneClimatology(double latitude_deg, double longitude_deg, int day_of_year) {
  const bool north = latitude_deg >= 0;
  const double a = north ? 150 : 100;
  const double beta = north ? 1.28 : 1.5;
  const double c = north ? 40 : 30;
  const double f = north ? -30 : 152.625;
  const double h = north ? 3 : 2;
  const double i = north ? (longitude_deg > 0 ? 20 : 0) : -75;
  const double season = c * std::sin(0.9865 * (day_of_year + f) * kRadian);
  const double wave = 20 * std::sin(h * (longitude_deg + i) * kRadian);
  const double sine = std::sin(beta * latitude_deg * kRadian);
  return (235 + (a + season + wave) * sine * sine) * 1e-3;
}

}  // namespace arpent::stages
