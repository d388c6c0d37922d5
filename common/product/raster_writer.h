// Writes one asset as a cloud-optimised GeoTIFF: 512-px blocks, overviews, ZSTD level 1 with predictor.
#ifndef ARPENT_COMMON_PRODUCT_RASTER_WRITER_H_
#define ARPENT_COMMON_PRODUCT_RASTER_WRITER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"

namespace arpent::product {

enum class PixelType { kUInt8, kUInt16, kInt16, kFloat32 };
// Of pixels that are T in memory.
template <typename T>
constexpr PixelType PixelTypeOf() {
  if constexpr (std::is_same_v<T, uint8_t>) return PixelType::kUInt8;
  if constexpr (std::is_same_v<T, uint16_t>) return PixelType::kUInt16;
  if constexpr (std::is_same_v<T, int16_t>) return PixelType::kInt16;
  return PixelType::kFloat32;
}

enum class OverviewKind { kAverage, kNearest, kNone };  // nearest for codes; none for what nobody looks at

struct CodeClass {  // one entry of a legend
  int value = 0;
  std::string name;
  std::string colour;  // "#rrggbb"
};

struct RasterOptions {
  PixelType type = PixelType::kInt16;
  std::optional<double> no_data;
  double scale = 1;  // physical = stored * scale + offset, also written into the file
  double offset = 0;
  OverviewKind overviews = OverviewKind::kAverage;
  std::vector<CodeClass> classes;  // also the colour table of UInt8 rasters
  std::string description;
  std::string unit;
};

struct RasterFile {
  std::string path;  // local
  int64_t size_bytes = 0;
  HexDigest sha256;  // of the file
  // SHA-256 over the SHA-256 (hex) of each 512-px block, row by row; a block's is over its little-endian pixels inside
  // the raster. It tells whether pixels are equal whatever the compression.
  HexDigest pixel_digest;
};

// Any number of threads may Write disjoint windows in any order; the file's bytes do not depend on the order. Windows
// whose corner is a multiple of 512 cost least memory. Pixels never written are no-data.
class RasterWriter {
 public:
  // Creates `path` (a local scratch file).
  static absl::StatusOr<std::unique_ptr<RasterWriter>> Create(const std::string& path, const geo::Grid& grid,
                                                              const RasterOptions& options, int threads);
  virtual ~RasterWriter() = default;

  virtual absl::Status Write(const geo::Window& window, raster::View<const uint8_t> pixels) = 0;
  virtual absl::Status Write(const geo::Window& window, raster::View<const uint16_t> pixels) = 0;
  virtual absl::Status Write(const geo::Window& window, raster::View<const int16_t> pixels) = 0;
  virtual absl::Status Write(const geo::Window& window, raster::View<const float> pixels) = 0;

  // Ends the file. The writer is then of no further use.
  virtual absl::StatusOr<RasterFile> Finish() = 0;
};

}  // namespace arpent::product

#endif  // ARPENT_COMMON_PRODUCT_RASTER_WRITER_H_
