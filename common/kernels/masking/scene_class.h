// SCL and QA of one 20 m pixel, from its surface reflectance and the masks of the coarse grid.
// Classes of clear ground after Sen2Cor's order and thresholds (dark, vegetation, bare, water), simplified to what its
// product shows: NDVI above 0.4 is vegetation, open water by green above near infrared with a dark SWIR.
#ifndef ARPENT_COMMON_KERNELS_MASKING_SCENE_CLASS_H_
#define ARPENT_COMMON_KERNELS_MASKING_SCENE_CLASS_H_

#include <cstdint>

#include "common/raster/codes.h"

namespace arpent::kernels {

// Surface reflectance, 1 = 100 %.
struct GroundSpectrum {
  float blue = 0, green = 0, red = 0, nir_narrow = 0, swir1 = 0, swir2 = 0;
};

// What the coarse masks say about a pixel.
struct PixelMasks {
  bool valid = false, saturated = false, cloud = false, cirrus = false, shadow = false, near_cloud = false;
  bool snow = false, terrain_shadow = false;
  uint8_t cloud_percent = 0;
};

// Class of ground that no cloud, snow or shadow covers: kSclDark, kSclVegetation, kSclBare or kSclWater.
raster::Scl GroundClass(const GroundSpectrum& s);

// The pixel's SCL code. A clear pixel with a cloud probability from 20 % is kSclUnclassified when it is neither
// vegetation nor water.
raster::Scl SceneClass(const PixelMasks& masks, const GroundSpectrum& s);

// QA bits that follow from the masks and the class; those of sun, AOT and water vapour are the caller's.
uint16_t QualityBits(const PixelMasks& masks, raster::Scl scl);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_MASKING_SCENE_CLASS_H_
