// A whole simulated site on disk: scenes, truth, in-situ parcels and the site file that runs it.
//
//   DIR/site.yaml  parcels.gpkg  dem.tif (with relief)
//   DIR/l1c/*.SAFE                                      or, with level_l2a, DIR/l2a/{tile}/{year}/...
//   DIR/truth/{tile}/crop.tif                           UInt16: crop code, 0 no crop
//   DIR/truth/{tile}/{acquisition}/{B01..B12}.tif       Int16 x 10000: surface reflectance
//                                  {CLOUD,SHADOW}.tif   UInt8, per cent, 20 m
//                                  {AOT,WVP}.tif        UInt16 x 1000, 20 m
#ifndef ARPENT_COMMON_SIMULATE_SITE_H_
#define ARPENT_COMMON_SIMULATE_SITE_H_

#include "absl/status/status.h"
#include "common/simulate/site_options.h"

namespace arpent::simulate {

// The same options give the same bytes, whatever the number of threads. INVALID_ARGUMENT naming the option.
absl::Status SimulateSite(const SiteOptions& options);

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_SITE_H_
