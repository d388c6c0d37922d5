// Checks published products against what the coordinator remembers of them.
#ifndef ARPENT_SERVICES_CLI_PRODUCT_VERIFY_H_
#define ARPENT_SERVICES_CLI_PRODUCT_VERIFY_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "arpent/product/v1/product_service.pb.h"
#include "common/storage/object_store.h"
#include "services/cli/connection.h"

namespace arpent::cli {

// All pages.
absl::StatusOr<arpent::product::v1::ListProductsResponse> ListProducts(
    Connection& connection, arpent::product::v1::ListProductsRequest request);

// The coordinator forgets it, so that the next run makes it again. NOT_FOUND.
absl::Status ForgetProduct(Connection& connection, const std::string& key);

// Reads every asset back. NOT_FOUND for a missing file, DATA_LOSS for a wrong size or checksum; both name it.
absl::Status VerifyProduct(storage::ObjectStore& output, const arpent::product::v1::Product& product);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_PRODUCT_VERIFY_H_
