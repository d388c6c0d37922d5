// Writes rasters of the simulator block by block, so that a full tile needs no more memory than a chip.
#ifndef ARPENT_COMMON_SIMULATE_BLOCK_WRITER_H_
#define ARPENT_COMMON_SIMULATE_BLOCK_WRITER_H_

#include <algorithm>
#include <functional>

#include "absl/status/status.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/product/raster_writer.h"

namespace arpent::simulate {

inline constexpr int kWriteBlock = 512;  // px: a block of the files

// `fill` gives the pixels of a window of the grid; it is called from several threads.
template <typename T>
using Fill = std::function<void(const geo::Window& window, raster::View<T> out)>;

// The pixels of an image that lies in memory.
template <typename T>
Fill<T> From(const raster::Image<T>& image) {
  return [&image](const geo::Window& window, raster::View<T> out) {
    for (int y = 0; y < window.height; ++y) {
      const auto row = image.row(window.y + y).subspan(window.x, window.width);
      std::copy(row.begin(), row.end(), out.row(y).begin());
    }
  };
}

template <typename T>
absl::Status WriteBlocks(product::RasterWriter& writer, const geo::Grid& grid, int threads, const Fill<T>& fill) {
  const int columns = (grid.width + kWriteBlock - 1) / kWriteBlock, rows = (grid.height + kWriteBlock - 1) / kWriteBlock;
  return ParallelFor(static_cast<size_t>(columns) * rows, threads, [&](size_t i) {
    const geo::Window window = geo::Intersection({static_cast<int>(i) % columns * kWriteBlock,
                                                  static_cast<int>(i) / columns * kWriteBlock, kWriteBlock, kWriteBlock},
                                                 grid.Whole());
    raster::Image<T> block(window.width, window.height);
    fill(window, block.view());
    return writer.Write(window, std::as_const(block).view());
  });
}

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_BLOCK_WRITER_H_
