// A delivered scene of one tile, whatever its format: what it is, where it lies, how digital numbers become reflectance.
// Implementations: safe_scene.h (Sentinel-2 L1C), landsat_scene.h. Readers check everything that they use.
#ifndef ARPENT_COMMON_SCENE_SCENE_H_
#define ARPENT_COMMON_SCENE_SCENE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/digest.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"
#include "common/storage/stores.h"

namespace arpent::scene {

// reflectance = (DN + offset) / quantification; DN `no_data` is no-data, DN >= `saturated` is saturated.
struct Band {
  std::string name;          // "B01" .. "B12", "B8A" (Sentinel-2), "B1" .. "B9" (Landsat)
  std::string uri;           // of the file, for errors
  int resolution_m = 10;
  double quantification = 10000;
  double offset = 0;         // DN; -1000 since baseline 04.00
  uint16_t no_data = 0;
  uint16_t saturated = 65535;
  double solar_irradiance = 0;  // W/m2/um, 0 when the metadata does not say
};

// Zenith and azimuth in degrees on a coarse grid over the whole tile (Sentinel-2: 5000 m; values at the nodes, the first
// node on the tile's upper left corner). NaN where the sensor did not look.
struct AngleGrid {
  double step_m = 5000;
  raster::Image<float> zenith_deg;
  raster::Image<float> azimuth_deg;
};

struct SceneMetadata {
  std::string product_id;        // folder or file name without ".SAFE", ".zip"
  std::string platform;          // "S2A", "S2B", "S2C", "LC08", "LC09"
  std::string acquisition;       // "S2A_20150711T100008_R122_T33TVL", "LC08_20210619T101530_195025"
  std::string tile;              // "33TVL", "195025"
  absl::Time sensing_start;
  absl::Time generation_time;    // of this version
  int relative_orbit = 0;
  std::string processing_baseline;  // "04.00"; empty for Landsat
  geo::Grid grid;                // of the pixels delivered, at the finest resolution (10 or 30 m)
  geo::Grid tile_grid;           // of the whole tile at that resolution (angle grids refer to its corner)
  std::vector<Band> bands;
  AngleGrid sun;
  double mean_sun_zenith_deg = 0, mean_sun_azimuth_deg = 0;
  // Per band, in the order of `bands`; the detectors are merged (each node takes the detector that sees it).
  std::vector<AngleGrid> view;
  std::vector<double> mean_view_zenith_deg, mean_view_azimuth_deg;
  double cloud_percent = -1;     // as the metadata claims; -1 unknown
  double ozone_atmcm = -1, water_vapour_gcm2 = -1, pressure_hpa = -1;  // from auxiliary data; -1 unknown
  double earth_sun_u = 1;        // reflectance conversion U, for the record
  HexDigest digest;              // identity of the delivered bytes, see design: identity
  std::vector<std::string> notes;  // documented fallbacks taken ("view angles: means, the grid is missing")

  const Band* FindBand(const std::string& name) const;
  int BandIndex(const std::string& name) const;  // -1 when absent
};

// Reads pixels of a scene. Thread-safe: bands and windows may be read in parallel.
class Scene {
 public:
  virtual ~Scene() = default;
  virtual const SceneMetadata& metadata() const = 0;

  // Digital numbers of the window (in the band's own pixels). DATA_LOSS naming the file when it cannot be decoded.
  virtual absl::StatusOr<raster::Image<uint16_t>> ReadBand(const std::string& band, const geo::Window& window) const = 0;

  // The band at 1/2^level of its size (JPEG 2000 resolution levels; cheap). level 0 is the whole band.
  virtual absl::StatusOr<raster::Image<uint16_t>> ReadReduced(const std::string& band, int level) const = 0;
};

// Opens a scene by URI ("input:/l1c/X.SAFE", ".../X.zip", a multi-tile product with "#T33TVL" behind it, a Landsat
// folder). NOT_FOUND; INVALID_ARGUMENT when it is no scene or its metadata is wrong; DATA_LOSS when files that the
// metadata names are missing or cut short (checked without decoding).
absl::StatusOr<std::unique_ptr<Scene>> OpenScene(std::shared_ptr<const storage::StoreSet> stores, const std::string& uri);

// One scene that `discover` found.
struct FoundScene {
  std::string uri;           // as OpenScene takes it
  std::string kind;          // "sentinel2-l1c", "landsat-l1", "sentinel2-l2a", "maja-l2a", "arpent-l2a"
  std::string product_id;
  std::string platform, acquisition, tile;
  absl::Time sensing_start, generation_time;
  std::string processing_baseline;
  HexDigest digest;
  double cloud_percent = -1;
  double west_deg = 0, south_deg = 0, east_deg = 0, north_deg = 0;  // footprint box
};

// What `discover` could not identify, with the reason.
struct RejectedInput {
  std::string uri;
  absl::Status status;
};

struct SceneListing {
  std::vector<FoundScene> scenes;      // sorted by acquisition, then uri; superseded versions are all listed
  std::vector<RejectedInput> rejected;
};

// Lists and identifies the scenes below `uri` (folder, bucket prefix, STAC item/catalogue). `kind` is what the site
// declares for the input.
absl::StatusOr<SceneListing> ListScenes(std::shared_ptr<const storage::StoreSet> stores, const std::string& uri,
                                        const std::string& kind, int threads);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_SCENE_H_
