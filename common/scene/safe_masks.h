// The cloud mask that comes with an L1C product: polygons in GML, since baseline 04.00 a raster.
#ifndef ARPENT_COMMON_SCENE_SAFE_MASKS_H_
#define ARPENT_COMMON_SCENE_SAFE_MASKS_H_

#include <string>

#include "absl/status/status.h"
#include "common/raster/image.h"
#include "common/scene/scene.h"

namespace arpent::scene {

bool HasRasterMasks(const SceneMetadata& metadata);

// "MSK_CLOUDS_B00.gml" or "MSK_CLASSI_B00.jp2".
std::string CloudMaskFile(const SceneMetadata& metadata);

// `opaque` covers the scene at 60 m, 1 under clouds. The raster has three bands (opaque, cirrus, snow), as the format
// wants; the last two are empty.
absl::Status WriteCloudMask(const std::string& path, const SceneMetadata& metadata, const raster::Image<uint8_t>& opaque);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_SAFE_MASKS_H_
