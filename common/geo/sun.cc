#include "common/geo/sun.h"

#include <cmath>

namespace arpent::geo {

SunAngle SunAt(absl::Time time, double longitude_deg, double latitude_deg) {
  constexpr double kDegree = M_PI / 180;
  // Days and Julian centuries since 2000-01-01 12:00.
  const double days = absl::ToDoubleSeconds(time - absl::FromUnixSeconds(946728000)) / 86400;
  const double century = days / 36525;
  const double mean_longitude = 280.46646 + 36000.76983 * century;
  const double anomaly = (357.52911 + 35999.05029 * century) * kDegree;
  const double equation_of_centre = (1.914602 - 0.004817 * century) * std::sin(anomaly) +
                                    0.019993 * std::sin(2 * anomaly) + 0.000289 * std::sin(3 * anomaly);
  const double node = (125.04 - 1934.136 * century) * kDegree;
  const double longitude = (mean_longitude + equation_of_centre - 0.00569 - 0.00478 * std::sin(node)) * kDegree;
  const double obliquity = (23.439291 - 0.0130042 * century + 0.00256 * std::cos(node)) * kDegree;
  const double right_ascension = std::atan2(std::cos(obliquity) * std::sin(longitude), std::cos(longitude));
  const double declination = std::asin(std::sin(obliquity) * std::sin(longitude));
  const double sidereal = (280.46061837 + 360.98564736629 * days + longitude_deg) * kDegree;
  const double hour_angle = sidereal - right_ascension;
  const double latitude = latitude_deg * kDegree;
  const double sine = std::sin(latitude) * std::sin(declination) + std::cos(latitude) * std::cos(declination) * std::cos(hour_angle);
  SunAngle sun;
  sun.zenith_deg = 90 - std::asin(sine) / kDegree;
  const double azimuth = std::atan2(-std::sin(hour_angle), std::tan(declination) * std::cos(latitude) -
                                                               std::sin(latitude) * std::cos(hour_angle));
  sun.azimuth_deg = std::fmod(azimuth / kDegree + 360, 360);
  return sun;
}

}  // namespace arpent::geo
