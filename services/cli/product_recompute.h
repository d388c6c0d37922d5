// Computes a published product again, on this machine and into a folder of its own, and compares it with what is published.
#ifndef ARPENT_SERVICES_CLI_PRODUCT_RECOMPUTE_H_
#define ARPENT_SERVICES_CLI_PRODUCT_RECOMPUTE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "arpent/product/v1/product.pb.h"
#include "common/stages/stage.h"
#include "common/storage/stores.h"

namespace arpent::cli {

// The task that made a product, from its item, its run.json and its folder's name. FAILED_PRECONDITION when this program has
// another version of the stage, or when what they say does not give the product's key.
absl::StatusOr<stages::TaskSpec> TaskOf(const product::ProductDescription& item, const std::string& run_record,
                                        const arpent::product::v1::Product& product);

struct RecomputeOptions {
  // A store by its name in the inputs' URIs.
  std::function<absl::StatusOr<std::shared_ptr<storage::ObjectStore>>(const std::string& name)> open_store;
  std::string tables;  // folder; empty: the default one
  int threads = 0;     // 0: as the cgroup allows
};

// OK: same key, same pixels, same bytes of every asset. DATA_LOSS naming the asset that differs. FAILED_PRECONDITION when
// this program has another version of the stage or other tables, or the item does not say all that made it: nothing was
// computed then. Otherwise the stage's own error (an input is gone, ...).
absl::Status Recompute(const RecomputeOptions& options, const arpent::product::v1::Product& product);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_PRODUCT_RECOMPUTE_H_
