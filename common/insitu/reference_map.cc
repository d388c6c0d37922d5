#include "common/insitu/reference_map.h"

#include <cpl_error.h>
#include <gdal_priv.h>
#include <ogr_spatialref.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/base/status.h"
#include "common/storage/quiet_gdal.h"
#include "common/storage/raster_drivers.h"

namespace arpent::insitu {
namespace {

// Columns and rows of the grid at which centres are transformed exactly.
constexpr int kNodeStep = 32;

struct CloseDataset {
  void operator()(GDALDataset* dataset) const { GDALClose(dataset); }
};
struct DestroyTransform {
  void operator()(OGRCoordinateTransformation* transform) const { OGRCoordinateTransformation::DestroyCT(transform); }
};
using Dataset = std::unique_ptr<GDALDataset, CloseDataset>;
using CoordinateTransform = std::unique_ptr<OGRCoordinateTransformation, DestroyTransform>;

// Source pixel coordinates (fractions of a pixel from the corner) of every node around a window.
struct Nodes {
  int first_x = 0, first_y = 0, columns = 0, rows = 0;  // in units of kNodeStep
  std::vector<double> x, y;
};

class GdalReferenceMap final : public ReferenceMap {
 public:
  GdalReferenceMap(std::string name, const geo::Grid& grid, Dataset dataset, CoordinateTransform transform,
                   const double (&inverse)[6])
      : name_(std::move(name)), grid_(grid), dataset_(std::move(dataset)), transform_(std::move(transform)) {
    std::copy_n(inverse, 6, inverse_);
  }

  absl::StatusOr<raster::Image<int32_t>> Read(const geo::Window& window) const override {
    raster::Image<int32_t> out(window.width, window.height, kNoCode);
    if (out.empty()) return out;
    absl::MutexLock lock(&mutex_);
    storage::QuietGdal quiet;
    const Nodes nodes = Transform(window);
    // The part of the source that the window needs.
    double x0 = dataset_->GetRasterXSize(), y0 = dataset_->GetRasterYSize(), x1 = 0, y1 = 0;
    for (size_t i = 0; i < nodes.x.size(); ++i) {
      if (!std::isfinite(nodes.x[i]) || !std::isfinite(nodes.y[i])) continue;
      x0 = std::min(x0, nodes.x[i]), x1 = std::max(x1, nodes.x[i]);
      y0 = std::min(y0, nodes.y[i]), y1 = std::max(y1, nodes.y[i]);
    }
    const geo::Window whole{0, 0, dataset_->GetRasterXSize(), dataset_->GetRasterYSize()};
    const auto edge = [](double v, int limit) { return static_cast<int>(std::clamp<double>(std::floor(v), -1, limit)); };
    const int left = edge(x0, whole.width), top = edge(y0, whole.height);
    const geo::Window part = geo::Intersection(
        {left, top, edge(x1, whole.width) + 1 - left, edge(y1, whole.height) + 1 - top}, whole);
    if (part.width <= 0 || part.height <= 0) return out;
    ARPENT_ASSIGN_OR_RETURN(const raster::Image<int32_t> source, ReadSource(part));
    for (int y = 0; y < window.height; ++y) {
      for (int x = 0; x < window.width; ++x) {
        const auto [u, v] = At(nodes, window.x + x, window.y + y);
        if (!(u >= part.x && u < part.x + part.width && v >= part.y && v < part.y + part.height)) continue;
        out(x, y) = source(static_cast<int>(u) - part.x, static_cast<int>(v) - part.y);
      }
    }
    return out;
  }

  absl::StatusOr<std::vector<int32_t>> AllCodes() const override {
    absl::MutexLock lock(&mutex_);
    storage::QuietGdal quiet;
    std::set<int32_t> codes;
    constexpr int kRows = 256;
    for (int y = 0; y < dataset_->GetRasterYSize(); y += kRows) {
      const geo::Window strip{0, y, dataset_->GetRasterXSize(), std::min(kRows, dataset_->GetRasterYSize() - y)};
      ARPENT_ASSIGN_OR_RETURN(const raster::Image<int32_t> image, ReadSource(strip));
      codes.insert(image.data(), image.data() + image.size());
    }
    codes.erase(kNoCode);
    return std::vector<int32_t>(codes.begin(), codes.end());
  }

 private:
  // Pixel centres of the grid at multiples of kNodeStep, in source pixels.
  Nodes Transform(const geo::Window& window) const {
    const auto node_before = [](int pixel) {
      return pixel >= 0 ? pixel / kNodeStep : -((-pixel + kNodeStep - 1) / kNodeStep);
    };
    Nodes nodes;
    nodes.first_x = node_before(window.x);
    nodes.first_y = node_before(window.y);
    nodes.columns = node_before(window.x + window.width - 1) + 2 - nodes.first_x;
    nodes.rows = node_before(window.y + window.height - 1) + 2 - nodes.first_y;
    for (int r = 0; r < nodes.rows; ++r) {
      for (int c = 0; c < nodes.columns; ++c) {
        double x = grid_.CentreX((nodes.first_x + c) * kNodeStep), y = grid_.CentreY((nodes.first_y + r) * kNodeStep);
        if (!transform_->Transform(1, &x, &y)) x = y = std::numeric_limits<double>::quiet_NaN();
        nodes.x.push_back(inverse_[0] + x * inverse_[1] + y * inverse_[2]);
        nodes.y.push_back(inverse_[3] + x * inverse_[4] + y * inverse_[5]);
      }
    }
    return nodes;
  }

  static std::pair<double, double> At(const Nodes& nodes, int x, int y) {
    const int c = (x - nodes.first_x * kNodeStep) / kNodeStep, r = (y - nodes.first_y * kNodeStep) / kNodeStep;
    const double across = static_cast<double>(x - (nodes.first_x + c) * kNodeStep) / kNodeStep;
    const double down = static_cast<double>(y - (nodes.first_y + r) * kNodeStep) / kNodeStep;
    const size_t corner = static_cast<size_t>(r) * nodes.columns + c;
    const auto mix = [&](const std::vector<double>& v) {
      const double upper = v[corner] + across * (v[corner + 1] - v[corner]);
      const double lower = v[corner + nodes.columns] + across * (v[corner + nodes.columns + 1] - v[corner + nodes.columns]);
      return upper + down * (lower - upper);
    };
    return {mix(nodes.x), mix(nodes.y)};
  }

  absl::StatusOr<raster::Image<int32_t>> ReadSource(const geo::Window& part) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    raster::Image<int32_t> image(part.width, part.height);
    GDALRasterBand* band = dataset_->GetRasterBand(1);
    storage::ClearLastVsiError();
    if (band->RasterIO(GF_Read, part.x, part.y, part.width, part.height, image.data(), part.width, part.height, GDT_Int32,
                       0, 0, nullptr) != CE_None) {
      ARPENT_RETURN_IF_ERROR(Annotate(storage::LastVsiError(), name_));
      return absl::DataLossError(absl::StrCat(name_, " cannot be decoded: ", CPLGetLastErrorMsg()));
    }
    int has_no_data = 0;
    const double no_data = band->GetNoDataValue(&has_no_data);
    if (has_no_data != 0) std::replace(image.data(), image.data() + image.size(), static_cast<int32_t>(no_data), kNoCode);
    return image;
  }

  const std::string name_;
  const geo::Grid grid_;
  mutable absl::Mutex mutex_;
  const Dataset dataset_;
  const CoordinateTransform transform_;
  double inverse_[6];
};

}  // namespace

absl::StatusOr<std::unique_ptr<ReferenceMap>> ReferenceMap::Open(const storage::StoreSet& stores, const std::string& uri,
                                                                 const geo::Grid& grid) {
  ARPENT_RETURN_IF_ERROR(stores.Stat(uri).status());
  ARPENT_ASSIGN_OR_RETURN(const std::string path, storage::GdalPath(uri));
  GDALAllRegister();
  storage::QuietGdal quiet;
  const std::string name = uri.substr(uri.find_last_of('/') + 1);
  storage::ClearLastVsiError();
  ARPENT_RETURN_IF_ERROR(storage::CheckVirtualRaster(path, uri));
  Dataset dataset(GDALDataset::Open(path.c_str(), GDAL_OF_RASTER | GDAL_OF_READONLY, storage::RasterDrivers()));
  if (dataset == nullptr || dataset->GetRasterCount() < 1) {
    ARPENT_RETURN_IF_ERROR(Annotate(storage::LastVsiError(), name));
    return absl::InvalidArgumentError(absl::StrCat(name, " is no raster that can be read: ", quiet.Message()));
  }
  double forward[6], inverse[6];
  const OGRSpatialReference* source = dataset->GetSpatialRef();
  if (source == nullptr || dataset->GetGeoTransform(forward) != CE_None || !GDALInvGeoTransform(forward, inverse)) {
    return absl::InvalidArgumentError(absl::StrCat(name, " does not say its coordinate system and position"));
  }
  OGRSpatialReference from, to(*source);
  from.importFromEPSG(grid.epsg);
  from.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  to.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  CoordinateTransform transform(OGRCreateCoordinateTransformation(&from, &to));
  if (transform == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": no way to its coordinate system from EPSG:", grid.epsg));
  }
  return std::make_unique<GdalReferenceMap>(name, grid, std::move(dataset), std::move(transform), inverse);
}

}  // namespace arpent::insitu
