// Keeps a store's requests within what its provider allows: so many at once, so many a second. Who would wait too long
// gets RESOURCE_EXHAUSTED and comes back later.
#ifndef ARPENT_COMMON_STORAGE_LIMITED_STORE_H_
#define ARPENT_COMMON_STORAGE_LIMITED_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/storage/object_store.h"

namespace arpent::storage {

class LimitedStore final : public ObjectStore {
 public:
  struct Options {
    int at_once = 64;
    double per_second = 0;  // 0: any number; else short bursts of as many as one second's are allowed
    absl::Duration longest_wait = absl::Seconds(30);
  };

  // `clock` outlives the store.
  LimitedStore(std::string name, std::shared_ptr<ObjectStore> inner, const Options& options, Clock& clock);

  absl::StatusOr<ObjectInfo> Stat(const std::string& path) override;
  absl::StatusOr<std::vector<ObjectInfo>> List(const std::string& prefix, bool recursive) override;
  absl::StatusOr<size_t> Read(const std::string& path, const std::string& etag, int64_t offset, size_t length,
                              char* buffer) override;
  absl::StatusOr<ObjectInfo> Write(const std::string& path, int64_t size_bytes, const ByteProducer& producer) override;
  absl::Status Delete(const std::string& path) override;

 private:
  class Slot;
  absl::Status Enter();
  void Leave();

  const std::string name_;
  const std::shared_ptr<ObjectStore> inner_;
  const Options options_;
  Clock& clock_;

  absl::Mutex mutex_;
  int active_ ABSL_GUARDED_BY(mutex_) = 0;
  double tokens_ ABSL_GUARDED_BY(mutex_);  // may be negative: requests that wait for theirs
  absl::Time counted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_LIMITED_STORE_H_
