// Where sun and sensor stand for a simulated scene.
#ifndef ARPENT_COMMON_SIMULATE_SUN_H_
#define ARPENT_COMMON_SIMULATE_SUN_H_

#include "absl/time/time.h"

namespace arpent::simulate {

struct SkyAngle {
  double zenith_deg = 0;
  double azimuth_deg = 0;  // clockwise from north
};

// Position of the sun to about 0.01 degrees (Meeus 1998, chapter 25, low accuracy).
SkyAngle SunAt(absl::Time time, double longitude_deg, double latitude_deg);

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_SUN_H_
