#include "common/kernels/composite/brdf.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace arpent::kernels {
namespace {

constexpr double kRadians = M_PI / 180;
constexpr double kHotSpotRad = 1.5 * kRadians;

struct Shape {
  double volumetric, geometric;  // V and R
};

const Shape* ShapeOf(const std::string& band) {
  static const std::map<std::string, Shape> shapes = {
      {"B02", {0.4, 0.25}}, {"B03", {0.4, 0.25}}, {"B04", {0.4, 0.25}}, {"B05", {0.4, 0.25}}, {"B06", {0.5, 0.2}},
      {"B07", {0.7, 0.15}}, {"B08", {0.7, 0.15}}, {"B8A", {0.7, 0.15}}, {"B11", {0.5, 0.2}},  {"B12", {0.5, 0.2}}};
  const auto found = shapes.find(band);
  return found == shapes.end() ? nullptr : &found->second;
}

double PhaseAngle(double sun, double view, double azimuth) {
  return std::acos(
      std::clamp(std::cos(sun) * std::cos(view) + std::sin(sun) * std::sin(view) * std::cos(azimuth), -1.0, 1.0));
}

double Model(const Shape& shape, double sun, double view, double azimuth) {
  return 1 + shape.volumetric * RossThick(sun, view, azimuth) + shape.geometric * LiSparse(sun, view, azimuth);
}

}  // namespace

double RossThick(double sun, double view, double azimuth) {
  const double phase = PhaseAngle(sun, view, azimuth);
  const double hot_spot = 1 + 1 / (1 + phase / kHotSpotRad);
  return 4 / (3 * M_PI) * ((M_PI / 2 - phase) * std::cos(phase) + std::sin(phase)) * hot_spot /
             (std::cos(sun) + std::cos(view)) -
         1.0 / 3;
}

double LiSparse(double sun, double view, double azimuth) {
  constexpr double kHeightOverBreadth = 2;
  const double tangents = std::tan(sun) * std::tan(view);
  const double distance_square =
      std::tan(sun) * std::tan(sun) + std::tan(view) * std::tan(view) - 2 * tangents * std::cos(azimuth);
  const double secants = 1 / std::cos(sun) + 1 / std::cos(view);
  const double cross = tangents * std::sin(azimuth);
  const double cos_t =
      std::clamp(kHeightOverBreadth * std::sqrt(std::max(0.0, distance_square) + cross * cross) / secants, -1.0, 1.0);
  const double t = std::acos(cos_t);
  const double overlap = (t - std::sin(t) * cos_t) * secants / M_PI;
  const double phase = PhaseAngle(sun, view, azimuth);
  return overlap - secants + (1 + std::cos(phase)) / (2 * std::cos(sun) * std::cos(view));
}

double BrdfFactor(const std::string& band, const ViewGeometry& geometry) {
  const Shape* const shape = ShapeOf(band);
  if (shape == nullptr || geometry.sun_zenith_deg > 80 || geometry.view_zenith_deg > 80) return 1;
  const double sun = geometry.sun_zenith_deg * kRadians, view = geometry.view_zenith_deg * kRadians;
  const double azimuth = (geometry.view_azimuth_deg - geometry.sun_azimuth_deg) * kRadians;
  const double seen = Model(*shape, sun, view, azimuth), nadir = Model(*shape, sun, 0, 0);
  return seen > 0.1 && nadir > 0.1 ? nadir / seen : 1;
}

}  // namespace arpent::kernels
