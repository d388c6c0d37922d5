// A vector layer in a store, opened through GDAL. Shared by parcels and strata; not for other layers.
#ifndef ARPENT_COMMON_INSITU_VECTOR_FILE_H_
#define ARPENT_COMMON_INSITU_VECTOR_FILE_H_

#include <ogrsf_frmts.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/insitu/polygon.h"
#include "common/storage/stores.h"

namespace arpent::insitu {

class VectorFile {
 public:
  // Errors as ReadParcels says. `layer` "" is the first one.
  static absl::StatusOr<VectorFile> Open(const storage::StoreSet& stores, const std::string& uri,
                                         const std::string& layer);

  const std::string& name() const { return name_; }
  std::vector<std::string> Columns() const;
  // Index of a column, exactly or in another case of letters; -1 when absent.
  int ColumnIndex(const std::string& column) const;
  // INVALID_ARGUMENT naming the file, the column and those that exist.
  absl::StatusOr<int> RequireColumn(const std::string& column) const;

  // The box of all geometries, degrees. INVALID_ARGUMENT when the layer has no CRS or no geometry.
  absl::StatusOr<geo::Extent> ExtentDegrees() const;

  // Prepares the transformation of geometries that touch `grid`. INVALID_ARGUMENT when the layer has no CRS.
  absl::Status AimAt(const geo::Grid& grid);

  // Calls visit(row number, feature) for every row. DATA_LOSS when reading ends early.
  absl::Status ForEachRow(const std::function<absl::Status(uint32_t, const OGRFeature&)>& visit);

  // The feature's rings in the CRS aimed at, empty when it lies outside of the grid aimed at; or the reason why the
  // geometry is unusable.
  struct Shape {
    Polygon polygon;
    std::string problem;
    bool outside = false;
  };
  Shape ShapeOf(const OGRFeature& feature) const;

 private:
  struct CloseDataset {
    void operator()(GDALDataset* dataset) const { GDALClose(dataset); }
  };
  struct DestroyTransform {
    void operator()(OGRCoordinateTransformation* transform) const { OGRCoordinateTransformation::DestroyCT(transform); }
  };

  std::string name_;
  std::unique_ptr<GDALDataset, CloseDataset> dataset_;
  OGRLayer* layer_ = nullptr;
  std::unique_ptr<OGRCoordinateTransformation, DestroyTransform> to_grid_;
  OGREnvelope near_;  // of the grid, in the layer's CRS, with a margin
  geo::Extent extent_;
};

// The text of a field as a label: whole numbers without decimals, "" when it is empty.
std::string FieldText(const OGRFeature& feature, int column);

}  // namespace arpent::insitu

#endif  // ARPENT_COMMON_INSITU_VECTOR_FILE_H_
