#include "common/storage/object_store_contract.h"

#include "common/storage/caching_store.h"
#include "common/storage/file_store.h"
#include "common/storage/limited_store.h"
#include "common/storage/measured_store.h"

namespace arpent::storage {
namespace {

std::shared_ptr<ObjectStore> MakeFileStore(const std::string& folder) {
  auto store = FileStore::Open(folder + "/store", {.create_root = true});
  return store.ok() ? *store : nullptr;
}

// All decorators over a folder, as the gateway stacks them; the cache is so small that blocks come and go.
struct Stack {
  SystemClock clock;
  telemetry::Metrics metrics;
  std::unique_ptr<BlockCache> cache;
  std::unique_ptr<CachingStore> store;
};

std::shared_ptr<ObjectStore> MakeStack(const std::string& folder, const BlockCacheOptions& options) {
  auto stack = std::make_shared<Stack>();
  std::shared_ptr<ObjectStore> store = MakeFileStore(folder);
  store = std::make_shared<LimitedStore>("s", store, LimitedStore::Options{.at_once = 2}, stack->clock);
  store = std::make_shared<MeasuredStore>("s", store, stack->metrics);
  stack->cache = *BlockCache::Open(options, stack->metrics);
  stack->store = std::make_unique<CachingStore>("s", store, *stack->cache, CachingStore::Options(), stack->clock);
  return {stack, stack->store.get()};
}

std::shared_ptr<ObjectStore> MakeCached(const std::string& folder) { return MakeStack(folder, {}); }
std::shared_ptr<ObjectStore> MakeCrampedWithDisk(const std::string& folder) {
  return MakeStack(folder, {.memory_bytes = 300000, .disk_folder = folder + "/blocks", .disk_bytes = 2000000,
                            .block_bytes = 65536, .blocks_per_fetch = 3});
}

INSTANTIATE_TEST_SUITE_P(File, ObjectStoreContract, ::testing::Values(StoreMaker(&MakeFileStore)));
INSTANTIATE_TEST_SUITE_P(Cached, ObjectStoreContract, ::testing::Values(StoreMaker(&MakeCached)));
INSTANTIATE_TEST_SUITE_P(CrampedWithDisk, ObjectStoreContract, ::testing::Values(StoreMaker(&MakeCrampedWithDisk)));

}  // namespace
}  // namespace arpent::storage
