#include "common/storage/object_store_contract.h"

#include "common/storage/file_store.h"

namespace arpent::storage {
namespace {

std::shared_ptr<ObjectStore> MakeFileStore(const std::string& folder) {
  auto store = FileStore::Open(folder + "/store", {.create_root = true});
  return store.ok() ? *store : nullptr;
}

INSTANTIATE_TEST_SUITE_P(File, ObjectStoreContract, ::testing::Values(StoreMaker(&MakeFileStore)));

}  // namespace
}  // namespace arpent::storage
