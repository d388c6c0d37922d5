// Where the sun stands, seen from a place on the ground.
#ifndef ARPENT_COMMON_GEO_SUN_H_
#define ARPENT_COMMON_GEO_SUN_H_

#include "absl/time/time.h"

namespace arpent::geo {

struct SunAngle {
  double zenith_deg = 0;
  double azimuth_deg = 0;  // clockwise from north
};

// Position of the sun to about 0.01 degrees (Meeus 1998, chapter 25, low accuracy).
SunAngle SunAt(absl::Time time, double longitude_deg, double latitude_deg);

}  // namespace arpent::geo

#endif  // ARPENT_COMMON_GEO_SUN_H_
