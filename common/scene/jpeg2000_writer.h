// Writes the images of a simulated product, row by row, so that a full tile never lies in memory as a whole.
#ifndef ARPENT_COMMON_SCENE_JPEG2000_WRITER_H_
#define ARPENT_COMMON_SCENE_JPEG2000_WRITER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"

namespace arpent::scene {

// An image that comes from north to south.
class RowSource {
 public:
  virtual ~RowSource() = default;
  // Fills `rows` (the image's width) with those that follow the rows handed out before.
  virtual absl::Status Read(raster::View<uint16_t> rows) = 0;
};

// A lossless image of one band at `path`, with the grid's place in GMLJP2 and GeoJP2 boxes. The same pixels give the same
// bytes. Errors of `source` come back as they are; RESOURCE_EXHAUSTED or DATA_LOSS naming the path when it cannot be written.
absl::Status WriteJpeg2000(const std::string& path, const geo::Grid& grid, RowSource& source);

// The same of a small image with one band for each of `bands`.
absl::Status WriteJpeg2000(const std::string& path, const geo::Grid& grid,
                           const std::vector<raster::Image<uint8_t>>& bands);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_JPEG2000_WRITER_H_
