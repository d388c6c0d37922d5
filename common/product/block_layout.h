// Where the blocks of a published raster lie in its file, so that they are read and decoded without a dataset: an open one
// keeps a megabyte, and a season is hundreds of rasters.
#ifndef ARPENT_COMMON_PRODUCT_BLOCK_LAYOUT_H_
#define ARPENT_COMMON_PRODUCT_BLOCK_LAYOUT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/geo/grid.h"
#include "common/product/raster_writer.h"
#include "common/storage/object_store.h"

namespace arpent::product {

class BlockLayout {
 public:
  // Of an open GDALDataset whose file is one band of tiles as EncodeBlock makes them; nothing for any other file.
  static std::optional<BlockLayout> Of(void* dataset, storage::ObjectStore* store, const storage::ObjectInfo& object);

  PixelType type() const { return type_; }

  // The pixels of a window that lies inside the raster, of type() each, rows `row_bytes` apart. The store's errors;
  // DATA_LOSS when a block is cut or damaged. Thread-safe.
  absl::Status Read(const geo::Window& window, char* out, int64_t row_bytes) const;

 private:
  struct Block {
    int64_t offset = 0;
    int64_t size = 0;
  };
  absl::Status ReadBlocks(int row, int first, int last, const geo::Window& window, char* out, int64_t row_bytes) const;

  storage::ObjectStore* store_ = nullptr;
  std::string path_, etag_;
  PixelType type_ = PixelType::kUInt8;
  int side_ = 0;      // of a block, in pixels
  int columns_ = 0;   // of blocks
  std::vector<Block> blocks_;  // row by row
};

}  // namespace arpent::product

#endif  // ARPENT_COMMON_PRODUCT_BLOCK_LAYOUT_H_
