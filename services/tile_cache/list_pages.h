// Pages of a listing: the storage is asked once for a listing of many pages, as long as they are fetched soon.
#ifndef ARPENT_SERVICES_TILE_CACHE_LIST_PAGES_H_
#define ARPENT_SERVICES_TILE_CACHE_LIST_PAGES_H_

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/storage/object_store.h"

namespace arpent::tile_cache {

class ListPages {
 public:
  struct Page {
    std::vector<storage::ObjectInfo> objects;
    std::string next_token;  // empty: it was the last
  };

  // The token is the last path of the page before. Whoever comes late gets a fresh listing behind it.
  absl::StatusOr<Page> Next(storage::ObjectStore& store, const std::string& prefix, bool recursive, size_t page_size,
                            const std::string& token);

 private:
  using Objects = std::shared_ptr<const std::vector<storage::ObjectInfo>>;
  struct Kept {
    storage::ObjectStore* store;
    std::string prefix;
    bool recursive;
    std::string token;
    Objects objects;
  };

  Objects Take(storage::ObjectStore& store, const std::string& prefix, bool recursive, const std::string& token);

  absl::Mutex mutex_;
  std::list<Kept> kept_ ABSL_GUARDED_BY(mutex_);  // latest first
};

}  // namespace arpent::tile_cache

#endif  // ARPENT_SERVICES_TILE_CACHE_LIST_PAGES_H_
