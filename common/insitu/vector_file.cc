#include "common/insitu/vector_file.h"

#include <cpl_error.h>
#include <gdal_priv.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/storage/quiet_gdal.h"
#include "common/storage/raster_drivers.h"

namespace arpent::insitu {
namespace {

void AddRings(const OGRPolygon& polygon, std::vector<std::vector<Point>>& rings) {
  for (const OGRLinearRing* ring : polygon) {
    std::vector<Point> points;
    for (int i = 0; i < ring->getNumPoints(); ++i) points.push_back({ring->getX(i), ring->getY(i)});
    if (points.size() > 1 && points.front() == points.back()) points.pop_back();
    if (points.size() > 2) rings.push_back(std::move(points));
  }
}

absl::Status NoCoordinateSystem(const std::string& name) {
  return absl::InvalidArgumentError(
      absl::StrCat(name, " does not say its coordinate system (a Shapefile needs its .prj file beside it)"));
}

}  // namespace

absl::StatusOr<VectorFile> VectorFile::Open(const storage::StoreSet& stores, const std::string& uri,
                                            const std::string& layer) {
  ARPENT_RETURN_IF_ERROR(stores.Stat(uri).status());
  ARPENT_ASSIGN_OR_RETURN(const std::string path, storage::GdalPath(uri));
  GDALAllRegister();
  storage::QuietGdal quiet;
  storage::ClearLastVsiError();
  VectorFile file;
  file.name_ = uri.substr(uri.find_last_of('/') + 1);
  file.dataset_.reset(GDALDataset::Open(path.c_str(), GDAL_OF_VECTOR | GDAL_OF_READONLY, storage::VectorDrivers()));
  if (file.dataset_ == nullptr) {
    ARPENT_RETURN_IF_ERROR(Annotate(storage::LastVsiError(), file.name_));
    return absl::InvalidArgumentError(
        absl::StrCat(file.name_, " is no GeoPackage, Shapefile or GeoJSON that can be read: ", quiet.Message()));
  }
  std::vector<std::string> layers;
  for (OGRLayer* candidate : file.dataset_->GetLayers()) {
    layers.push_back(candidate->GetName());
    if (file.layer_ == nullptr && (layer.empty() || layer == candidate->GetName())) file.layer_ = candidate;
  }
  if (file.layer_ == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(file.name_, ": there is no layer '", layer, "'; the layers are ",
                                                   absl::StrJoin(layers, ", ")));
  }
  return file;
}

std::vector<std::string> VectorFile::Columns() const {
  std::vector<std::string> columns;
  const OGRFeatureDefn* definition = layer_->GetLayerDefn();
  for (int i = 0; i < definition->GetFieldCount(); ++i) columns.push_back(definition->GetFieldDefn(i)->GetNameRef());
  return columns;
}

int VectorFile::ColumnIndex(const std::string& column) const {
  const std::vector<std::string> columns = Columns();
  int found = -1;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] == column) return static_cast<int>(i);
    if (found < 0 && absl::EqualsIgnoreCase(columns[i], column)) found = static_cast<int>(i);
  }
  return found;
}

absl::StatusOr<int> VectorFile::RequireColumn(const std::string& column) const {
  const int index = ColumnIndex(column);
  if (index >= 0) return index;
  return absl::InvalidArgumentError(absl::StrCat(name_, " has no column '", column, "'; its columns are ",
                                                 absl::StrJoin(Columns(), ", ")));
}

absl::StatusOr<geo::Extent> VectorFile::ExtentDegrees() const {
  storage::QuietGdal quiet;
  const OGRSpatialReference* source = layer_->GetSpatialRef();
  if (source == nullptr || source->IsLocal()) return NoCoordinateSystem(name_);
  OGREnvelope envelope;
  if (layer_->GetExtent(&envelope) != OGRERR_NONE || !envelope.IsInit()) {
    return absl::InvalidArgumentError(absl::StrCat(name_, " has no geometry"));
  }
  OGRSpatialReference from(*source), to;
  from.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  to.importFromEPSG(4326);
  to.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  std::unique_ptr<OGRCoordinateTransformation, DestroyTransform> to_degrees(OGRCreateCoordinateTransformation(&from, &to));
  geo::Extent box;
  constexpr int kPointsPerSide = 21;
  if (to_degrees == nullptr || !to_degrees->TransformBounds(envelope.MinX, envelope.MinY, envelope.MaxX, envelope.MaxY,
                                                            &box.west, &box.south, &box.east, &box.north, kPointsPerSide)) {
    return absl::InvalidArgumentError(absl::StrCat(name_, ": its extent has no place in degrees: ", quiet.Message()));
  }
  return box;
}

absl::Status VectorFile::AimAt(const geo::Grid& grid) {
  storage::QuietGdal quiet;
  const OGRSpatialReference* source = layer_->GetSpatialRef();
  if (source == nullptr || source->IsLocal()) return NoCoordinateSystem(name_);
  OGRSpatialReference from(*source), to;
  from.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  to.importFromEPSG(grid.epsg);
  to.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  to_grid_.reset(OGRCreateCoordinateTransformation(&from, &to));
  std::unique_ptr<OGRCoordinateTransformation, DestroyTransform> back(OGRCreateCoordinateTransformation(&to, &from));
  if (to_grid_ == nullptr || back == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(name_, ": no way from its coordinate system to EPSG:", grid.epsg,
                                                   ": ", quiet.Message()));
  }
  extent_ = grid.extent();
  constexpr int kSteps = 16;  // points along each side of the grid's outline
  near_ = OGREnvelope();
  for (int i = 0; i <= kSteps; ++i) {
    const double u = static_cast<double>(i) / kSteps;
    const double across = extent_.west + u * (extent_.east - extent_.west);
    const double up = extent_.south + u * (extent_.north - extent_.south);
    double x[4] = {across, across, extent_.west, extent_.east}, y[4] = {extent_.south, extent_.north, up, up};
    if (!back->Transform(4, x, y)) continue;
    for (int k = 0; k < 4; ++k) near_.Merge(x[k], y[k]);
  }
  const double margin_x = 0.02 * (near_.MaxX - near_.MinX), margin_y = 0.02 * (near_.MaxY - near_.MinY);
  near_.MinX -= margin_x, near_.MaxX += margin_x, near_.MinY -= margin_y, near_.MaxY += margin_y;
  return absl::OkStatus();
}

absl::Status VectorFile::ForEachRow(const std::function<absl::Status(uint32_t, const OGRFeature&)>& visit) {
  storage::QuietGdal quiet;
  storage::ClearLastVsiError();
  layer_->ResetReading();
  uint32_t number = 0;
  for (;;) {
    const OGRFeatureUniquePtr feature(layer_->GetNextFeature());
    if (feature == nullptr) break;
    ARPENT_RETURN_IF_ERROR(visit(number++, *feature));
  }
  ARPENT_RETURN_IF_ERROR(Annotate(storage::LastVsiError(), name_));
  if (CPLGetLastErrorType() == CE_Failure) {
    return absl::DataLossError(absl::StrCat(name_, " cannot be read behind row ", number, ": ", quiet.Message()));
  }
  return absl::OkStatus();
}

VectorFile::Shape VectorFile::ShapeOf(const OGRFeature& feature) const {
  Shape shape;
  const OGRGeometry* geometry = feature.GetGeometryRef();
  if (geometry == nullptr || geometry->IsEmpty()) {
    shape.problem = "it has no geometry";
    return shape;
  }
  const OGRwkbGeometryType type = wkbFlatten(geometry->getGeometryType());
  if (type != wkbPolygon && type != wkbMultiPolygon) {
    shape.problem = absl::StrCat("its geometry is a ", absl::AsciiStrToLower(geometry->getGeometryName()),
                                 ", not a polygon");
    return shape;
  }
  CPLErrorReset();
  if (!geometry->IsValid()) {
    shape.problem = absl::StrCat("its polygon is not valid: ", CPLGetLastErrorMsg());
    CPLErrorReset();
    return shape;
  }
  OGREnvelope bounds;
  geometry->getEnvelope(&bounds);
  if (!bounds.Intersects(near_)) {
    shape.outside = true;
    return shape;
  }
  std::unique_ptr<OGRGeometry> moved(geometry->clone());
  if (moved->transform(to_grid_.get()) != OGRERR_NONE) {
    shape.outside = true;  // too far away for the tile's projection
    CPLErrorReset();
    return shape;
  }
  if (type == wkbPolygon) {
    AddRings(*moved->toPolygon(), shape.polygon.rings);
  } else {
    for (const OGRPolygon* part : *moved->toMultiPolygon()) AddRings(*part, shape.polygon.rings);
  }
  const geo::Extent box = shape.polygon.Bounds();
  if (!(box.west <= box.east) || box.east < extent_.west || box.west > extent_.east ||
      box.north < extent_.south || box.south > extent_.north) {
    shape.polygon = {};
    shape.outside = true;
  }
  return shape;
}

std::string FieldText(const OGRFeature& feature, int column) {
  if (column < 0 || !feature.IsFieldSetAndNotNull(column)) return "";
  const OGRFieldType type = feature.GetFieldDefnRef(column)->GetType();
  if (type == OFTReal) {
    const double value = feature.GetFieldAsDouble(column);
    if (value == std::floor(value) && std::abs(value) < 1e15) return absl::StrCat(static_cast<int64_t>(value));
  }
  return std::string(absl::StripAsciiWhitespace(feature.GetFieldAsString(column)));
}

}  // namespace arpent::insitu
