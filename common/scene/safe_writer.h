// Writes a Sentinel-2 L1C product in the SAFE format: for simulated scenes and tests of readers.
#ifndef ARPENT_COMMON_SCENE_SAFE_WRITER_H_
#define ARPENT_COMMON_SCENE_SAFE_WRITER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/raster/image.h"
#include "common/scene/jpeg2000_writer.h"
#include "common/scene/scene.h"

namespace arpent::scene {

// Digital numbers of a band over the whole scene, at the band's own resolution. Called from several threads.
using BandSource = std::function<absl::StatusOr<std::unique_ptr<RowSource>>(const Band& band)>;

// Writes {product_id}.SAFE below the local `folder` and returns its path. Used of `metadata`: product_id, platform, tile,
// sensing_start, generation_time, relative_orbit, processing_baseline, grid (at 10 m, whole 60 m pixels), bands (names,
// quantification, offset, solar irradiance), sun and view angles, cloud_percent. `cloud_mask` is at 60 m, 1 under opaque
// clouds; it is written as polygons (GML), since baseline 04.00 as a raster. One detector a band. Images are lossless
// JPEG 2000, `threads` at a time; the same input gives the same bytes. The folder appears only when it is complete.
absl::StatusOr<std::string> WriteSafe(const std::string& folder, const SceneMetadata& metadata, const BandSource& bands,
                                      const raster::Image<uint8_t>& cloud_mask, int threads);

// "S2A_MSIL1C_20210611T100031_N0204_R122_T33TVL_20210611T120000".
std::string SafeProductId(const SceneMetadata& metadata);

// The 13 bands of Sentinel-2 with `offset` and the mean solar irradiance of Sentinel-2A.
std::vector<Band> Sentinel2Bands(double offset);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_SAFE_WRITER_H_
