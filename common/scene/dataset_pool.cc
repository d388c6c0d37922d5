#include "common/scene/dataset_pool.h"

#include <cpl_error.h>

#include <mutex>

#include "common/base/status.h"
#include "common/storage/raster_drivers.h"
#include "common/storage/stores.h"

namespace arpent::scene {

void RegisterGdal() {
  static std::once_flag once;
  std::call_once(once, [] {
    GDALAllRegister();
    CPLSetErrorHandler(CPLQuietErrorHandler);
  });
}

absl::Status GdalError(const std::string& uri) {
  const absl::Status cause = storage::LastVsiError();
  if (!cause.ok()) return Annotate(cause, uri);
  const char* message = CPLGetLastErrorMsg();
  return absl::DataLossError(absl::StrCat(uri, ": cannot be decoded", *message != '\0' ? ": " : "", message));
}

absl::StatusOr<Dataset> OpenDataset(const std::string& gdal_path, const std::string& uri, const char* const* drivers) {
  RegisterGdal();
  storage::ClearLastVsiError();
  CPLErrorReset();
  Dataset dataset(GDALOpenEx(gdal_path.c_str(), GDAL_OF_RASTER | GDAL_OF_READONLY, drivers, nullptr, nullptr));
  if (dataset == nullptr) return GdalError(uri);
  return dataset;
}

absl::StatusOr<Dataset> DatasetPool::Take() {
  {
    absl::MutexLock lock(&mutex_);
    if (!idle_.empty()) {
      Dataset dataset = std::move(idle_.back());
      idle_.pop_back();
      return dataset;
    }
  }
  return OpenDataset(gdal_path_, uri_, storage::ImageDrivers());
}

void DatasetPool::GiveBack(Dataset dataset) {
  absl::MutexLock lock(&mutex_);
  idle_.push_back(std::move(dataset));
}

}  // namespace arpent::scene
