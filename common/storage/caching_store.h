// A store behind the block cache: reads come from blocks, writes go through and leave their blocks behind, what an object
// is (or that it is not) is remembered for moments.
#ifndef ARPENT_COMMON_STORAGE_CACHING_STORE_H_
#define ARPENT_COMMON_STORAGE_CACHING_STORE_H_

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/storage/block_cache.h"
#include "common/storage/object_store.h"

namespace arpent::storage {

// Bytes are cached by version, for ever. Stat may be as old as `stat_lifetime` where somebody changes the storage behind
// our back, and a new object may stay unseen for `absence_lifetime`; what is written or deleted through this store is seen
// at once. Listings are never cached.
class CachingStore final : public ObjectStore {
 public:
  struct Options {
    absl::Duration stat_lifetime = absl::Seconds(2);
    absl::Duration absence_lifetime = absl::Seconds(1);
    // Of one written object, so many bytes are kept for its readers.
    int64_t longest_write_through = int64_t{64} << 20;
  };

  // `name` tells this store's objects from those of others in the same cache. `cache` and `clock` outlive the store.
  CachingStore(std::string name, std::shared_ptr<ObjectStore> inner, BlockCache& cache, const Options& options,
               const Clock& clock)
      : name_(std::move(name)), inner_(std::move(inner)), cache_(cache), options_(options), clock_(clock) {}

  absl::StatusOr<ObjectInfo> Stat(const std::string& path) override;
  absl::StatusOr<std::vector<ObjectInfo>> List(const std::string& prefix, bool recursive) override;
  absl::StatusOr<size_t> Read(const std::string& path, const std::string& etag, int64_t offset, size_t length,
                              char* buffer) override;
  absl::StatusOr<ObjectInfo> Write(const std::string& path, int64_t size_bytes, const ByteProducer& producer) override;
  absl::Status Delete(const std::string& path) override;

 private:
  struct Remembered {
    absl::StatusOr<ObjectInfo> info;
    absl::Time until;
  };

  absl::StatusOr<size_t> ReadVersion(const std::string& path, const std::string& etag, int64_t offset, size_t length,
                                     char* buffer);
  void Remember(const std::string& path, const absl::StatusOr<ObjectInfo>& info, uint64_t asked_in_epoch);
  void Forget(const std::string& path);

  const std::string name_;
  const std::shared_ptr<ObjectStore> inner_;
  BlockCache& cache_;
  const Options options_;
  const Clock& clock_;

  absl::Mutex mutex_;
  std::unordered_map<std::string, Remembered> remembered_ ABSL_GUARDED_BY(mutex_);
  uint64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;  // of our writes; an answer from before one is not remembered
};

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_CACHING_STORE_H_
