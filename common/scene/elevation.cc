#include "common/scene/elevation.h"

#include <cpl_conv.h>
#include <gdal.h>
#include <gdalwarper.h>
#include <ogr_srs_api.h>

#include <array>
#include <limits>

#include "common/base/status.h"
#include "common/scene/dataset_pool.h"
#include "common/storage/raster_drivers.h"

namespace arpent::scene {
namespace {

absl::StatusOr<std::string> WktOf(int epsg) {
  const OGRSpatialReferenceH reference = OSRNewSpatialReference(nullptr);
  char* wkt = nullptr;
  const bool good = OSRImportFromEPSG(reference, epsg) == OGRERR_NONE && OSRExportToWkt(reference, &wkt) == OGRERR_NONE;
  std::string text = good ? wkt : "";
  CPLFree(wkt);
  OSRDestroySpatialReference(reference);
  if (!good) return absl::InvalidArgumentError(absl::StrCat("EPSG:", epsg, " is no coordinate system that GDAL knows"));
  return text;
}

// An in-memory dataset around `image`.
absl::StatusOr<Dataset> Around(raster::Image<float>& image, const geo::Grid& grid) {
  const GDALDriverH driver = GDALGetDriverByName("MEM");
  Dataset target(GDALCreate(driver, "", image.width(), image.height(), 0, GDT_Float32, nullptr));
  std::array<char, 64> pointer{};
  pointer[CPLPrintPointer(pointer.data(), image.data(), pointer.size() - 1)] = '\0';
  const std::string address = absl::StrCat("DATAPOINTER=", pointer.data());
  const char* options[] = {address.c_str(), nullptr};
  if (target == nullptr || GDALAddBand(target.get(), GDT_Float32, const_cast<char**>(options)) != CE_None) {
    return absl::InternalError("GDAL makes no raster in memory");
  }
  std::array<double, 6> transform = {grid.west, grid.pixel_m, 0, grid.north, 0, -grid.pixel_m};
  ARPENT_ASSIGN_OR_RETURN(const std::string wkt, WktOf(grid.epsg));
  GDALSetGeoTransform(target.get(), transform.data());
  GDALSetProjection(target.get(), wkt.c_str());
  GDALSetRasterNoDataValue(GDALGetRasterBand(target.get(), 1), std::numeric_limits<double>::quiet_NaN());
  return target;
}

}  // namespace

absl::StatusOr<raster::Image<float>> ReadElevation(const storage::StoreSet& stores, const std::string& uri,
                                                   const geo::Grid& grid) {
  ARPENT_RETURN_IF_ERROR(stores.Stat(uri).status());
  ARPENT_ASSIGN_OR_RETURN(const std::string path, storage::GdalPath(uri));
  RegisterGdal();
  ARPENT_RETURN_IF_ERROR(storage::CheckVirtualRaster(path, uri));
  ARPENT_ASSIGN_OR_RETURN(const Dataset source, OpenDataset(path, uri, storage::RasterDrivers()));
  std::array<double, 6> transform{};
  const char* projection = GDALGetProjectionRef(source.get());
  if (projection == nullptr || *projection == '\0' || GDALGetGeoTransform(source.get(), transform.data()) != CE_None) {
    return absl::InvalidArgumentError(absl::StrCat(uri, ": the raster has no georeference"));
  }
  raster::Image<float> heights_m(grid.width, grid.height, std::numeric_limits<float>::quiet_NaN());
  ARPENT_ASSIGN_OR_RETURN(const Dataset target, Around(heights_m, grid));
  storage::ClearLastVsiError();
  CPLErrorReset();
  constexpr double kExactTransform = 0;
  if (GDALReprojectImage(source.get(), nullptr, target.get(), nullptr, GRA_Bilinear, 0, kExactTransform, nullptr,
                         nullptr, nullptr) != CE_None) {
    return GdalError(uri);
  }
  return heights_m;
}

}  // namespace arpent::scene
