// Which overpass a Sentinel-2 product shows. The same names for L1C and L2A.
#ifndef ARPENT_COMMON_SCENE_ACQUISITION_H_
#define ARPENT_COMMON_SCENE_ACQUISITION_H_

#include <string>

#include "absl/time/time.h"

namespace arpent::scene {

// When the strip began that a tile was cut from. A long datatake is cut into datastrips, and a tile where one ends and the
// next begins is delivered twice: two products of one datatake, each with its own part of the tile. The strip's start, in
// `datastrip_id` (".._S20171207T002252_N02.06"), tells them apart. It lies some seconds beside the datatake's, and moves
// by as much when a product is made again: within 30 s of the datatake's start it is taken for that, which the product's
// own name bears. Without a readable identifier: `datatake_start`.
absl::Time StripStart(absl::Time datatake_start, const std::string& datastrip_id);

// "S2A_20150711T100008_R122_T33TVL".
std::string AcquisitionName(const std::string& platform, absl::Time sensing_start, int relative_orbit, const std::string& tile);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_ACQUISITION_H_
