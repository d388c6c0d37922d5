#include "common/simulate/site.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/geo/period.h"
#include "common/geo/sun.h"
#include "common/geo/tile.h"
#include "common/geo/transform.h"
#include "common/insitu/parcel_writer.h"
#include "common/scene/safe_writer.h"
#include "common/simulate/ground.h"
#include "common/simulate/l2a_writer.h"
#include "common/simulate/noise.h"
#include "common/simulate/scene_simulation.h"
#include "common/simulate/truth_layers.h"

namespace arpent::simulate {
namespace {

namespace fs = std::filesystem;
using raster::Image;

constexpr int kWgs84 = 4326;
constexpr int kOrbits[] = {122, 22};
constexpr uint64_t kSurveyed = 800;
constexpr double kFewestParcels = 320;  // a small site has most of its fields surveyed, a large one a quarter

// A tile and what of it is seen.
struct SeenTile {
  geo::TileId tile;
  geo::Grid grid;
};

// The lattice positions of cells, each once, in order.
using Cells = std::vector<std::pair<int64_t, int64_t>>;

absl::Status CheckOptions(const SiteOptions& options) {
  const auto invalid = [](const std::string& what) { return absl::InvalidArgumentError(what); };
  if (options.size < 60 || options.size > geo::kTilePixels10m || options.size % 6 != 0) {
    return invalid(absl::StrCat("--size ", options.size, ": must be a multiple of 6 from 60 to ", geo::kTilePixels10m));
  }
  if (options.dates < 1 || options.dates > 1000) return invalid("--dates: must be 1 to 1000");
  if (options.orbits < 1 || options.orbits > 2) return invalid("--orbits: must be 1 or 2");
  if (options.tiles.empty()) return invalid("--tiles: name at least one");
  if (!(options.first < options.last)) return invalid("--start must be before --end");
  if (!(options.cloud_cover >= 0 && options.cloud_cover <= 1)) return invalid("--clouds: must be 0 to 1");
  return absl::OkStatus();
}

// The window of each tile that is seen: around the middle of all tiles, so that neighbours' windows meet and overlap.
absl::StatusOr<geo::Grid> SeenGrid(const geo::TileId& tile, int size, double longitude, double latitude) {
  ARPENT_ASSIGN_OR_RETURN(const geo::Transform to_tile, geo::Transform::Create(kWgs84, tile.epsg()));
  double x = longitude, y = latitude;
  to_tile.Forward(x, y);
  const geo::Grid whole = tile.GridAt(10);
  const auto corner = [size](double offset_m, int pixels) {
    const int first = static_cast<int>(std::floor(offset_m / 10 - size / 2.0)) / 6 * 6;
    return std::clamp(first, 0, (pixels - size) / 6 * 6);
  };
  return whole.Sub({corner(x - whole.west, whole.width), corner(whole.north - y, whole.height), size, size});
}

absl::StatusOr<std::vector<SeenTile>> SeenTiles(const SiteOptions& options) {
  std::vector<SeenTile> tiles;
  double longitude = 0, latitude = 0;
  for (const std::string& name : options.tiles) {
    ARPENT_ASSIGN_OR_RETURN(const geo::TileId tile, geo::TileId::Parse(name));
    const geo::Extent square = tile.Square();
    double x = (square.west + square.east) / 2, y = (square.south + square.north) / 2;
    ARPENT_ASSIGN_OR_RETURN(const geo::Transform to_degrees, geo::Transform::Create(tile.epsg(), kWgs84));
    to_degrees.Forward(x, y);
    longitude += x / options.tiles.size();
    latitude += y / options.tiles.size();
    tiles.push_back({tile, {}});
  }
  for (SeenTile& seen : tiles) {
    ARPENT_ASSIGN_OR_RETURN(seen.grid, SeenGrid(seen.tile, options.size, longitude, latitude));
  }
  return tiles;
}

// Angles that hardly change over a tile, at the nodes that the product format wants.
scene::AngleGrid Even(const geo::Grid& grid, const geo::SunAngle& angle, double slope_deg) {
  scene::AngleGrid angles;
  const int nodes_x = grid.width * 10 / 5000 + 2, nodes_y = grid.height * 10 / 5000 + 2;
  angles.zenith_deg = Image<float>(nodes_x, nodes_y);
  angles.azimuth_deg = Image<float>(nodes_x, nodes_y, static_cast<float>(angle.azimuth_deg));
  for (int y = 0; y < nodes_y; ++y) {
    for (int x = 0; x < nodes_x; ++x) {
      angles.zenith_deg(x, y) = static_cast<float>(angle.zenith_deg + slope_deg * (x - nodes_x / 2.0) / 20);
    }
  }
  return angles;
}

absl::StatusOr<scene::SceneMetadata> MetadataOf(const SiteOptions& options, const SeenTile& tile, int index) {
  const int span = static_cast<int>(options.last - options.first);
  const absl::CivilDay day = options.first + (options.dates == 1 ? span / 2 : span * index / (options.dates - 1));
  const int orbit = index % options.orbits;
  scene::SceneMetadata metadata;
  metadata.platform = index % 2 == 0 ? "S2A" : "S2B";
  metadata.tile = tile.tile.name();
  metadata.sensing_start = absl::FromCivil(absl::CivilSecond(day.year(), day.month(), day.day(), 10, 0, 31), absl::UTCTimeZone());
  metadata.generation_time = metadata.sensing_start + absl::Hours(3);
  metadata.relative_orbit = kOrbits[orbit];
  metadata.processing_baseline = options.baseline;
  metadata.grid = metadata.tile_grid = tile.grid;
  metadata.bands = scene::Sentinel2Bands(options.baseline >= "04.00" ? -1000 : 0);
  const geo::Grid& grid = metadata.grid;
  double x = grid.CentreX(grid.width / 2), y = grid.CentreY(grid.height / 2);
  ARPENT_ASSIGN_OR_RETURN(const geo::Transform to_degrees, geo::Transform::Create(grid.epsg, kWgs84));
  to_degrees.Forward(x, y);
  const geo::SunAngle sun = geo::SunAt(metadata.sensing_start, x, y);
  metadata.mean_sun_zenith_deg = sun.zenith_deg;
  metadata.mean_sun_azimuth_deg = sun.azimuth_deg;
  metadata.sun = Even(grid, sun, 0);
  for (size_t band = 0; band < metadata.bands.size(); ++band) {
    // From the west edge of one swath or the east edge of the other.
    const geo::SunAngle view{3.0 + 4.0 * orbit + 0.02 * band, orbit == 0 ? 105.0 : 286.0};
    metadata.view.push_back(Even(grid, view, 0.5));
    metadata.mean_view_zenith_deg.push_back(view.zenith_deg);
    metadata.mean_view_azimuth_deg.push_back(view.azimuth_deg);
  }
  metadata.product_id = scene::SafeProductId(metadata);
  metadata.acquisition = absl::StrFormat("%s_%s_R%03d_T%s", metadata.platform,
                                         absl::FormatTime("%Y%m%dT%H%M%S", metadata.sensing_start, absl::UTCTimeZone()),
                                         metadata.relative_orbit, metadata.tile);
  return metadata;
}

// Cells that lie wholly inside of what is seen become parcels; a quarter of them is surveyed, on a small site all.
absl::Status WriteSurvey(const SiteOptions& options, const Landscape& landscape, const std::vector<SeenTile>& tiles,
                         const Cells& seen) {
  const double share = std::clamp(kFewestParcels / seen.size(), 0.25, 1.0);
  const geo::Grid& first = tiles.front().grid;
  const geo::Extent extent = first.extent();
  std::vector<insitu::WrittenParcel> parcels;
  for (const auto& [x, y] : seen) {
    if (Uniform(options.seed + kSurveyed, x, y) >= share) continue;
    insitu::WrittenParcel parcel;
    parcel.outline = landscape.CellOutline(x, y, 15);
    if (parcel.outline.size() < 6) continue;
    bool inside = tiles.size() > 1;  // with several tiles the site reaches past the first one's window
    if (!inside) {
      inside = true;
      for (size_t i = 0; i + 1 < parcel.outline.size(); i += 2) {
        inside &= parcel.outline[i] > extent.west && parcel.outline[i] < extent.east &&
                  parcel.outline[i + 1] > extent.south && parcel.outline[i + 1] < extent.north;
      }
    }
    if (!inside) continue;
    const CoverInfo& info = InfoOf(landscape.CoverOf(x, y));
    parcel.id = static_cast<int>(parcels.size()) + 1;
    parcel.crop = info.is_crop;
    parcel.land_cover = info.name;
    // Codes of what is no crop are needed by the format; they stand apart from crop codes.
    parcel.code = info.is_crop ? info.code : 900 + static_cast<int>(info.cover);
    parcels.push_back(std::move(parcel));
  }
  return insitu::WriteParcels(options.folder + "/parcels.gpkg", first.epsg, parcels);
}

absl::Status WriteSiteFile(const SiteOptions& options, const std::vector<SeenTile>& tiles) {
  std::vector<std::string> names;
  for (const SeenTile& tile : tiles) names.push_back(tile.tile.name());
  std::string yaml = absl::StrCat(
      "# A simulated site: `arpent run start -f site.yaml --local` runs it. Truth lies in truth/.\n", "name: ", options.name,
      "\narea: \"tiles:", absl::StrJoin(names, ","), "\"\ninputs: [{uri: ", options.level_l2a ? "l2a" : "l1c",
      ", kind: ", options.level_l2a ? "arpent-l2a" : "sentinel2-l1c", "}]\n");
  absl::StrAppend(&yaml, "auxiliary: {", options.relief_m > 0 ? "dem: dem.tif, " : "", "aerosol: ", options.aerosol, "}\n");
  absl::StrAppend(&yaml, "seasons: [{name: \"", options.first.year(), "\", start: ", geo::FormatDay(options.first), ", end: ",
                  geo::FormatDay(options.last), ", products: [composite, crop-mask, crop-type, map]}]\n",
                  "parcels: {file: parcels.gpkg, columns: {id: ID, crop: CROP, land_cover: LC, code: CODE, irrigation: "
                  "IRRIGATION}}\n");
  std::ofstream file(options.folder + "/site.yaml");
  file << yaml;
  file.close();
  return file ? absl::OkStatus() : absl::ResourceExhaustedError(options.folder + "/site.yaml: cannot be written");
}

void AddCells(const Ground& ground, Cells& cells) {
  for (const Cell& cell : ground.cells()) cells.emplace_back(cell.x, cell.y);
  std::sort(cells.begin(), cells.end());
  cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
}

absl::Status WriteScene(const SiteOptions& options, const Ground& ground, const SceneSimulation& scene) {
  if (options.truth) ARPENT_RETURN_IF_ERROR(WriteSceneTruth(options, scene));
  if (options.level_l2a) return WriteL2aProduct(options, ground, scene);
  scene::SceneMetadata described = scene.metadata();
  described.cloud_percent = 100 * scene.CloudShare();
  const auto source = [&scene](const scene::Band& band) -> absl::StatusOr<std::unique_ptr<scene::RowSource>> {
    return scene.DigitalNumbers(scene.metadata().BandIndex(band.name));
  };
  return scene::WriteSafe(options.folder + "/l1c", described, source, scene.CloudMask(), options.threads).status();
}

}  // namespace

absl::Status SimulateSite(const SiteOptions& options) {
  ARPENT_RETURN_IF_ERROR(CheckOptions(options));
  std::error_code error;
  fs::create_directories(options.folder, error);
  if (error) return absl::PermissionDeniedError(absl::StrCat(options.folder, ": ", error.message()));
  ARPENT_ASSIGN_OR_RETURN(const kernels::RadiativeInputs inputs, ReadRadiativeInputs(options.radiative_data));
  const Landscape landscape(options.seed, options.parcel_m);
  ARPENT_ASSIGN_OR_RETURN(const std::vector<SeenTile> tiles, SeenTiles(options));
  std::vector<geo::Grid> grids;
  for (const SeenTile& tile : tiles) grids.push_back(tile.grid);
  if (options.relief_m > 0) ARPENT_RETURN_IF_ERROR(WriteElevation(options, landscape, grids));
  Cells cells;
  const size_t total = tiles.size() * options.dates;
  size_t done = 0;
  for (const SeenTile& tile : tiles) {  // the ground of one tile at a time lies in memory
    options.progress("ground of " + tile.tile.name(), static_cast<double>(done) / total);
    ARPENT_ASSIGN_OR_RETURN(const Ground ground, Ground::Create(landscape, tile.grid, tiles.front().tile.epsg(),
                                                                options.relief_m, options.threads));
    AddCells(ground, cells);
    if (options.truth) ARPENT_RETURN_IF_ERROR(WriteTileTruth(options, tile.tile.name(), ground));
    for (int index = 0; index < options.dates; ++index) {
      options.progress("scenes", static_cast<double>(done++) / total);
      ARPENT_ASSIGN_OR_RETURN(scene::SceneMetadata metadata, MetadataOf(options, tile, index));
      ARPENT_ASSIGN_OR_RETURN(const SceneSimulation scene,
                              SceneSimulation::Create(options, inputs, landscape, ground, std::move(metadata), index));
      ARPENT_RETURN_IF_ERROR(WriteScene(options, ground, scene));
    }
  }
  ARPENT_RETURN_IF_ERROR(WriteSurvey(options, landscape, tiles, cells));
  options.progress("scenes", 1);
  return WriteSiteFile(options, tiles);
}

}  // namespace arpent::simulate
