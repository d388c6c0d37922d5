// Gathers what the report shows of published products: thumbnails, masks and maps with their legends, validation.
#ifndef ARPENT_COMMON_REPORT_COLLECT_H_
#define ARPENT_COMMON_REPORT_COLLECT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/report/report.h"
#include "common/storage/stores.h"

namespace arpent::report {

struct ProductRef {
  std::string stage, uri, tile, unit;
};

// Adds galleries and accuracies of `products` to `report`, in the order of the chain. The output store must be readable
// through the virtual file system (storage::InstallVsiArpent). A picture that cannot be read is an error naming it.
absl::Status CollectProducts(const std::shared_ptr<const storage::StoreSet>& stores,
                             const std::vector<ProductRef>& products, Report& report);

}  // namespace arpent::report

#endif  // ARPENT_COMMON_REPORT_COLLECT_H_
