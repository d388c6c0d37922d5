// How fast the tile cache hands out bytes: one client over loopback gRPC, and readers inside the process. Prints a table of
// MB/s against wall clock and against CPU time of the whole process (client, server and checksums together).
//   cache_throughput FOLDER [MEGABYTES]
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/rpc/remote_store.h"
#include "common/rpc/server.h"
#include "common/storage/block_cache.h"
#include "common/storage/caching_store.h"
#include "common/storage/file_store.h"
#include "services/tile_cache/cache_service.h"

namespace arpent {
namespace {

constexpr size_t kRequestBytes = size_t{4} << 20;
constexpr int kRepeats = 3;

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// Reads the object from end to end in requests of 4 MB.
absl::Status ReadThrough(storage::ObjectStore& store, const storage::ObjectInfo& object) {
  std::vector<char> buffer(kRequestBytes);
  for (int64_t offset = 0; offset < object.size_bytes; offset += static_cast<int64_t>(kRequestBytes)) {
    ARPENT_RETURN_IF_ERROR(store.Read(object.path, object.etag, offset, buffer.size(), buffer.data()).status());
  }
  return absl::OkStatus();
}

// The best of some repeats.
absl::Status Row(const char* name, storage::ObjectStore& store, const storage::ObjectInfo& object) {
  double best_wall = 1e9, best_cpu = 1e9;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const absl::Time begin = absl::Now();
    const double cpu = CpuSeconds();
    ARPENT_RETURN_IF_ERROR(ReadThrough(store, object));
    best_cpu = std::min(best_cpu, CpuSeconds() - cpu);
    best_wall = std::min(best_wall, absl::ToDoubleSeconds(absl::Now() - begin));
  }
  const double megabytes = static_cast<double>(object.size_bytes) / 1e6;
  std::printf("| %-28s | %10.0f | %14.0f |\n", name, megabytes / best_wall, megabytes / best_cpu);
  std::fflush(stdout);
  return absl::OkStatus();
}

absl::Status Run(const std::string& folder, int64_t megabytes) {
  SystemClock clock;
  telemetry::Metrics metrics;
  ARPENT_ASSIGN_OR_RETURN(std::shared_ptr<storage::ObjectStore> files,
                          storage::FileStore::Open(folder + "/store", {.create_root = true}));
  int64_t left = megabytes * 1000000;
  ARPENT_ASSIGN_OR_RETURN(const storage::ObjectInfo object,
                          files->Write("object", left, [&](char* buffer, size_t capacity) -> absl::StatusOr<size_t> {
                            const size_t length = static_cast<size_t>(std::min<int64_t>(left, static_cast<int64_t>(capacity)));
                            for (size_t i = 0; i < length; ++i) buffer[i] = static_cast<char>(i * 131 + (i >> 7));
                            left -= static_cast<int64_t>(length);
                            return length;
                          }));
  const int64_t room = 2 * object.size_bytes;
  std::unique_ptr<storage::BlockCache> in_memory, on_disk, none;
  ARPENT_ASSIGN_OR_RETURN(in_memory, storage::BlockCache::Open({.memory_bytes = room}, metrics));
  ARPENT_ASSIGN_OR_RETURN(none, storage::BlockCache::Open({.memory_bytes = 0}, metrics));
  ARPENT_ASSIGN_OR_RETURN(on_disk, storage::BlockCache::Open({.memory_bytes = 0,
                                                              .disk_folder = folder + "/blocks",
                                                              .disk_bytes = room},
                                                             metrics));
  const auto cached = [&](storage::BlockCache& cache) {
    return std::make_shared<storage::CachingStore>("input", files, cache, storage::CachingStore::Options(), clock);
  };
  const auto memory = cached(*in_memory), disk = cached(*on_disk), miss = cached(*none);
  for (int64_t offset = 0; offset < object.size_bytes; offset += static_cast<int64_t>(kRequestBytes)) {
    std::vector<char> buffer(kRequestBytes);
    for (const auto& store : {memory, disk}) {
      ARPENT_RETURN_IF_ERROR(store->Read("object", object.etag, offset, buffer.size(), buffer.data()).status());
    }
    on_disk->Flush();
  }
  auto stores = std::make_shared<storage::StoreSet>();
  stores->Add("memory", memory);
  stores->Add("disk", disk);
  stores->Add("miss", miss);
  tile_cache::CacheService service(stores);
  ARPENT_ASSIGN_OR_RETURN(const auto server, rpc::Server::Start({.listen = "127.0.0.1:0"}, {&service}, metrics));
  ARPENT_ASSIGN_OR_RETURN(const auto shards, rpc::CacheShards::Connect(server->address(), {}));
  const auto remote = [&](const char* name) { return rpc::RemoteStore(name, shards, {}, clock); };
  rpc::RemoteStore remote_memory = remote("memory"), remote_disk = remote("disk"), remote_miss = remote("miss");
  std::printf("| path                         | MB/s wall  | MB per CPU-s   |\n|---|---|---|\n");
  ARPENT_RETURN_IF_ERROR(Row("file, no cache", *files, object));
  ARPENT_RETURN_IF_ERROR(Row("memory hit, in process", *memory, object));
  ARPENT_RETURN_IF_ERROR(Row("disk hit, in process", *disk, object));
  ARPENT_RETURN_IF_ERROR(Row("miss on a folder, in process", *miss, object));
  ARPENT_RETURN_IF_ERROR(Row("memory hit, over gRPC", remote_memory, object));
  ARPENT_RETURN_IF_ERROR(Row("disk hit, over gRPC", remote_disk, object));
  ARPENT_RETURN_IF_ERROR(Row("miss on a folder, over gRPC", remote_miss, object));
  return absl::OkStatus();
}

}  // namespace
}  // namespace arpent

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: cache_throughput FOLDER [MEGABYTES]\n");
    return 2;
  }
  const absl::Status status = arpent::Run(argv[1], argc > 2 ? std::atoll(argv[2]) : 400);
  if (!status.ok()) std::fprintf(stderr, "cache_throughput: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
