#include "common/storage/block_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::storage {
namespace {

constexpr int64_t kMemoryPerShard = int64_t{64} << 20;
constexpr size_t kLongestDiskQueue = 64;
// Where a block came from: the values of the label `result`.
constexpr char kHitMemory[] = "hit_memory", kHitDisk[] = "hit_disk", kHitShared[] = "hit_shared", kMiss[] = "miss";

}  // namespace

// One read of the storage that several readers may wait for.
struct BlockCache::Flight {
  absl::Mutex mutex;
  bool landed ABSL_GUARDED_BY(mutex) = false;
  absl::StatusOr<Block> result ABSL_GUARDED_BY(mutex) = absl::UnknownError("under way");

  absl::StatusOr<Block> Wait() {
    absl::MutexLock lock(&mutex, absl::Condition(&landed));
    return result;
  }
};

// One block of a request.
struct BlockCache::Wanted {
  int64_t index;
  BlockId id;
  const char* source = kMiss;
  Block block;                     // once it is found
  std::shared_ptr<Flight> flight;  // ours to fly when `ours`, else somebody else's to wait for
  bool ours = false;
};

absl::StatusOr<std::unique_ptr<BlockCache>> BlockCache::Open(const BlockCacheOptions& options,
                                                             telemetry::Metrics& metrics) {
  if (options.memory_bytes < 0 || options.disk_bytes < 0 || options.block_bytes == 0 || options.blocks_per_fetch < 1) {
    return absl::InvalidArgumentError("the limits of a block cache must not be negative, its blocks not empty");
  }
  auto cache = std::unique_ptr<BlockCache>(new BlockCache(options, metrics));
  if (!options.disk_folder.empty()) {
    ARPENT_ASSIGN_OR_RETURN(cache->disk_, DiskBlocks::Open(options.disk_folder, options.disk_bytes));
    cache->disk_writer_ = std::thread([raw = cache.get()] { raw->WriteToDisk(); });
  }
  return cache;
}

BlockCache::BlockCache(const BlockCacheOptions& options, telemetry::Metrics& metrics)
    : options_(options),
      requests_(metrics.AddCounter("arpent_cache_requests_total", "Blocks asked for, by where they came from.", {"result"})),
      request_bytes_(metrics.AddCounter("arpent_cache_request_bytes_total",
                                        "Bytes handed to readers, by where they came from.", {"result"})),
      evictions_(metrics.AddCounter("arpent_cache_evictions_total", "Blocks that had to make room.", {"tier"})),
      damaged_(metrics.AddCounter("arpent_cache_damaged_total", "Blocks whose checksum on disk was wrong.", {"tier"})),
      bytes_(metrics.AddGauge("arpent_cache_bytes", "Bytes held.", {"tier"})) {
  const int64_t shards = std::clamp<int64_t>(options.memory_bytes / kMemoryPerShard, 1, 16);
  for (int64_t i = 0; i < shards; ++i) memory_.push_back(std::make_unique<MemoryShard>(options.memory_bytes / shards));
  const auto limits = metrics.AddGauge("arpent_cache_limit_bytes", "Bytes that may be held.", {"tier"});
  limits.With({"memory"}).Set(static_cast<double>(options.memory_bytes));
  limits.With({"disk"}).Set(options.disk_folder.empty() ? 0 : static_cast<double>(options.disk_bytes));
  for (const char* const result : {kHitMemory, kHitDisk, kHitShared, kMiss}) {
    (void)requests_.With({result});
    (void)request_bytes_.With({result});
  }
  for (const char* const tier : {"memory", "disk"}) (void)evictions_.With({tier});
  (void)damaged_.With({"disk"});
  refresh_ = metrics.BeforeScrape([this] {
    bytes_.With({"memory"}).Set(static_cast<double>(BytesInMemory()));
    bytes_.With({"disk"}).Set(disk_ == nullptr ? 0 : static_cast<double>(disk_->bytes()));
  });
}

BlockCache::~BlockCache() {
  refresh_.reset();
  {
    absl::MutexLock lock(&disk_mutex_);
    stopping_ = true;
  }
  if (disk_writer_.joinable()) disk_writer_.join();
}

int64_t BlockCache::BytesInMemory() const {
  int64_t total = 0;
  for (const auto& shard : memory_) {
    absl::ReaderMutexLock lock(&shard->mutex);
    total += shard->blocks.total_weight();
  }
  return total;
}

Block BlockCache::FindInMemory(const BlockId& id) const {
  const MemoryShard& shard = ShardOf(id);
  absl::ReaderMutexLock lock(&shard.mutex);
  const Block* const block = shard.blocks.Find(id);
  return block == nullptr ? nullptr : *block;
}

void BlockCache::KeepInMemory(const BlockId& id, const Block& block) {
  MemoryShard& shard = ShardOf(id);
  absl::MutexLock lock(&shard.mutex);
  const auto evicted = shard.blocks.Insert(id, static_cast<int64_t>(block->size()), block);
  evictions_.With({"memory"}).Increment(static_cast<double>(evicted.size()));
}

absl::StatusOr<size_t> BlockCache::Read(const ObjectVersion& version, int64_t offset, size_t length, char* buffer,
                                        const Fetch& fetch) {
  const int64_t block_bytes = static_cast<int64_t>(options_.block_bytes);
  size_t done = 0;
  while (done < length) {
    const int64_t position = offset + static_cast<int64_t>(done);
    const int64_t first = position / block_bytes;
    const int64_t last = (offset + static_cast<int64_t>(length) - 1) / block_bytes;
    std::vector<Wanted> wanted;
    for (int64_t index = first; index <= std::min(last, first + options_.blocks_per_fetch - 1); ++index) {
      wanted.push_back({.index = index, .id = version.BlockAt(index)});
    }
    Look(version, wanted);
    FetchMissing(version, wanted, fetch);
    for (Wanted& one : wanted) {
      if (one.block == nullptr) {
        ARPENT_ASSIGN_OR_RETURN(one.block, one.flight->Wait());
      }
      const int64_t within = std::max<int64_t>(0, position - one.index * block_bytes);
      const int64_t left = static_cast<int64_t>(one.block->size()) - within;
      const size_t count = std::min(length - done, static_cast<size_t>(std::max<int64_t>(0, left)));
      std::memcpy(buffer + done, one.block->data() + within, count);
      done += count;
      requests_.With({one.source}).Increment();
      request_bytes_.With({one.source}).Increment(static_cast<double>(count));
      if (one.block->size() < options_.block_bytes) return done;  // the object ends here
    }
  }
  return done;
}

// Finds what is at hand, joins what others fetch already, and takes it on us to fetch the rest.
void BlockCache::Look(const ObjectVersion& version, std::vector<Wanted>& wanted) {
  for (Wanted& one : wanted) {
    one.block = FindInMemory(one.id);
    if (one.block != nullptr) {
      one.source = kHitMemory;
      continue;
    }
    absl::MutexLock lock(&flights_mutex_);
    std::shared_ptr<Flight>& flight = flights_[one.id];
    one.ours = flight == nullptr;
    if (one.ours) flight = std::make_shared<Flight>();
    one.flight = flight;
    one.source = one.ours ? kMiss : kHitShared;
  }
  for (Wanted& one : wanted) {
    if (!one.ours) continue;
    // It may have landed between the look into memory and our taking it on.
    if (Block block = FindInMemory(one.id)) {
      one.source = kHitMemory;
      Land(one, std::move(block));
    }
  }
  if (disk_ != nullptr) LookOnDisk(version, wanted);
}

void BlockCache::LookOnDisk(const ObjectVersion& version, std::vector<Wanted>& wanted) {
  for (Wanted& one : wanted) {
    if (!one.ours || one.block != nullptr) continue;
    bool damaged = false;
    Block block = disk_->Read(version, one.index, &damaged);
    if (damaged) damaged_.With({"disk"}).Increment();
    if (block == nullptr) continue;
    one.source = kHitDisk;
    KeepInMemory(one.id, block);
    Land(one, std::move(block));
  }
}

void BlockCache::FetchMissing(const ObjectVersion& version, std::vector<Wanted>& wanted, const Fetch& fetch) {
  for (size_t begin = 0; begin < wanted.size();) {
    size_t end = begin;
    while (end < wanted.size() && wanted[end].ours && wanted[end].block == nullptr) ++end;
    if (end > begin) FetchRun(version, &wanted[begin], end - begin, fetch);
    begin = std::max(end, begin + 1);
  }
}

void BlockCache::FetchRun(const ObjectVersion& version, Wanted* first, size_t count, const Fetch& fetch) {
  std::string bytes(count * options_.block_bytes, '\0');
  const absl::StatusOr<size_t> got =
      fetch(first->index * static_cast<int64_t>(options_.block_bytes), bytes.size(), bytes.data());
  for (size_t i = 0; i < count; ++i) {
    Wanted& one = first[i];
    if (!got.ok()) {
      Land(one, got.status());
      continue;
    }
    const size_t begin = std::min(*got, i * options_.block_bytes);
    auto block = std::make_shared<const std::string>(bytes, begin, std::min(options_.block_bytes, *got - begin));
    KeepInMemory(one.id, block);
    QueueForDisk(version, one.index, block);
    Land(one, std::move(block));
  }
}

void BlockCache::Land(Wanted& wanted, absl::StatusOr<Block> result) {
  if (result.ok()) wanted.block = *result;
  {
    absl::MutexLock lock(&flights_mutex_);
    flights_.erase(wanted.id);
  }
  absl::MutexLock lock(&wanted.flight->mutex);
  wanted.flight->result = std::move(result);
  wanted.flight->landed = true;
}

void BlockCache::Insert(const ObjectVersion& version, int64_t index, Block block) {
  KeepInMemory(version.BlockAt(index), block);
  QueueForDisk(version, index, block);
}

void BlockCache::QueueForDisk(const ObjectVersion& version, int64_t index, const Block& block) {
  if (disk_ == nullptr) return;
  absl::MutexLock lock(&disk_mutex_);
  // A disk that is slower than the storage must not slow the readers down, nor fill the memory.
  if (disk_queue_.size() >= kLongestDiskQueue) return;
  disk_queue_.push_back({std::make_shared<const ObjectVersion>(version), index, block});
}

void BlockCache::WriteToDisk() {
  while (true) {
    DiskWrite next;
    {
      const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_mutex_) { return stopping_ || !disk_queue_.empty(); };
      absl::MutexLock lock(&disk_mutex_, absl::Condition(&ready));
      if (disk_queue_.empty()) return;
      next = std::move(disk_queue_.front());
      disk_queue_.pop_front();
      disk_writing_ = true;
    }
    const int evicted = disk_->Write(*next.version, next.index, *next.block);
    evictions_.With({"disk"}).Increment(evicted);
    absl::MutexLock lock(&disk_mutex_);
    disk_writing_ = false;
  }
}

void BlockCache::Flush() {
  const auto quiet = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_mutex_) { return disk_queue_.empty() && !disk_writing_; };
  absl::MutexLock lock(&disk_mutex_, absl::Condition(&quiet));
}

}  // namespace arpent::storage
