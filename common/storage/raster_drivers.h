// What a raster or vector file of a store may be for GDAL. GDAL goes by contents, not by name: a "band" that is really a
// virtual raster or a web-service description would make it read this machine's files, or speak to the network, for
// whoever can put a file into a store.
#ifndef ARPENT_COMMON_STORAGE_RASTER_DRIVERS_H_
#define ARPENT_COMMON_STORAGE_RASTER_DRIVERS_H_

#include <string>

#include "absl/status/status.h"

namespace arpent::storage {

// For GDALOpenEx: formats that hold their pixels themselves. For the images of products.
const char* const* ImageDrivers();
// The same and more, as elevation models and land-cover maps come in, with virtual rasters among them.
const char* const* RasterDrivers();
// Parcels, strata, regions.
const char* const* VectorDrivers();

// Before a file is opened with RasterDrivers(): a virtual raster may name files of stores and rasters of this machine, but no
// network source, no driver's own syntax, no script and no raw bytes. PERMISSION_DENIED naming `uri` and what it names;
// OK for every other kind of file. `gdal_path` is that of GdalPath(uri).
absl::Status CheckVirtualRaster(const std::string& gdal_path, const std::string& uri);

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_RASTER_DRIVERS_H_
