#include "common/geo/geodesic_area.h"

#include <cmath>
#include <numbers>

namespace arpent::geo {
namespace {

constexpr double kEquatorialRadius_m = 6378137, kFlattening = 1 / 298.257223563;
constexpr double kDegree = std::numbers::pi / 180;

// Of the zone from the equator to a latitude, per radian of longitude.
double ZoneArea_m2(double latitude_deg) {
  const double e2 = kFlattening * (2 - kFlattening), e = std::sqrt(e2);
  const double sine = std::sin(latitude_deg * kDegree);
  const double q = (1 - e2) * (sine / (1 - e2 * sine * sine) + std::atanh(e * sine) / e);
  return kEquatorialRadius_m * kEquatorialRadius_m * q / 2;
}

}  // namespace

double AreaBetweenParallels_m2(double south_deg, double north_deg, double width_deg) {
  return (ZoneArea_m2(north_deg) - ZoneArea_m2(south_deg)) * width_deg * kDegree;
}

}  // namespace arpent::geo
