// What a simulated site is made of.
#ifndef ARPENT_COMMON_SIMULATE_SITE_OPTIONS_H_
#define ARPENT_COMMON_SIMULATE_SITE_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"

namespace arpent::simulate {

struct SiteOptions {
  std::string folder;                          // site.yaml, parcels.gpkg, l1c/ (or l2a/), truth/
  std::string name = "simulated";
  std::vector<std::string> tiles = {"33UXP"};
  int size = 600;                              // 10 m pixels a side of what is seen of each tile; a multiple of 6, at most 10980
  int dates = 12;                              // spread evenly over the season
  absl::CivilDay first = absl::CivilDay(2021, 3, 20), last = absl::CivilDay(2021, 10, 10);
  uint64_t seed = 1;
  bool level_l2a = false;                      // write L2A products instead of L1C scenes
  std::string baseline = "05.10";              // "02.09": no radiometric offset
  int orbits = 1;                              // 2: dates alternate between two swaths that overlap
  double cloud_cover = 0.18;                   // mean over the dates
  double aot_550 = 0.15, water_vapour_gcm2 = 1.8;
  std::string aerosol = "continental";         // model of kernels/atmosphere/sensor.h
  std::string radiative_data;                  // folder of the solver's input files; "": as installed
  double relief_m = 0;                         // height of hills; 0 flat
  double parcel_m = 260;                       // mean distance between neighbouring fields
  double noise_dn = 8;                         // deviation of the sensor's noise
  bool truth = true;                           // write truth layers
  int threads = 1;
  std::function<void(const std::string& what, double done)> progress = [](const std::string&, double) {};
};

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_SITE_OPTIONS_H_
