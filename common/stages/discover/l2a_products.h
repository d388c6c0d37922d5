// Finds our own published L2A products below a folder: an input of kind `arpent-l2a`.
#ifndef ARPENT_COMMON_STAGES_DISCOVER_L2A_PRODUCTS_H_
#define ARPENT_COMMON_STAGES_DISCOVER_L2A_PRODUCTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/scene/scene.h"
#include "common/storage/stores.h"

namespace arpent::stages {

// One scene of kind "arpent-l2a" per item.json; its digest is the product's key and its uri the product's folder. Items that
// are damaged or no L2A are rejected with their reason. NOT_FOUND when the folder does not exist.
absl::StatusOr<scene::SceneListing> ListL2aProducts(const storage::StoreSet& stores, const std::string& uri, int threads);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_DISCOVER_L2A_PRODUCTS_H_
