// Regularises a map while it is being classified, row by row from the top: segments of alike seasons agree on a code, then
// regions below the smallest mapping unit go. Holds a band of rows, never the tile.
//
// Segments are found in cells of 512 pixels with 64 more on every side, anchored to the tile's lattice: a pixel's result
// depends on its cell's window and, by the smallest mapping unit, on those of cells within 20 pixels. Whatever blocks the
// map comes in, it is the same.
#ifndef ARPENT_COMMON_STAGES_MAP_REGULARISER_H_
#define ARPENT_COMMON_STAGES_MAP_REGULARISER_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "common/kernels/features/season_digest.h"
#include "common/raster/image.h"

namespace arpent::stages {

class MapRegulariser {
 public:
  // Gets the finished rows, of the whole width, in order.
  using Emit = std::function<absl::Status(const geo::Window& rows, raster::View<const uint16_t> codes)>;

  struct Shape {
    int width = 0, height = 0;       // of the map
    int tile_x = 0, tile_y = 0;      // where its corner lies on the tile's lattice
    int rows_at_once = 0;            // the most that come between two calls of Advance
    bool has_digests = true;         // without, there are no segments: only small regions go
  };
  // Codes in `frozen` stay as they are and have no vote.
  MapRegulariser(const Shape& shape, std::vector<uint16_t> frozen, uint16_t unclassified, int threads, Emit emit);

  // Where rows that are not yet announced are to be written. Codes come preset to `unclassified`.
  raster::View<uint16_t> Codes(const geo::Window& window);
  raster::View<kernels::SeasonDigest> Digests(const geo::Window& window);

  // The rows above `end` are complete. Emits what can be finished by that.
  absl::Status Advance(int end);

  // Bytes that it holds for a map of this width.
  static int64_t HeldBytes(int width, int rows_at_once);

 private:
  absl::Status SegmentRows(int first, int last);
  absl::Status CleanRows();
  void Drop(int first_kept);

  const Shape shape_;
  const std::vector<uint16_t> frozen_;
  const uint16_t unclassified_;
  const int threads_;
  const Emit emit_;
  // Rows from top_ on.
  raster::Image<uint16_t> codes_;
  raster::Image<kernels::SeasonDigest> digests_;
  int top_ = 0, announced_ = 0, segmented_ = 0;
  // Rows after the vote, from voted_top_ to segmented_.
  raster::Image<uint16_t> voted_;
  int voted_top_ = 0, emitted_ = 0;
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_MAP_REGULARISER_H_
