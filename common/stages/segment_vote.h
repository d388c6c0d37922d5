// Lets alike pixels agree on a code while a map is being classified, row by row from the top: a majority vote inside segments
// of alike seasons. Holds a band of rows, never the tile.
//
// Segments are found in cells of 512 pixels with 64 more on every side, anchored to the tile's lattice: a pixel's result
// depends on its cell's window only. Whatever blocks and parts the map comes in, it is the same.
#ifndef ARPENT_COMMON_STAGES_SEGMENT_VOTE_H_
#define ARPENT_COMMON_STAGES_SEGMENT_VOTE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "common/geo/grid.h"
#include "common/kernels/features/season_digest.h"
#include "common/raster/image.h"

namespace arpent::stages {

// Where the cells lie: the place of the map's corner on the tile's lattice of 10 m pixels.
struct CellLattice {
  static constexpr int kCell = 512, kMargin = 64;  // pixels

  geo::Window map;  // the whole map
  int tile_x = 0, tile_y = 0;

  // A window whose edges move to borders of cells (to the left and up), so that windows side by side stay so. Edges of the
  // map stay.
  geo::Window WholeCells(const geo::Window& window) const;
  // What must be known to vote in a window of whole cells: their margins, from even pixels on.
  geo::Window WithMargin(const geo::Window& cells) const;
};

class SegmentVote {
 public:
  // Gets finished rows of the wanted window, in its whole width, in order.
  using Emit = std::function<absl::Status(const geo::Window& rows, raster::View<const uint16_t> codes)>;

  struct Shape {
    CellLattice lattice;
    geo::Window wanted;        // whole cells of the map; pixels come in for lattice.WithMargin(wanted)
    int rows_at_once = 0;      // the most that come between two calls of Advance
    bool has_digests = true;   // without, there are no segments: codes stay as they are
  };
  // Codes in `frozen` stay as they are and have no vote.
  SegmentVote(const Shape& shape, std::vector<uint16_t> frozen, uint16_t unclassified, int threads, Emit emit);

  // Where rows that are not yet announced are to be written. Codes come preset to `unclassified`.
  raster::View<uint16_t> Codes(const geo::Window& window);
  raster::View<kernels::SeasonDigest> Digests(const geo::Window& window);

  // The rows above `end` are complete. Emits what can be finished by that.
  absl::Status Advance(int end);

  // Bytes that it holds for so many columns.
  static int64_t HeldBytes(int width, int rows_at_once);

 private:
  absl::Status VoteInRows(int first, int last);
  void Drop(int first_kept);
  geo::Window Held(const geo::Window& window) const;

  const Shape shape_;
  const geo::Window known_;
  const std::vector<uint16_t> frozen_;
  const uint16_t unclassified_;
  const int threads_;
  const Emit emit_;
  // Rows from top_ on.
  raster::Image<uint16_t> codes_;
  raster::Image<kernels::SeasonDigest> digests_;
  int top_ = 0;
  int voted_ = 0;  // rows above it went out
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_SEGMENT_VOTE_H_
