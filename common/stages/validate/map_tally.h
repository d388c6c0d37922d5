// What validation counts on the maps: area by class, and what the map says inside each reference polygon.
#ifndef ARPENT_COMMON_STAGES_VALIDATE_MAP_TALLY_H_
#define ARPENT_COMMON_STAGES_VALIDATE_MAP_TALLY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/kernels/classify/accuracy.h"

namespace arpent::stages {

// Pixels of one polygon in one region; a polygon that crosses tiles is one entry.
struct PolygonTally {
  uint16_t reference = 0;                  // its class code
  std::map<uint16_t, uint64_t> mapped;     // pixels by mapped code
};

// Counts of one region (the whole site or a stratum). Sums do not depend on the order in which parts are added.
struct RegionTally {
  std::map<uint16_t, uint64_t> mapped_pixels;  // the whole map, by code
  std::map<uint32_t, PolygonTally> polygons;   // by number of the polygon
  uint64_t reference_pixels_without_map = 0;   // reference pixels where the map has no data

  void Add(const RegionTally& other);
};

// The counts of a region as the kernels want them: classes are `codes`, ascending.
struct RegionCounts {
  std::vector<uint16_t> codes;  // that the reference or the map has
  std::vector<uint64_t> mapped_pixels;
  std::vector<kernels::PolygonCounts> polygons;
  kernels::ConfusionMatrix matrix;
};

// `ignored_reference`: a code whose polygons do not count (none: pass a negative number).
RegionCounts CountRegion(const RegionTally& tally, int ignored_reference);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_VALIDATE_MAP_TALLY_H_
