// Copies objects between stores: how scenes get into the store of a cluster and products out of it.
#ifndef ARPENT_SERVICES_CLI_STORAGE_COPY_H_
#define ARPENT_SERVICES_CLI_STORAGE_COPY_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "common/storage/object_store.h"

namespace arpent::cli {

struct CopyResult {
  int64_t objects = 0;
  int64_t bytes = 0;
};

// The object `from_path`, or everything below the folder of that name, to the same names below `to_path`; what is there
// is replaced. The items of products go last: what looks published is whole. An object that is replaced meanwhile is copied
// as it is then; one that is gone since it was listed is left out. NOT_FOUND when there is nothing to copy;
// after another error what was copied stays.
absl::StatusOr<CopyResult> CopyObjects(storage::ObjectStore& from, const std::string& from_path, storage::ObjectStore& to,
                                       const std::string& to_path);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_STORAGE_COPY_H_
