#include "common/kernels/masking/scene_class.h"

namespace arpent::kernels {
namespace {

constexpr uint8_t kHighProbability = 65;  // Sen2Cor: high from 0.65
constexpr uint8_t kLowProbability = 20;

}  // namespace

raster::Scl GroundClass(const GroundSpectrum& s) {
  const float sum = s.nir_narrow + s.red;
  const float ndvi = sum > 0.01f ? (s.nir_narrow - s.red) / sum : 0.0f;
  if (s.green > s.nir_narrow && s.swir1 < 0.08f && s.nir_narrow < 0.15f) return raster::kSclWater;
  if (ndvi > 0.4f && s.blue < 0.15f) return raster::kSclVegetation;
  if (s.red < 0.04f && s.nir_narrow < 0.08f) return raster::kSclDark;
  return raster::kSclBare;
}

raster::Scl SceneClass(const PixelMasks& masks, const GroundSpectrum& s) {
  if (!masks.valid) return raster::kSclNoData;
  if (masks.saturated) return raster::kSclSaturated;
  if (masks.cloud) return masks.cloud_percent >= kHighProbability ? raster::kSclCloudHigh : raster::kSclCloudMedium;
  if (masks.cirrus) return raster::kSclCirrus;
  if (masks.snow) return raster::kSclSnow;
  if (masks.shadow) return raster::kSclCloudShadow;
  if (masks.terrain_shadow) return raster::kSclDark;
  const raster::Scl ground = GroundClass(s);
  const bool doubtful = ground == raster::kSclBare || ground == raster::kSclDark;
  return doubtful && masks.cloud_percent >= kLowProbability ? raster::kSclUnclassified : ground;
}

uint16_t QualityBits(const PixelMasks& masks, raster::Scl scl) {
  if (!masks.valid) return raster::kQaNoData;
  uint16_t bits = 0;
  if (masks.saturated) bits |= raster::kQaSaturated;
  if (masks.cloud) bits |= raster::kQaCloud;
  if (masks.cirrus) bits |= raster::kQaCirrus;
  if (masks.shadow) bits |= raster::kQaCloudShadow;
  if (masks.near_cloud && !masks.cloud) bits |= raster::kQaCloudAdjacent;
  if (masks.snow) bits |= raster::kQaSnow;
  if (scl == raster::kSclWater) bits |= raster::kQaWater;
  if (masks.terrain_shadow) bits |= raster::kQaTerrainShadow;
  return bits;
}

}  // namespace arpent::kernels
