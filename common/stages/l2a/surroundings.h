// How far light strays between the ground's pixels: the one place that says so, for adjacency and for the retrieval.
//
// The mean of means within half a kilometre: weights fall linearly to nothing at 1 km. Vermote et al. (1997) give, of the
// light that aerosol scatters into a beam, 41 % from within 0.5 km and 59 % from within 1 km; a flat square of 1 km would
// take 19 % and 75 %, this takes 48 % and 90 %.
#ifndef ARPENT_COMMON_STAGES_L2A_SURROUNDINGS_H_
#define ARPENT_COMMON_STAGES_L2A_SURROUNDINGS_H_

#include "common/kernels/masking/regions.h"

namespace arpent::stages {

// Values of `pixel_m` averaged over their surroundings, over pixels with mask 1. Count 0: there are none. Pixels too large to have
// surroundings within 1 km are their own.
kernels::LocalMean MeanOfSurroundings(raster::View<const float> values, raster::View<const uint8_t> mask, double pixel_m);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_SURROUNDINGS_H_
