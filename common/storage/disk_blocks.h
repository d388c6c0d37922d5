// The cache's second tier: blocks as files in a folder, bounded, checksummed, found again after a restart.
#ifndef ARPENT_COMMON_STORAGE_DISK_BLOCKS_H_
#define ARPENT_COMMON_STORAGE_DISK_BLOCKS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/storage/block.h"
#include "common/storage/sieve_index.h"

namespace arpent::storage {

// A file {folder}/{2 hex digits}/{32 hex digits of the id}:
//   magic "ARPBLK1\n" | u32 length of the version's text | u64 length of the block | u64 XXH3 of the block |
//   u64 XXH3 of the text with the XXH3 of all before as its seed | text | block          (integers little-endian, no padding)
// It is renamed into place whole; what a crash tore anyway fails its checksum and counts as absent. Nothing is synced: a
// lost cache costs time only. Thread-safe.
class DiskBlocks {
 public:
  // Makes the folder and takes in what lies there, oldest first. The errors of the file system.
  static absl::StatusOr<std::unique_ptr<DiskBlocks>> Open(const std::string& folder, int64_t limit_bytes);

  // Null when absent. `damaged` tells that there was one whose bytes were wrong; it is gone now.
  Block Read(const ObjectVersion& version, int64_t index, bool* damaged);
  // Returns how many blocks had to go. A full or broken disk loses the block, nothing else.
  int Write(const ObjectVersion& version, int64_t index, const std::string& bytes);

  int64_t bytes() const;

 private:
  struct Nothing {};

  DiskBlocks(std::string folder, int64_t limit_bytes) : folder_(std::move(folder)), index_(limit_bytes) {}
  absl::Status TakeIn();
  std::string FileOf(const BlockId& id) const;
  int Account(const BlockId& id, int64_t file_bytes);
  void Forget(const BlockId& id);

  const std::string folder_;
  mutable absl::Mutex mutex_;
  SieveIndex<Nothing> index_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> temporaries_ = 0;
};

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_DISK_BLOCKS_H_
