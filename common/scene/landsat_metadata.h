// The metadata file of a Landsat 8 or 9 Level-1 product: MTL as text (Collection 1 and 2) or JSON (Collection 2). Parsing only: no
// file is opened here.
#ifndef ARPENT_COMMON_SCENE_LANDSAT_METADATA_H_
#define ARPENT_COMMON_SCENE_LANDSAT_METADATA_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/geo/grid.h"

namespace arpent::scene {

// reflectance * sin(sun elevation) = multiplicative * DN + additive.
struct LandsatBand {
  int number = 0;
  std::string file;
  double multiplicative = 0, additive = 0;
  int saturated = 65535;
};

struct LandsatMetadata {
  std::string product_id;
  std::string platform;    // "LC08", "LC09"
  std::string path_row;    // "195025"
  std::string collection;  // "01", "02"
  absl::Time scene_centre, production;
  geo::Grid grid;          // of 30 m pixels, as the metadata states it
  double sun_elevation_deg = 0, sun_azimuth_deg = 0;
  double cloud_percent = -1;
  std::vector<LandsatBand> bands;                    // 1 to 7 and 9
  std::string view_zenith_file, view_azimuth_file;   // "" in Collection 1
  std::string quality_file, saturation_file;         // BQA or QA_PIXEL; QA_RADSAT of Collection 2
};

// INVALID_ARGUMENT naming `file` and the key that is missing or wrong, also for other satellites and levels.
absl::StatusOr<LandsatMetadata> ParseLandsatMtl(absl::string_view text, const std::string& file);

// All keys with their values, whatever group they are in (the first one counts). INVALID_ARGUMENT when the text is neither form.
absl::StatusOr<std::map<std::string, std::string>> FlattenMtl(absl::string_view text, const std::string& file);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_LANDSAT_METADATA_H_
