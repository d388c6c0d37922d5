// Sentinel-2 L1C products in SAFE format as scenes: folder or .zip, one tile or many, any processing baseline.
#ifndef ARPENT_COMMON_SCENE_SAFE_SCENE_H_
#define ARPENT_COMMON_SCENE_SAFE_SCENE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/scene/product_folder.h"
#include "common/scene/scene.h"

namespace arpent::scene {

// Whether the folder's files look like a Sentinel-2 L1C product (it has the product's metadata file).
bool IsSafeL1c(const ProductFolder& folder);

// What the metadata say of each tile in the product, without looking into its images: enough to list a product whose
// images are missing or damaged. INVALID_ARGUMENT naming the file when the metadata are wrong.
absl::StatusOr<std::vector<SceneMetadata>> DescribeSafe(const ProductFolder& folder);

// Opens the tile's images: every band must be there and whole (DATA_LOSS naming the file), all on one georeference
// (INVALID_ARGUMENT naming the band that differs). `tile` may be empty when the product has one.
absl::StatusOr<std::unique_ptr<Scene>> OpenSafe(const ProductFolder& folder, const std::string& tile);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_SAFE_SCENE_H_
