// Puts the compressed blocks of all levels together to one cloud-optimised GeoTIFF: directories first, then the blocks
// of the smallest overview, ..., last those of the full resolution, each level row by row.
#ifndef ARPENT_COMMON_PRODUCT_COG_ASSEMBLY_H_
#define ARPENT_COMMON_PRODUCT_COG_ASSEMBLY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/product/raster_writer.h"

namespace arpent::product {

// Where a compressed block lies in the spool file.
struct SpooledBlock {
  int64_t offset = -1;  // -1: not there yet
  uint32_t size = 0;
};

// One resolution: level 0 is the raster itself, each further one has half the pixels (rounded up).
struct CogLevel {
  int width = 0;
  int height = 0;
  int columns = 0;  // of blocks
  int rows = 0;
  std::vector<SpooledBlock> blocks;  // row by row
};

// The levels of a raster of this size: halved until one block holds it.
std::vector<CogLevel> LevelsOf(int width, int height);

// Writes `path` from the blocks in the open file `spool`. Returns size and digest of the file (not pixel_digest).
// INVALID_ARGUMENT when the coordinate system is unknown, RESOURCE_EXHAUSTED when the disk is full.
absl::StatusOr<RasterFile> AssembleCog(const std::string& path, const geo::Grid& grid, const RasterOptions& options,
                                       const std::vector<CogLevel>& levels, int spool);

}  // namespace arpent::product

#endif  // ARPENT_COMMON_PRODUCT_COG_ASSEMBLY_H_
