// AOT from ground whose reflectance is known from other dates.
//
// Aerosol brightens dark ground, most in the blue. Where blue and red reflectance of a place are known from a prior, the AOT
// at which the corrected pixels agree best with it is the estimate; ground that has changed since loses its weight. How
// steady ground is: 8 % in the blue and 12 % in the red, and 0.004 of noise and co-registration, between dates of a season.
#ifndef ARPENT_COMMON_KERNELS_RETRIEVAL_KNOWN_GROUND_H_
#define ARPENT_COMMON_KERNELS_RETRIEVAL_KNOWN_GROUND_H_

#include <span>
#include <vector>

#include "common/kernels/retrieval/aot_estimate.h"

namespace arpent::kernels {

struct KnownPixel {
  SeenPixel blue, red;
  float known_blue = 0, known_red = 0;  // surface reflectance
};

struct KnownGroundSteps {
  std::vector<double> aot;
  std::vector<BandCoefficients> blue, red;
};

AotEstimate EstimateAotOverKnownGround(const KnownGroundSteps& steps, std::span<const KnownPixel> pixels);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_RETRIEVAL_KNOWN_GROUND_H_
