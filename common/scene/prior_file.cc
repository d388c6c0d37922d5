#include "common/scene/prior_file.h"

#include <gdal.h>
#include <ogr_srs_api.h>

#include <array>
#include <utility>

#include "common/base/status.h"
#include "common/raster/codes.h"
#include "common/scene/dataset_pool.h"

namespace arpent::scene {

absl::Status WritePriorFile(const std::string& path, const geo::Grid& grid, const raster::Image<int16_t>& blue,
                            const raster::Image<int16_t>& red) {
  RegisterGdal();
  const char* options[] = {"COMPRESS=ZSTD", "ZSTD_LEVEL=1", "PREDICTOR=2", "TILED=YES", "BIGTIFF=IF_SAFER", nullptr};
  Dataset file(GDALCreate(GDALGetDriverByName("GTiff"), path.c_str(), grid.width, grid.height, 2, GDT_Int16,
                          const_cast<char**>(options)));
  if (file == nullptr) return absl::ResourceExhaustedError(absl::StrCat(path, ": cannot be written"));
  const OGRSpatialReferenceH reference = OSRNewSpatialReference(nullptr);
  OSRImportFromEPSG(reference, grid.epsg);
  GDALSetSpatialRef(file.get(), reference);
  OSRDestroySpatialReference(reference);
  std::array<double, 6> transform = {grid.west, grid.pixel_m, 0, grid.north, 0, -grid.pixel_m};
  GDALSetGeoTransform(file.get(), transform.data());
  GDALSetRasterNoDataValue(GDALGetRasterBand(file.get(), 1), raster::kReflectanceNoData);
  const std::pair<const char*, const raster::Image<int16_t>*> bands[] = {{"B02", &blue}, {"B04", &red}};
  int number = 0;
  for (const auto& [name, pixels] : bands) {
    const GDALRasterBandH band = GDALGetRasterBand(file.get(), ++number);
    GDALSetDescription(band, name);
    GDALSetRasterScale(band, 1e-4);
    if (GDALRasterIO(band, GF_Write, 0, 0, grid.width, grid.height, const_cast<int16_t*>(pixels->data()), grid.width, grid.height,
                     GDT_Int16, 0, 0) != CE_None) {
      return absl::ResourceExhaustedError(absl::StrCat(path, ": cannot be written"));
    }
  }
  CPLErrorReset();
  file.reset();
  if (CPLGetLastErrorType() == CE_Failure) return absl::ResourceExhaustedError(absl::StrCat(path, ": ", CPLGetLastErrorMsg()));
  return absl::OkStatus();
}

}  // namespace arpent::scene
