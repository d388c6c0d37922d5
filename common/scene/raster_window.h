// Windows of rasters that may reach outside of the file.
#ifndef ARPENT_COMMON_SCENE_RASTER_WINDOW_H_
#define ARPENT_COMMON_SCENE_RASTER_WINDOW_H_

#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"
#include "common/scene/dataset_pool.h"

namespace arpent::scene {

// Pixels of band `band` (from 1) of the pool's raster; those outside of it are `outside`. T: uint8_t, uint16_t, int16_t.
// DATA_LOSS naming the file when it cannot be decoded or has no such band. Thread-safe.
template <typename T>
absl::StatusOr<raster::Image<T>> ReadWindow(DatasetPool& pool, int band, const geo::Window& window, T outside);

// Where the pool's raster lies. INVALID_ARGUMENT naming the file when it has no georeference, is not north-up, or its
// pixels are not `pixel_m` large; with `pixel_m` 0, when they are not of whole metres. `epsg` is taken as given.
absl::StatusOr<geo::Grid> GridOf(DatasetPool& pool, int epsg, double pixel_m);

// DATA_LOSS naming the file when a block of the GeoTIFF reaches past its `size_bytes`. Nothing is decoded.
absl::Status CheckTiffIsWhole(DatasetPool& pool, int64_t size_bytes);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_RASTER_WINDOW_H_
