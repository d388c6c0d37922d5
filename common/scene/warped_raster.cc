#include "common/scene/warped_raster.h"

#include <cpl_conv.h>
#include <gdal.h>
#include <gdal_utils.h>
#include <gdalwarper.h>
#include <ogr_srs_api.h>

#include <array>
#include <limits>

#include "absl/strings/str_join.h"
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

absl::StatusOr<Dataset> OpenGeoreferenced(const storage::StoreSet& stores, const std::string& uri) {
  ARPENT_RETURN_IF_ERROR(stores.Stat(uri).status());
  ARPENT_ASSIGN_OR_RETURN(const std::string path, storage::GdalPath(uri));
  RegisterGdal();
  ARPENT_RETURN_IF_ERROR(storage::CheckVirtualRaster(path, uri));
  ARPENT_ASSIGN_OR_RETURN(Dataset source, OpenDataset(path, uri, storage::RasterDrivers()));
  std::array<double, 6> transform{};
  const char* projection = GDALGetProjectionRef(source.get());
  if (projection == nullptr || *projection == '\0' || GDALGetGeoTransform(source.get(), transform.data()) != CE_None) {
    return absl::InvalidArgumentError(absl::StrCat(uri, ": the raster has no georeference"));
  }
  return source;
}

absl::StatusOr<raster::Image<float>> Warp(GDALDatasetH source, const std::string& uri, const geo::Grid& grid, GDALResampleAlg how) {
  raster::Image<float> values(grid.width, grid.height, std::numeric_limits<float>::quiet_NaN());
  ARPENT_ASSIGN_OR_RETURN(const Dataset target, Around(values, grid));
  storage::ClearLastVsiError();
  CPLErrorReset();
  constexpr double kExactTransform = 0;
  if (GDALReprojectImage(source, nullptr, target.get(), nullptr, how, 0, kExactTransform, nullptr, nullptr, nullptr) != CE_None) {
    return GdalError(uri);
  }
  return values;
}

// Band `number` (from 1) of `source` as a dataset of its own.
absl::StatusOr<Dataset> OneBand(GDALDatasetH source, int number, const std::string& uri) {
  std::string text = absl::StrCat(number);
  std::array<std::string, 4> words = {"-of", "VRT", "-b", text};
  std::array<char*, 5> arguments{};
  for (size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  GDALTranslateOptions* const options = GDALTranslateOptionsNew(arguments.data(), nullptr);
  int usage_error = 0;
  Dataset band(GDALTranslate("", source, options, &usage_error));
  GDALTranslateOptionsFree(options);
  if (band == nullptr) return GdalError(uri);
  return band;
}

}  // namespace

absl::StatusOr<raster::Image<float>> ReadWarped(const storage::StoreSet& stores, const std::string& uri, const geo::Grid& grid) {
  ARPENT_ASSIGN_OR_RETURN(const Dataset source, OpenGeoreferenced(stores, uri));
  return Warp(source.get(), uri, grid, GRA_Bilinear);
}

absl::StatusOr<std::vector<raster::Image<float>>> ReadAveragedBands(const storage::StoreSet& stores, const std::string& uri,
                                                                    const std::vector<std::string>& names, const geo::Grid& grid) {
  ARPENT_ASSIGN_OR_RETURN(const Dataset source, OpenGeoreferenced(stores, uri));
  std::vector<raster::Image<float>> bands;
  for (const std::string& name : names) {
    int number = 0;
    std::vector<std::string> there;
    for (int b = 1; b <= GDALGetRasterCount(source.get()); ++b) {
      there.push_back(GDALGetDescription(GDALGetRasterBand(source.get(), b)));
      if (there.back() == name) number = b;
    }
    if (number == 0) {
      return absl::InvalidArgumentError(absl::StrCat(uri, ": no band is described as ", name, "; there are: ", absl::StrJoin(there, ", ")));
    }
    const GDALRasterBandH band = GDALGetRasterBand(source.get(), number);
    const auto scale = static_cast<float>(GDALGetRasterScale(band, nullptr));
    const auto offset = static_cast<float>(GDALGetRasterOffset(band, nullptr));
    ARPENT_ASSIGN_OR_RETURN(const Dataset one, OneBand(source.get(), number, uri));
    ARPENT_ASSIGN_OR_RETURN(raster::Image<float> values, Warp(one.get(), uri, grid, GRA_Average));
    for (size_t i = 0; i < values.size(); ++i) values.data()[i] = values.data()[i] * scale + offset;
    bands.push_back(std::move(values));
  }
  return bands;
}

}  // namespace arpent::scene
