// Level-2A products of ESA and Sen2Cor (SAFE format, layout of 2018 and later) as surface reflectance of one date.
//
// QA bits follow the scene classification (SCL): no-data, saturated, cloud (8, 9), cirrus (10), cloud shadow, snow, water. What
// SCL does not tell (cloud-adjacent, terrain shadow, interpolated AOT) stays unset. AOT 0 is none.
#ifndef ARPENT_COMMON_SCENE_SEN2COR_L2A_H_
#define ARPENT_COMMON_SCENE_SEN2COR_L2A_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/scene/product_folder.h"
#include "common/scene/reflectance.h"
#include "common/scene/scene.h"

namespace arpent::scene {

// Whether the folder has a Level-2A product's metadata file.
bool IsSen2CorL2a(const ProductFolder& folder);

// What the metadata say, without looking into images. `bands` stays empty. INVALID_ARGUMENT naming file and element.
absl::StatusOr<SceneMetadata> DescribeSen2Cor(const ProductFolder& folder);

// B02 B03 B04 B08 at 10 m, B05 B06 B07 B8A B11 B12 at 20 m, SCL and AOT at 20 m must be there and whole, else DATA_LOSS naming
// the file; B01 and B09 (60 m) are optional.
absl::StatusOr<std::unique_ptr<Reflectance>> OpenSen2Cor(const ProductFolder& folder);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_SEN2COR_L2A_H_
