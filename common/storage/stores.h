// The named stores of an installation ("input", "output", ...) and the URIs that name their objects: "input:/l1c/x".
#ifndef ARPENT_COMMON_STORAGE_STORES_H_
#define ARPENT_COMMON_STORAGE_STORES_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/storage/object_store.h"

namespace arpent::storage {

// "input:/l1c/S2A.SAFE" -> store "input", path "l1c/S2A.SAFE".
struct StoreUri {
  std::string store;
  std::string path;

  static absl::StatusOr<StoreUri> Parse(absl::string_view uri);
  std::string ToString() const { return store + ":/" + path; }
};

// The stores that a process knows. Immutable once built; thread-safe.
class StoreSet {
 public:
  void Add(const std::string& name, std::shared_ptr<ObjectStore> store);
  // NOT_FOUND naming the store and those that exist.
  absl::StatusOr<ObjectStore*> Find(const std::string& name) const;

  // Each resolves the URI's store first.
  absl::StatusOr<ObjectInfo> Stat(const std::string& uri) const;
  absl::StatusOr<std::vector<ObjectInfo>> List(const std::string& uri, bool recursive) const;
  absl::StatusOr<std::string> ReadAll(const std::string& uri) const;
  absl::Status WriteAll(const std::string& uri, absl::string_view bytes) const;

  const std::map<std::string, std::shared_ptr<ObjectStore>>& all() const { return stores_; }

 private:
  std::map<std::string, std::shared_ptr<ObjectStore>> stores_;
};

// Makes `stores` readable by GDAL as /vsiarpent/{store}/{path} (read-only) for the life of the process; called again, it
// replaces the set. Errors reach the reader as read failures; LastVsiError() of the thread has the typed cause. NOT_FOUND is
// never kept there, since GDAL looks for side files that need not exist: Stat what must.
void InstallVsiArpent(std::shared_ptr<const StoreSet> stores);
absl::Status LastVsiError();
void ClearLastVsiError();

// "input:/a/b.jp2" -> "/vsiarpent/input/a/b.jp2"; with ".zip/" inside the path, "/vsizip//vsiarpent/...".
absl::StatusOr<std::string> GdalPath(absl::string_view uri);

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_STORES_H_
