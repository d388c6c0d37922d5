// Keeps the STAC catalogue in the output store in step with the coordinator's table of current products. The leader has
// one, and nobody else writes these files.
#ifndef ARPENT_SERVICES_COORDINATOR_CATALOG_WRITER_H_
#define ARPENT_SERVICES_COORDINATOR_CATALOG_WRITER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/product/catalog.h"
#include "common/storage/object_store.h"
#include "services/coordinator/coordinator.h"

namespace arpent::coordinator {

// The files, once. Not thread-safe.
class CatalogFiles {
 public:
  explicit CatalogFiles(std::shared_ptr<storage::ObjectStore> output) : output_(std::move(output)) {}

  // Writes what differs, catalog.json last; nothing when it shows these products already. Products whose item cannot be
  // read are left out and named in the error, which comes after all else is written.
  absl::Status Show(const std::vector<product::v1::Product>& current);

 private:
  absl::Status ReadNew(const std::vector<std::string>& folders);
  absl::Status RemoveOthers();

  const std::shared_ptr<storage::ObjectStore> output_;
  std::map<std::string, product::CatalogEntry> entries_;  // of what is shown, by folder
  std::string shown_;                                     // digest of the set
};

// Looks once a second; writes when a run has ended, and every minute while one goes on.
class CatalogWriter {
 public:
  CatalogWriter(std::shared_ptr<Coordinator> coordinator, std::shared_ptr<storage::ObjectStore> output);
  // Writes what is new.
  ~CatalogWriter();

 private:
  void Run();
  void WriteIfNew(bool even_if_more_comes);

  const std::shared_ptr<Coordinator> coordinator_;
  CatalogFiles files_;
  int64_t written_ = 0;  // version of the products
  absl::Time last_try_ = absl::InfinitePast();
  absl::Notification stop_;
  std::thread thread_;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_CATALOG_WRITER_H_
