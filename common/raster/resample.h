// Changing the pixel size between grids that share their corner: 20 m to 10 m and 60 m to 20 m up, 10 m to 20 m down.
#ifndef ARPENT_COMMON_RASTER_RESAMPLE_H_
#define ARPENT_COMMON_RASTER_RESAMPLE_H_

#include <cstdint>

#include "common/raster/image.h"

namespace arpent::raster {

// Bicubic (Catmull-Rom, a = -0.5) enlargement by the whole factor `out.width / in.width`, pixel areas aligned as in
// GeoTIFF. `out` covers the part of the enlarged `in` whose first pixel is (out_x, out_y), so that a block can be made
// from a window with a margin of 2 input pixels and equal the whole. A pixel whose own input pixel is no-data is
// no-data; no-data neighbours, and what lies outside of `in`, take no part (weights are renormalised).
void EnlargeBicubic(View<const int16_t> in, int factor, int out_x, int out_y, int16_t no_data, View<int16_t> out);
void EnlargeBicubic(View<const float> in, int factor, int out_x, int out_y, float no_data, View<float> out);

// Nearest neighbour, same conventions.
void EnlargeNearest(View<const uint8_t> in, int factor, int out_x, int out_y, View<uint8_t> out);
void EnlargeNearest(View<const uint16_t> in, int factor, int out_x, int out_y, View<uint16_t> out);

// Mean of the valid pixels of each factor x factor cell, rounded half away from zero; no-data where none is valid.
// `out` is ceil(in / factor); cells at the edge are smaller.
void ShrinkMean(View<const int16_t> in, int factor, int16_t no_data, View<int16_t> out);
void ShrinkMean(View<const uint16_t> in, int factor, uint16_t no_data, View<uint16_t> out);
void ShrinkMean(View<const uint8_t> in, int factor, uint8_t no_data, View<uint8_t> out);
void ShrinkMean(View<const float> in, int factor, float no_data, View<float> out);

// The value of the cell's first pixel (nearest of GDAL's overviews).
void ShrinkNearest(View<const uint8_t> in, int factor, View<uint8_t> out);
void ShrinkNearest(View<const uint16_t> in, int factor, View<uint16_t> out);

}  // namespace arpent::raster

#endif  // ARPENT_COMMON_RASTER_RESAMPLE_H_
