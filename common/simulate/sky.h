// What is in the air of a simulated scene: clouds with height, their shadows on the ground, aerosol and water vapour.
#ifndef ARPENT_COMMON_SIMULATE_SKY_H_
#define ARPENT_COMMON_SIMULATE_SKY_H_

#include <cstdint>

#include "common/simulate/noise.h"

namespace arpent::simulate {

struct SkyOptions {
  uint64_t seed = 1;         // of the date
  double cloud_cover = 0.2;  // 0 to 1, about
  double aot_550 = 0.15;     // mean over the scene
  double water_vapour_gcm2 = 1.8;
};

// AOT varies over a scene between these shares of its mean.
inline constexpr double kLeastHaze = 0.85, kMostHaze = 1.15;

// A sky is asked by one thread at a time: copies are cheap and say the same.
class Sky {
 public:
  // Angles of sun and view in degrees, azimuths clockwise from north.
  Sky(const SkyOptions& options, double sun_zenith_deg, double sun_azimuth_deg);

  // Opacity of the cloud seen at a place, 0 none to 1 opaque (the view is from straight above).
  double CloudAt(double x_m, double y_m);
  // How much direct light a cloud takes away at a place, 0 to 1: the cloud that lies towards the sun at its height.
  double ShadowAt(double x_m, double y_m);
  double AotAt(double x_m, double y_m);
  double WaterVapourAt(double x_m, double y_m);

 private:
  double Opacity(FractalNoise& noise, double x_m, double y_m) const;

  SkyOptions options_;
  // Clouds are asked for at two places, here and towards the sun: a walk for each.
  FractalNoise clouds_, clouds_towards_sun_;
  SmoothNoise haze_, vapour_;
  double height_m_, towards_sun_x_, towards_sun_y_;  // metres along the ground per metre of height
  double threshold_;
};

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_SKY_H_
