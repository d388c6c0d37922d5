// Open GDAL datasets of one file, one for each thread that reads at the same time (GDAL datasets are not thread-safe).
#ifndef ARPENT_COMMON_SCENE_DATASET_POOL_H_
#define ARPENT_COMMON_SCENE_DATASET_POOL_H_

#include <gdal.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace arpent::scene {

struct DatasetCloser {
  void operator()(void* dataset) const { GDALClose(dataset); }
};
using Dataset = std::unique_ptr<void, DatasetCloser>;

// Registers GDAL's drivers, once; errors are returned as a Status and never printed.
void RegisterGdal();

// Opens a raster read-only, of a format among `drivers` (storage/raster_drivers.h). DATA_LOSS naming `uri` when GDAL cannot,
// or the store's own error.
absl::StatusOr<Dataset> OpenDataset(const std::string& gdal_path, const std::string& uri, const char* const* drivers);

// The error of the last failed GDAL call on this thread, naming `uri`: the store's when there is one, else DATA_LOSS.
absl::Status GdalError(const std::string& uri);

class DatasetPool {
 public:
  DatasetPool(std::string gdal_path, std::string uri) : gdal_path_(std::move(gdal_path)), uri_(std::move(uri)) {}

  const std::string& uri() const { return uri_; }

  // Takes an idle dataset or opens one; give it back when the read went well.
  absl::StatusOr<Dataset> Take();
  void GiveBack(Dataset dataset);

 private:
  const std::string gdal_path_, uri_;
  absl::Mutex mutex_;
  std::vector<Dataset> idle_;
};

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_DATASET_POOL_H_
