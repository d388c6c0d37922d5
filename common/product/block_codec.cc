#include "common/product/block_codec.h"

#include <zstd.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"

namespace arpent::product {
namespace {

constexpr int kZstdLevel = 1;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// Contexts and scratch are costly to make and of no meaning between calls: one per thread.
struct ThreadState {
  std::unique_ptr<ZSTD_CCtx, FreeContext> compressor{ZSTD_createCCtx()};
  std::unique_ptr<ZSTD_DCtx, FreeContext> decompressor{ZSTD_createDCtx()};
  std::string predicted;
};

ThreadState& OfThisThread() {
  thread_local ThreadState state;
  return state;
}

// Differences modulo 2^bits, as TIFF's predictor 2 wants them.
template <typename T>
void Difference(const char* in, int width, size_t rows, char* out) {
  std::vector<T> row(width), differences(width);
  for (size_t y = 0; y < rows; ++y) {
    std::memcpy(row.data(), in + y * width * sizeof(T), width * sizeof(T));
    differences[0] = row[0];
    for (int x = 1; x < width; ++x) differences[x] = static_cast<T>(row[x] - row[x - 1]);
    std::memcpy(out + y * width * sizeof(T), differences.data(), width * sizeof(T));
  }
}

template <typename T>
void Accumulate(char* pixels, int width, size_t rows) {
  for (size_t y = 0; y < rows; ++y) {
    T sum = 0;
    for (int x = 0; x < width; ++x, pixels += sizeof(T)) {
      T difference;
      std::memcpy(&difference, pixels, sizeof(T));
      sum = static_cast<T>(sum + difference);
      std::memcpy(pixels, &sum, sizeof(T));
    }
  }
}

// Predictor 3: the bytes of a row's floats as four planes, the most significant first, then byte differences.
void DifferenceFloat(const char* in, int width, size_t rows, char* out) {
  const size_t row_bytes = size_t{4} * width;
  for (size_t y = 0; y < rows; ++y, in += row_bytes, out += row_bytes) {
    for (int x = 0; x < width; ++x) {
      for (int plane = 0; plane < 4; ++plane) out[plane * width + x] = in[4 * x + 3 - plane];
    }
    for (size_t i = row_bytes - 1; i > 0; --i) out[i] = static_cast<char>(out[i] - out[i - 1]);
  }
}

void AccumulateFloat(char* pixels, int width, size_t rows) {
  const size_t row_bytes = size_t{4} * width;
  std::string planes(row_bytes, '\0');
  for (size_t y = 0; y < rows; ++y, pixels += row_bytes) {
    planes[0] = pixels[0];
    for (size_t i = 1; i < row_bytes; ++i) planes[i] = static_cast<char>(pixels[i] + planes[i - 1]);
    for (int x = 0; x < width; ++x) {
      for (int plane = 0; plane < 4; ++plane) pixels[4 * x + 3 - plane] = planes[plane * width + x];
    }
  }
}

}  // namespace

size_t BytesPerPixel(PixelType type) {
  switch (type) {
    case PixelType::kUInt8:
      return 1;
    case PixelType::kUInt16:
    case PixelType::kInt16:
      return 2;
    case PixelType::kFloat32:
      return 4;
  }
  return 1;
}

absl::StatusOr<std::string> EncodeBlock(PixelType type, int width, absl::string_view pixels) {
  ThreadState& state = OfThisThread();
  state.predicted.resize(pixels.size());
  const size_t rows = pixels.size() / (BytesPerPixel(type) * width);
  switch (type) {
    case PixelType::kUInt8:
      Difference<uint8_t>(pixels.data(), width, rows, state.predicted.data());
      break;
    case PixelType::kUInt16:
    case PixelType::kInt16:
      Difference<uint16_t>(pixels.data(), width, rows, state.predicted.data());
      break;
    case PixelType::kFloat32:
      DifferenceFloat(pixels.data(), width, rows, state.predicted.data());
      break;
  }
  ZSTD_CCtx* const context = state.compressor.get();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kZstdLevel);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string encoded(ZSTD_compressBound(pixels.size()), '\0');
  const size_t size =
      ZSTD_compress2(context, encoded.data(), encoded.size(), state.predicted.data(), state.predicted.size());
  if (ZSTD_isError(size)) return absl::InternalError(absl::StrCat("Zstandard: ", ZSTD_getErrorName(size)));
  encoded.resize(size);
  return encoded;
}

absl::Status DecodeBlock(PixelType type, int width, absl::string_view encoded, char* pixels, size_t size) {
  const size_t got =
      ZSTD_decompressDCtx(OfThisThread().decompressor.get(), pixels, size, encoded.data(), encoded.size());
  if (ZSTD_isError(got)) return absl::DataLossError(absl::StrCat("damaged block: ", ZSTD_getErrorName(got)));
  if (got != size) return absl::DataLossError(absl::StrCat("damaged block: ", got, " bytes instead of ", size));
  const size_t rows = size / (BytesPerPixel(type) * width);
  switch (type) {
    case PixelType::kUInt8:
      Accumulate<uint8_t>(pixels, width, rows);
      break;
    case PixelType::kUInt16:
    case PixelType::kInt16:
      Accumulate<uint16_t>(pixels, width, rows);
      break;
    case PixelType::kFloat32:
      AccumulateFloat(pixels, width, rows);
      break;
  }
  return absl::OkStatus();
}

}  // namespace arpent::product
