// RasterReader: GDAL's GeoTIFF driver, through /vsiarpent, opens a raster and says where its blocks lie; those that this
// product wrote are read and decoded here, others by GDAL.
#include <cpl_error.h>
#include <gdal.h>
#include <ogr_srs_api.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/call_once.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/base/status.h"
#include "common/product/block_layout.h"
#include "common/product/raster_reader.h"
#include "common/storage/quiet_gdal.h"

namespace arpent::product {
namespace {

template <typename T>
constexpr GDALDataType GdalType() {
  if constexpr (std::is_same_v<T, uint8_t>) return GDT_Byte;
  if constexpr (std::is_same_v<T, uint16_t>) return GDT_UInt16;
  if constexpr (std::is_same_v<T, int16_t>) return GDT_Int16;
  return GDT_Float32;
}

struct CloseDataset {
  void operator()(void* dataset) const { GDALClose(dataset); }
};
using Dataset = std::unique_ptr<void, CloseDataset>;

// The typed cause from the store when there is one, else what GDAL says.
absl::Status ReadFailure(const std::string& uri, const storage::QuietGdal& quiet) {
  const absl::Status cause = storage::LastVsiError();
  if (!cause.ok()) return Annotate(cause, uri);
  return absl::DataLossError(absl::StrCat(uri, " does not decode: ", quiet.Message()));
}

absl::StatusOr<Dataset> OpenDataset(const std::string& path, const std::string& uri) {
  storage::ClearLastVsiError();
  const storage::QuietGdal quiet;
  const char* const drivers[] = {"GTiff", nullptr};
  Dataset dataset(GDALOpenEx(path.c_str(), GDAL_OF_RASTER | GDAL_OF_READONLY, drivers, nullptr, nullptr));
  if (dataset == nullptr) return ReadFailure(uri, quiet);
  return dataset;
}

absl::StatusOr<geo::Grid> GridOf(GDALDatasetH dataset, const std::string& uri) {
  double transform[6];
  if (GDALGetGeoTransform(dataset, transform) != CE_None || transform[2] != 0 || transform[4] != 0 ||
      transform[1] <= 0 || std::abs(transform[1] + transform[5]) > 1e-9 * transform[1]) {
    return absl::DataLossError(absl::StrCat(uri, " has no north-up grid of square pixels"));
  }
  geo::Grid grid = {
      0, transform[0], transform[3], transform[1], GDALGetRasterXSize(dataset), GDALGetRasterYSize(dataset)};
  if (const OGRSpatialReferenceH system = GDALGetSpatialRef(dataset); system != nullptr) {
    const char* const code = OSRGetAuthorityCode(system, nullptr);
    if (code != nullptr) grid.epsg = std::atoi(code);
  }
  return grid;
}

// GDAL's datasets are not thread-safe: each reading thread borrows one.
class GdalRasterReader final : public RasterReader {
 public:
  // With a layout of its blocks the dataset is not kept.
  GdalRasterReader(std::shared_ptr<const storage::StoreSet> stores, std::string uri, std::string path, geo::Grid grid,
                   std::optional<BlockLayout> layout, Dataset dataset)
      : stores_(std::move(stores)), uri_(std::move(uri)), path_(std::move(path)), grid_(std::move(grid)), layout_(std::move(layout)) {
    if (!layout_) idle_.push_back(std::move(dataset));
  }

  const geo::Grid& grid() const override { return grid_; }
  absl::Status Read(const geo::Window& w, uint8_t o, raster::View<uint8_t> v) const override { return ReadAs(w, o, v); }
  absl::Status Read(const geo::Window& w, uint16_t o, raster::View<uint16_t> v) const override {
    return ReadAs(w, o, v);
  }
  absl::Status Read(const geo::Window& w, int16_t o, raster::View<int16_t> v) const override { return ReadAs(w, o, v); }
  absl::Status Read(const geo::Window& w, float o, raster::View<float> v) const override { return ReadAs(w, o, v); }

 private:
  template <typename T>
  absl::Status ReadAs(const geo::Window& window, T outside, raster::View<T> out) const {
    if (out.width() != window.width || out.height() != window.height) {
      return absl::InvalidArgumentError(absl::StrCat(uri_, ": the view does not have the window's size"));
    }
    const geo::Window inside = geo::Intersection(window, grid_.Whole());
    if (inside != window) {
      for (int y = 0; y < out.height(); ++y) std::fill(out.row(y).begin(), out.row(y).end(), outside);
    }
    if (inside.width <= 0 || inside.height <= 0) return absl::OkStatus();
    const raster::View<T> part = out.Sub({inside.x - window.x, inside.y - window.y, inside.width, inside.height});
    if (layout_ && layout_->type() == PixelTypeOf<T>()) {
      const absl::Status status =
          layout_->Read(inside, reinterpret_cast<char*>(part.data()), static_cast<int64_t>(part.stride() * sizeof(T)));
      return absl::IsDataLoss(status) ? absl::DataLossError(absl::StrCat(uri_, " does not decode: ", status.message()))
                                      : Annotate(status, uri_);
    }
    ARPENT_ASSIGN_OR_RETURN(Dataset dataset, Borrow());
    storage::ClearLastVsiError();
    const storage::QuietGdal quiet;
    const CPLErr error = GDALRasterIO(GDALGetRasterBand(dataset.get(), 1), GF_Read, inside.x, inside.y, inside.width,
                                      inside.height, part.data(), inside.width, inside.height, GdalType<T>(), sizeof(T),
                                      static_cast<int>(part.stride() * sizeof(T)));
    if (error != CE_None) return ReadFailure(uri_, quiet);
    GiveBack(std::move(dataset));  // one that failed may hold a bad state
    return absl::OkStatus();
  }

  absl::StatusOr<Dataset> Borrow() const {
    {
      absl::MutexLock lock(&mutex_);
      if (!idle_.empty()) {
        Dataset dataset = std::move(idle_.back());
        idle_.pop_back();
        return dataset;
      }
    }
    return OpenDataset(path_, uri_);
  }

  void GiveBack(Dataset dataset) const {
    absl::MutexLock lock(&mutex_);
    idle_.push_back(std::move(dataset));
  }

  const std::shared_ptr<const storage::StoreSet> stores_;
  const std::string uri_, path_;
  const geo::Grid grid_;
  const std::optional<BlockLayout> layout_;
  mutable absl::Mutex mutex_;
  mutable std::vector<Dataset> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<RasterReader>> RasterReader::Open(std::shared_ptr<const storage::StoreSet> stores,
                                                                 const std::string& uri) {
  static absl::once_flag once;
  absl::call_once(once, GDALAllRegister);
  ARPENT_ASSIGN_OR_RETURN(const storage::StoreUri place, storage::StoreUri::Parse(uri));
  ARPENT_ASSIGN_OR_RETURN(storage::ObjectStore* const store, stores->Find(place.store));
  ARPENT_ASSIGN_OR_RETURN(const storage::ObjectInfo object, store->Stat(place.path));
  ARPENT_ASSIGN_OR_RETURN(const std::string path, storage::GdalPath(uri));
  ARPENT_ASSIGN_OR_RETURN(Dataset dataset, OpenDataset(path, uri));
  ARPENT_ASSIGN_OR_RETURN(geo::Grid grid, GridOf(dataset.get(), uri));
  std::optional<BlockLayout> layout = BlockLayout::Of(dataset.get(), store, object);
  return std::make_unique<GdalRasterReader>(std::move(stores), uri, path, std::move(grid), std::move(layout), std::move(dataset));
}

}  // namespace arpent::product
