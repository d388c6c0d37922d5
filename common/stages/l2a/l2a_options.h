// The parameters of the L2A stage, read and checked once.
#ifndef ARPENT_COMMON_STAGES_L2A_L2A_OPTIONS_H_
#define ARPENT_COMMON_STAGES_L2A_L2A_OPTIONS_H_

#include "absl/status/statusor.h"
#include "common/base/parameters.h"
#include "common/kernels/atmosphere/sensor.h"

namespace arpent::stages {

struct L2aOptions {
  bool adjacency = true;     // remove the light that the surroundings scatter into a pixel's beam
  bool cirrus = false;       // subtract thin cirrus seen at 1.38 um
  bool terrain = true;       // with a DEM: correct the illumination of slopes
  double cloud_limit = 0.9;  // cloudy share of the valid pixels beyond which a scene is skipped
  kernels::AerosolModel aerosol = kernels::AerosolModel::kContinental;
  bool aerosol_of_cams = false;  // `cams`: by the input of that role
  bool choose_aerosol = false;   // `auto`: by the scene where it tells models apart, else `aerosol`
};

// INVALID_ARGUMENT naming the parameter.
absl::StatusOr<L2aOptions> ParseL2aOptions(const Parameters& parameters);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_L2A_OPTIONS_H_
