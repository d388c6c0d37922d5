// Landsat 8 and 9 Level-1 products (Collection 1 and 2) as scenes: a folder (or .tar, .tar.gz, .zip) of GeoTIFFs with
// *_MTL.txt or *_MTL.json.
//
// Bands B1 to B7 and B9, 30 m. Level-1 numbers give reflectance times the sine of the sun's elevation, which over a scene
// changes by more than a degree; the metadata state it at the centre. ReadBand therefore gives numbers as if the sun stood
// everywhere as at the centre: reflectance = (DN + offset) / quantification then holds in every pixel (rounded to 2e-5).
// The sun's position is computed (geo/sun.h, 0.01 deg; the 25 s that a scene takes to see shift it by at most 0.06 deg). View
// angles come from Collection 2's angle bands, else they are taken as nadir (the sensor looks at most 7.5 deg aside), with a
// note.
#ifndef ARPENT_COMMON_SCENE_LANDSAT_SCENE_H_
#define ARPENT_COMMON_SCENE_LANDSAT_SCENE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "common/scene/product_folder.h"
#include "common/scene/scene.h"

namespace arpent::scene {

bool IsLandsat(const ProductFolder& folder);

// What the metadata say, without looking into images. INVALID_ARGUMENT naming file and key; also with the sun below the
// horizon.
absl::StatusOr<SceneMetadata> DescribeLandsat(const ProductFolder& folder);

// Every band must be there and whole (DATA_LOSS naming the file), all on one georeference (INVALID_ARGUMENT naming the band
// that differs); a cut or decimated scene, smaller than its metadata say, is legal.
absl::StatusOr<std::unique_ptr<Scene>> OpenLandsat(const ProductFolder& folder);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_LANDSAT_SCENE_H_
