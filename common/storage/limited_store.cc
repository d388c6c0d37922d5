#include "common/storage/limited_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::storage {

// A place among the requests at once, for as long as it lives.
class LimitedStore::Slot {
 public:
  explicit Slot(LimitedStore& store) : store_(store), status_(store.Enter()) {}
  ~Slot() {
    if (status_.ok()) store_.Leave();
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  const absl::Status& status() const { return status_; }

 private:
  LimitedStore& store_;
  const absl::Status status_;
};

LimitedStore::LimitedStore(std::string name, std::shared_ptr<ObjectStore> inner, const Options& options, Clock& clock)
    : name_(std::move(name)),
      inner_(std::move(inner)),
      options_(options),
      clock_(clock),
      tokens_(options.per_second),
      counted_(clock.Now()) {}

absl::Status LimitedStore::Enter() {
  absl::Duration wait = absl::ZeroDuration();
  {
    absl::MutexLock lock(&mutex_);
    const auto has_room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return active_ < options_.at_once; };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&has_room), options_.longest_wait)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("store ", name_, ": ", options_.at_once, " requests are under way; come back later"));
    }
    if (options_.per_second > 0) {
      const absl::Time now = clock_.Now();
      tokens_ = std::min(options_.per_second, tokens_ + absl::ToDoubleSeconds(now - counted_) * options_.per_second);
      counted_ = now;
      if (tokens_ < 1) wait = absl::Seconds((1 - tokens_) / options_.per_second);
      if (wait > options_.longest_wait) {
        return absl::ResourceExhaustedError(
            absl::StrCat("store ", name_, ": ", options_.per_second, " requests a second are allowed; come back later"));
      }
      tokens_ -= 1;
    }
    ++active_;
  }
  if (wait > absl::ZeroDuration()) clock_.SleepFor(wait);
  return absl::OkStatus();
}

void LimitedStore::Leave() {
  absl::MutexLock lock(&mutex_);
  --active_;
}

absl::StatusOr<ObjectInfo> LimitedStore::Stat(const std::string& path) {
  const Slot slot(*this);
  ARPENT_RETURN_IF_ERROR(slot.status());
  return inner_->Stat(path);
}

absl::StatusOr<std::vector<ObjectInfo>> LimitedStore::List(const std::string& prefix, bool recursive) {
  const Slot slot(*this);
  ARPENT_RETURN_IF_ERROR(slot.status());
  return inner_->List(prefix, recursive);
}

absl::StatusOr<size_t> LimitedStore::Read(const std::string& path, const std::string& etag, int64_t offset,
                                          size_t length, char* buffer) {
  const Slot slot(*this);
  ARPENT_RETURN_IF_ERROR(slot.status());
  return inner_->Read(path, etag, offset, length, buffer);
}

absl::StatusOr<ObjectInfo> LimitedStore::Write(const std::string& path, int64_t size_bytes,
                                               const ByteProducer& producer) {
  const Slot slot(*this);
  ARPENT_RETURN_IF_ERROR(slot.status());
  return inner_->Write(path, size_bytes, producer);
}

absl::Status LimitedStore::Delete(const std::string& path) {
  const Slot slot(*this);
  ARPENT_RETURN_IF_ERROR(slot.status());
  return inner_->Delete(path);
}

}  // namespace arpent::storage
