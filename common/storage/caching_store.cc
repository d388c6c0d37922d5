#include "common/storage/caching_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::storage {
namespace {

constexpr size_t kMostRemembered = 200000;

// Cuts the bytes that pass by into blocks, as many as `budget` allows.
class BlockCutter {
 public:
  BlockCutter(size_t block_bytes, int64_t budget) : block_bytes_(block_bytes), budget_(budget) {}

  void Take(const char* bytes, size_t length) {
    while (length > 0 && budget_ > 0) {
      const size_t count = std::min(length, block_bytes_ - current_.size());
      current_.append(bytes, count);
      budget_ -= static_cast<int64_t>(count);
      bytes += count;
      length -= count;
      if (current_.size() == block_bytes_) EndBlock();
    }
    if (length > 0) whole_ = false;
  }

  // The blocks from the beginning on. The last one, when it is not full, only if it really ends the object.
  std::vector<Block> Finish() {
    if (whole_ && !current_.empty()) EndBlock();
    return std::move(blocks_);
  }

 private:
  void EndBlock() { blocks_.push_back(std::make_shared<const std::string>(std::exchange(current_, {}))); }

  const size_t block_bytes_;
  int64_t budget_;
  bool whole_ = true;
  std::string current_;
  std::vector<Block> blocks_;
};

}  // namespace

absl::StatusOr<ObjectInfo> CachingStore::Stat(const std::string& raw_path) {
  ARPENT_ASSIGN_OR_RETURN(const std::string path, NormalisePath(raw_path));
  uint64_t epoch;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = remembered_.find(path);
    if (found != remembered_.end() && clock_.Now() < found->second.until) return found->second.info;
    epoch = epoch_;
  }
  const absl::StatusOr<ObjectInfo> info = inner_->Stat(path);
  Remember(path, info, epoch);
  return info;
}

void CachingStore::Remember(const std::string& path, const absl::StatusOr<ObjectInfo>& info, uint64_t asked_in_epoch) {
  if (!info.ok() && !absl::IsNotFound(info.status())) return;  // trouble passes
  const absl::Time now = clock_.Now();
  absl::MutexLock lock(&mutex_);
  if (asked_in_epoch != epoch_) return;
  if (remembered_.size() >= kMostRemembered) remembered_.clear();
  remembered_.insert_or_assign(
      path, Remembered{info, now + (info.ok() ? options_.stat_lifetime : options_.absence_lifetime)});
}

// A write makes its folders, too, and a delete may end them.
void CachingStore::Forget(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  ++epoch_;
  for (std::string gone = path; !gone.empty(); gone.resize(gone.rfind('/') == std::string::npos ? 0 : gone.rfind('/'))) {
    remembered_.erase(gone);
  }
}

absl::StatusOr<std::vector<ObjectInfo>> CachingStore::List(const std::string& prefix, bool recursive) {
  return inner_->List(prefix, recursive);
}

absl::StatusOr<size_t> CachingStore::Read(const std::string& raw_path, const std::string& etag, int64_t offset,
                                          size_t length, char* buffer) {
  ARPENT_ASSIGN_OR_RETURN(const std::string path, NormalisePath(raw_path));
  if (offset < 0) return absl::InvalidArgumentError(absl::StrCat(path, ": offset ", offset, " is negative"));
  if (!etag.empty()) return ReadVersion(path, etag, offset, length, buffer);
  // Any version will do, but only one: should it be replaced meanwhile, the whole range is read again.
  constexpr int kTries = 3;
  absl::StatusOr<size_t> got;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    ARPENT_ASSIGN_OR_RETURN(const ObjectInfo info, Stat(path));
    if (info.is_folder) return absl::NotFoundError(absl::StrCat(path, ": is a folder, an object is needed"));
    got = ReadVersion(path, info.etag, offset, length, buffer);
    if (!absl::IsFailedPrecondition(got.status())) break;
  }
  return got;
}

absl::StatusOr<size_t> CachingStore::ReadVersion(const std::string& path, const std::string& etag, int64_t offset,
                                                 size_t length, char* buffer) {
  const auto fetch = [&](int64_t from, size_t count, char* bytes) { return inner_->Read(path, etag, from, count, bytes); };
  absl::StatusOr<size_t> got = cache_.Read(ObjectVersion(name_, path, etag), offset, length, buffer, fetch);
  if (absl::IsFailedPrecondition(got.status()) || absl::IsNotFound(got.status())) Forget(path);
  return got;
}

absl::StatusOr<ObjectInfo> CachingStore::Write(const std::string& raw_path, int64_t size_bytes,
                                               const ByteProducer& producer) {
  ARPENT_ASSIGN_OR_RETURN(const std::string path, NormalisePath(raw_path));
  // Several writes at once must not hold more than the memory tier could.
  BlockCutter cutter(cache_.block_bytes(), std::min(options_.longest_write_through, cache_.memory_bytes() / 4));
  const absl::StatusOr<ObjectInfo> written =
      inner_->Write(path, size_bytes, [&](char* buffer, size_t capacity) -> absl::StatusOr<size_t> {
        ARPENT_ASSIGN_OR_RETURN(const size_t length, producer(buffer, capacity));
        cutter.Take(buffer, length);
        return length;
      });
  Forget(path);
  if (!written.ok()) return written;
  const ObjectVersion version(name_, path, written->etag);
  int64_t index = 0;
  for (Block& block : cutter.Finish()) cache_.Insert(version, index++, std::move(block));
  return written;
}

absl::Status CachingStore::Delete(const std::string& raw_path) {
  ARPENT_ASSIGN_OR_RETURN(const std::string path, NormalisePath(raw_path));
  const absl::Status status = inner_->Delete(path);
  Forget(path);
  return status;
}

}  // namespace arpent::storage
