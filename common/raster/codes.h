// Codes that rasters carry: Sen2Cor's scene classes, the QA bits, the composite's flags.
#ifndef ARPENT_COMMON_RASTER_CODES_H_
#define ARPENT_COMMON_RASTER_CODES_H_

#include <cstdint>

namespace arpent::raster {

// SCL, as Sen2Cor codes it.
enum Scl : uint8_t {
  kSclNoData = 0,
  kSclSaturated = 1,
  kSclDark = 2,
  kSclCloudShadow = 3,
  kSclVegetation = 4,
  kSclBare = 5,
  kSclWater = 6,
  kSclUnclassified = 7,
  kSclCloudMedium = 8,
  kSclCloudHigh = 9,
  kSclCirrus = 10,
  kSclSnow = 11,
};

// QA, bit by bit.
enum Qa : uint16_t {
  kQaNoData = 1 << 0,
  kQaSaturated = 1 << 1,
  kQaCloud = 1 << 2,
  kQaCirrus = 1 << 3,
  kQaCloudShadow = 1 << 4,
  kQaCloudAdjacent = 1 << 5,
  kQaSnow = 1 << 6,
  kQaWater = 1 << 7,
  kQaTerrainShadow = 1 << 8,
  kQaLowSun = 1 << 9,
  kQaHighAerosol = 1 << 10,
  kQaAotInterpolated = 1 << 11,
  kQaWvInterpolated = 1 << 12,
};

// FLAGS of a composite.
enum CompositeFlag : uint8_t { kFlagNoData = 0, kFlagCloud = 1, kFlagSnow = 2, kFlagWater = 3, kFlagLand = 4 };

}  // namespace arpent::raster

#endif  // ARPENT_COMMON_RASTER_CODES_H_
