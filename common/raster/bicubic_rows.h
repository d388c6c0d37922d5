// Weighted sums of four taps over whole rows of integer pixels, for EnlargeBicubic. The same bits with every instruction set.
#ifndef ARPENT_COMMON_RASTER_BICUBIC_ROWS_H_
#define ARPENT_COMMON_RASTER_BICUBIC_ROWS_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace arpent::raster {

inline constexpr int kTaps = 4;
using Taps = std::array<float, kTaps>;

// What a value becomes that happens to be the no-data code: it stays a value.
constexpr int BesideNoData(int16_t no_data) { return no_data < 32767 ? no_data + 1 : no_data - 1; }

// out[i] = sum of weight[k] * in[i + k].
void WeighAlong(const int16_t* in, const Taps& weight, size_t count, float* out);

// out[i] = sum of weight[k] * rows[k][i], rounded half away from zero and cut to 16 bits; never `no_data`.
void WeighRows(const std::array<const float*, kTaps>& rows, const Taps& weight, size_t count, int16_t no_data, int16_t* out);

// The same of two halves of `count` pixels each, the second behind the first, into out[2 i] and out[2 i + 1].
void WeighRowsIntoPairs(const std::array<const float*, kTaps>& rows, const Taps& weight, size_t count, int16_t no_data,
                        int16_t* out);

}  // namespace arpent::raster

#endif  // ARPENT_COMMON_RASTER_BICUBIC_ROWS_H_
