// One block of a raster asset, compressed as TIFF readers expect it: little-endian rows, horizontal predictor
// (floating-point predictor for kFloat32), one Zstandard frame of level 1 with a content checksum.
#ifndef ARPENT_COMMON_PRODUCT_BLOCK_CODEC_H_
#define ARPENT_COMMON_PRODUCT_BLOCK_CODEC_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/product/raster_writer.h"

namespace arpent::product {

// Side of a block in pixels.
inline constexpr int kBlockPixels = 512;

size_t BytesPerPixel(PixelType type);

// `pixels` holds whole rows of `width` pixels. Thread-safe; the same pixels always give the same bytes.
absl::StatusOr<std::string> EncodeBlock(PixelType type, int width, absl::string_view pixels);

// The inverse, into `pixels` of `size` bytes. DATA_LOSS when the frame is damaged or has another size.
absl::Status DecodeBlock(PixelType type, int width, absl::string_view encoded, char* pixels, size_t size);

}  // namespace arpent::product

#endif  // ARPENT_COMMON_PRODUCT_BLOCK_CODEC_H_
