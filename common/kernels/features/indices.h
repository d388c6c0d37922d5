// Spectral indices of one pixel from reflectance (1 = 100 %). NaN in, NaN out; an index that is undefined for a pixel has
// a stated value instead of an infinity, and no noise-driven value leaves the range that the index has over real ground.
#ifndef ARPENT_COMMON_KERNELS_FEATURES_INDICES_H_
#define ARPENT_COMMON_KERNELS_FEATURES_INDICES_H_

#include <cmath>

namespace arpent::kernels {

// `value` within [low, high]; NaN stays NaN.
inline float Bounded(float value, float low, float high) {
  value = value < low ? low : value;
  return value > high ? high : value;
}

// (a - b) / (a + b) in [-1, 1]; 0 where the sum is not positive (negative reflectance over dark water).
inline float NormalisedDifference(float a, float b) {
  const float sum = a + b;
  const float ratio = (a - b) / sum;
  const float bounded = Bounded(ratio, -1.0f, 1.0f);
  return sum <= 0 ? 0.0f : bounded;
}

// a / b in [-10, 10]; 0 where b is not positive.
inline float Ratio(float a, float b) {
  const float bounded = Bounded(a / b, -10.0f, 10.0f);
  return b <= 0 ? 0.0f : bounded;
}

// Rouse et al. 1974.
inline float Ndvi(float nir, float red) { return NormalisedDifference(nir, red); }
// Sen2Agri's sign: bare soil is positive, water and wet leaves negative.
inline float Ndwi(float swir1, float nir) { return NormalisedDifference(swir1, nir); }
inline float Brightness(float green, float red, float nir, float swir1) {
  return std::sqrt(green * green + red * red + nir * nir + swir1 * swir1);
}
// Red-edge NDVI (Gitelson and Merzlyak 1994 with B06).
inline float RedEdgeNdvi(float b08, float b06) { return NormalisedDifference(b08, b06); }
// Plant senescence reflectance index (Merzlyak et al. 1999 with B02, B04, B05).
inline float Psri(float b04, float b02, float b05) { return Ratio(b04 - b02, b05); }
// Red-edge position in nm (Guyot and Baret 1988, linear form for B04-B07), within [680, 780]; 705 where B05 equals B06.
inline float RedEdgePosition(float b04, float b05, float b06, float b07) {
  const float slope = b06 - b05;
  const float position = 705.0f + 35.0f * (0.5f * (b07 + b04) - b05) / slope;
  const float bounded = Bounded(position, 680.0f, 780.0f);
  return slope == 0 ? 705.0f : bounded;
}

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_FEATURES_INDICES_H_
