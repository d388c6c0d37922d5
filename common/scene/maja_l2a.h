// Level-2A products of MAJA in the MUSCATE format as surface reflectance of one date: a folder or .zip with *_MTD_ALL.xml, one
// GeoTIFF per band (FRE, slope-corrected; SRE where there is no FRE), ATB (water vapour, AOT) and masks at 10 m (R1) and 20 m
// (R2). Format: CESBIO, "MAJA, Sentinel-2 output format"; bits of CLM and MG2: MAJA's documentation of masks.
//
// Scene classes are made of the masks: EDG no-data, SAT saturated, CLM clouds (9; thinnest 8; only seen at 1.38 um cirrus 10)
// and shadows, MG2 snow, water, topographic shadow (dark); of the rest NDVI above 0.415 (the middle of Sen2Cor's ramp) is
// vegetation, else bare. No product of a real MAJA run was at hand to test against.
#ifndef ARPENT_COMMON_SCENE_MAJA_L2A_H_
#define ARPENT_COMMON_SCENE_MAJA_L2A_H_

#include <memory>

#include "absl/status/statusor.h"
#include "common/scene/product_folder.h"
#include "common/scene/reflectance.h"
#include "common/scene/scene.h"

namespace arpent::scene {

bool IsMajaL2a(const ProductFolder& folder);

// What the metadata say, without looking into images. `bands` stays empty. INVALID_ARGUMENT naming file and element.
// The acquisition's time is the product's own, which is not the start of the datatake as in ESA's products.
absl::StatusOr<SceneMetadata> DescribeMaja(const ProductFolder& folder);

// B02 B03 B04 B08 at 10 m, B05 B06 B07 B8A B11 B12 at 20 m, CLM and EDG must be there, else DATA_LOSS naming the file; MG2,
// SAT, IAB and ATB are used when they are.
absl::StatusOr<std::unique_ptr<Reflectance>> OpenMaja(const ProductFolder& folder);

// Scene class and QA bits of one pixel, of the masks' bytes.
struct MajaMasks {
  uint8_t edge = 0, saturation = 0, cloud = 0, geophysical = 0, interpolated = 0;
};
uint8_t SclOfMaja(const MajaMasks& masks, double ndvi);
uint16_t QaOfMaja(const MajaMasks& masks);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_MAJA_L2A_H_
