// Clouds, cirrus, snow and water of one date on the coarse grid.
//
// A cloud is bright, spectrally flat, and bluer than the ground: the haze-optimised transform of Zhang, Guindon and
// Cihlar (2002), blue - 0.5 red, is nearly constant over soil, vegetation and sand, and grows with cloud. Its clear
// value is taken from the scene itself, by place, as aerosol varies (clear_haze.h). Brightness in the near and short-wave
// infrared keeps water and shadow out, the flatness blue / SWIR keeps bright soil, NDVI keeps canopies, NDSI (Dozier 1989) keeps snow. Each test is a
// ramp from 0 to 1 and the least of them is the cloud probability; connected pixels above one half are a cloud within
// reach of where it is certain, or as a whole when they are many (thin decks); it then grows by two pixels into what is
// still hazy. Cirrus by reflectance at 1.38 um (thresholds: Sen2Cor's). Measured on scenes with known cloud:
// docs/algorithms/l2a-masks.md.
#ifndef ARPENT_COMMON_KERNELS_MASKING_CLOUDS_H_
#define ARPENT_COMMON_KERNELS_MASKING_CLOUDS_H_

#include <cstdint>

#include "common/kernels/masking/change.h"
#include "common/kernels/masking/clear_haze.h"
#include "common/kernels/masking/mask_input.h"
#include "common/raster/image.h"

namespace arpent::kernels {

struct CloudMasks {
  raster::Image<uint8_t> cloud_percent;               // 0-100, kByteNoData where not valid
  raster::Image<uint8_t> cloud, cirrus, snow, water;  // 0 or 1; cirrus: thin, where there is no cloud
  ClearHaze clear_haze;
};

// Probability in percent from which a pixel is taken for (part of) a cloud.
inline constexpr int kCloudPercent = 50;
inline constexpr int kCertainCloudPercent = 90;

// `known`: of the ground on clear dates, for the test by change (change.h); null when nothing is.
CloudMasks DetectClouds(const MaskInput& input, const KnownReflectance* known = nullptr);

// Cloudy share (cloud, without cirrus) of the valid pixels, 0-1; 0 when none is valid.
double CloudCover(const CloudMasks& masks);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_MASKING_CLOUDS_H_
