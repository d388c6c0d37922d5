// Removes from the output store what no current product needs.
#ifndef ARPENT_SERVICES_CLI_STORAGE_SWEEP_H_
#define ARPENT_SERVICES_CLI_STORAGE_SWEEP_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "arpent/product/v1/product_service.pb.h"
#include "common/storage/object_store.h"

namespace arpent::cli {

struct SweepResult {
  std::vector<std::string> removed;  // paths, sorted
  int64_t bytes = 0;
};

// Published product folders that `current` does not list. Never inputs/, never what a current product lies in. The item of a
// product goes before its assets, so that an interrupted sweep leaves nothing that looks whole. Folders without an item
// (a publication under way) stay.
absl::StatusOr<SweepResult> SweepOutput(storage::ObjectStore& output,
                                        const arpent::product::v1::ListProductsResponse& current, bool dry_run);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_STORAGE_SWEEP_H_
