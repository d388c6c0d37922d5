// What the XML files of a Sentinel-2 L1C (and L2A) product say: both layouts (since 2016 one tile, before many), any baseline.
// Parsing only: no file is opened here.
#ifndef ARPENT_COMMON_SCENE_SAFE_METADATA_H_
#define ARPENT_COMMON_SCENE_SAFE_METADATA_H_

#include <array>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/scene/scene.h"

namespace arpent::scene {

inline constexpr int kSentinel2Bands = 13;
// In the order of the metadata's bandId.
extern const std::array<const char*, kSentinel2Bands> kSentinel2BandNames;
extern const std::array<int, kSentinel2Bands> kSentinel2BandResolutions_m;

// MTD_MSIL1C.xml, S2A_OPER_MTD_SAFL1C_*.xml or MTD_MSIL2A.xml.
struct SafeProductMetadata {
  std::string platform;  // "S2A"
  std::string processing_baseline;
  absl::Time datatake_start, generation_time;
  int relative_orbit = 0;
  double quantification = 10000;
  std::array<double, kSentinel2Bands> offsets = {};
  std::array<double, kSentinel2Bands> solar_irradiance = {};
  uint16_t no_data = 0, saturated = 65535;
  double earth_sun_u = 1;
  double aot_quantification = 1000;  // of Level-2A
  double cloud_percent = -1;
};

// MTD_TL.xml or S2A_OPER_MTD_L1C_TL_*.xml. Angle grids of several detectors are merged: a node takes the first detector
// that saw it.
struct SafeTileMetadata {
  std::string tile;          // "33TVL"
  std::string datastrip_id;  // "" when absent
  geo::Grid grid;    // of 10 m pixels, as the metadata states it
  AngleGrid sun;     // empty when absent or all NaN
  std::array<AngleGrid, kSentinel2Bands> view;
  double mean_sun_zenith_deg = 0, mean_sun_azimuth_deg = 0;
  std::array<double, kSentinel2Bands> mean_view_zenith_deg = {}, mean_view_azimuth_deg = {};
  double cloud_percent = -1;
  std::vector<std::string> notes;
};

// One object of manifest.safe.
struct ManifestEntry {
  std::string path;      // relative to the product
  std::string checksum;  // "md5:..." in lower case, "" when the manifest has none
};

// Each: INVALID_ARGUMENT naming `file` and the element that is missing or wrong.
absl::StatusOr<SafeProductMetadata> ParseSafeProduct(absl::string_view xml, const std::string& file);
absl::StatusOr<SafeProductMetadata> ParseSafeL2aProduct(absl::string_view xml, const std::string& file);
absl::StatusOr<SafeTileMetadata> ParseSafeTile(absl::string_view xml, const std::string& file);
absl::StatusOr<std::vector<ManifestEntry>> ParseSafeManifest(absl::string_view xml, const std::string& file);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_SAFE_METADATA_H_
