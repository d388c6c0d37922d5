// Byte blocks of immutable object versions, in memory and on a local disk, both bounded. Many readers of one block cost one
// read of the storage; neighbouring blocks that are missing are read together.
#ifndef ARPENT_COMMON_STORAGE_BLOCK_CACHE_H_
#define ARPENT_COMMON_STORAGE_BLOCK_CACHE_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/storage/block.h"
#include "common/storage/disk_blocks.h"
#include "common/storage/sieve_index.h"
#include "common/telemetry/metrics.h"

namespace arpent::storage {

struct BlockCacheOptions {
  int64_t memory_bytes = int64_t{256} << 20;
  std::string disk_folder;  // empty: no second tier
  int64_t disk_bytes = 0;
  size_t block_bytes = size_t{1} << 20;
  int blocks_per_fetch = 8;  // at most so many neighbours are read together
};

// Thread-safe. What a failed read of the storage says goes to every reader that waits for it, and is then forgotten.
class BlockCache {
 public:
  // Reads the storage: [offset, offset + length) of the version; fewer bytes only at its end.
  using Fetch = std::function<absl::StatusOr<size_t>(int64_t offset, size_t length, char* buffer)>;

  // The errors of the disk folder. `metrics` outlives the cache.
  static absl::StatusOr<std::unique_ptr<BlockCache>> Open(const BlockCacheOptions& options, telemetry::Metrics& metrics);
  ~BlockCache();

  // Bytes read, fewer than `length` only at the object's end.
  absl::StatusOr<size_t> Read(const ObjectVersion& version, int64_t offset, size_t length, char* buffer,
                              const Fetch& fetch);

  // Takes in a block that is known already: of an object just written.
  void Insert(const ObjectVersion& version, int64_t index, Block block);

  size_t block_bytes() const { return options_.block_bytes; }
  int64_t memory_bytes() const { return options_.memory_bytes; }

  // Waits until the blocks that are queued for the disk are there.
  void Flush();

 private:
  struct Flight;
  struct Wanted;
  struct MemoryShard {
    explicit MemoryShard(int64_t limit) : blocks(limit) {}
    mutable absl::Mutex mutex;
    SieveIndex<Block> blocks ABSL_GUARDED_BY(mutex);
  };
  struct DiskWrite {
    std::shared_ptr<const ObjectVersion> version;
    int64_t index;
    Block block;
  };

  BlockCache(const BlockCacheOptions& options, telemetry::Metrics& metrics);
  MemoryShard& ShardOf(const BlockId& id) const { return *memory_[id.high % memory_.size()]; }
  Block FindInMemory(const BlockId& id) const;
  void KeepInMemory(const BlockId& id, const Block& block);
  void QueueForDisk(const ObjectVersion& version, int64_t index, const Block& block);
  void WriteToDisk();

  void Look(const ObjectVersion& version, std::vector<Wanted>& wanted);
  void LookOnDisk(const ObjectVersion& version, std::vector<Wanted>& wanted);
  void FetchMissing(const ObjectVersion& version, std::vector<Wanted>& wanted, const Fetch& fetch);
  void FetchRun(const ObjectVersion& version, Wanted* first, size_t count, const Fetch& fetch);
  void Land(Wanted& wanted, absl::StatusOr<Block> result);
  int64_t BytesInMemory() const;

  const BlockCacheOptions options_;
  const telemetry::CounterFamily requests_, request_bytes_, evictions_, damaged_;
  const telemetry::GaugeFamily bytes_;
  std::vector<std::unique_ptr<MemoryShard>> memory_;
  std::unique_ptr<DiskBlocks> disk_;
  std::shared_ptr<void> refresh_;

  absl::Mutex flights_mutex_;
  std::unordered_map<BlockId, std::shared_ptr<Flight>, BlockIdHash> flights_ ABSL_GUARDED_BY(flights_mutex_);

  absl::Mutex disk_mutex_;
  std::deque<DiskWrite> disk_queue_ ABSL_GUARDED_BY(disk_mutex_);
  bool disk_writing_ ABSL_GUARDED_BY(disk_mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(disk_mutex_) = false;
  std::thread disk_writer_;
};

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_BLOCK_CACHE_H_
