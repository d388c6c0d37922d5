#include "common/simulate/truth_layers.h"

#include <cmath>
#include <filesystem>

#include "common/geo/transform.h"
#include "common/simulate/block_writer.h"

namespace arpent::simulate {
namespace {

namespace fs = std::filesystem;
using raster::Image;
using raster::View;

template <typename T>
absl::Status WriteRaster(const fs::path& path, const geo::Grid& grid, product::RasterOptions options, int threads,
                         const Fill<T>& fill) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return absl::PermissionDeniedError(absl::StrCat(path.parent_path().string(), ": ", error.message()));
  options.type = product::PixelTypeOf<T>();
  ARPENT_ASSIGN_OR_RETURN(const auto writer, product::RasterWriter::Create(path.string(), grid, options, threads));
  ARPENT_RETURN_IF_ERROR(WriteBlocks<T>(*writer, grid, threads, fill));
  return writer->Finish().status();
}

// Scaled reflectance of a band in a window.
void FillReflectance(const SceneSimulation& scene, int band, const geo::Window& window, View<int16_t> out) {
  Image<float> truth(window.width, window.height);
  scene.Reflectance(band, window, truth.view());
  for (int y = 0; y < window.height; ++y) {
    for (int x = 0; x < window.width; ++x) out(x, y) = static_cast<int16_t>(std::floor(truth(x, y) * 10000 + 0.5f));
  }
}

}  // namespace

absl::Status WriteSceneTruth(const SiteOptions& options, const SceneSimulation& scene) {
  const fs::path folder = fs::path(options.folder) / "truth" / scene.metadata().tile / scene.metadata().acquisition;
  const geo::Grid& grid = scene.metadata().grid;
  const int threads = options.threads;
  for (size_t band = 0; band < scene.metadata().bands.size(); ++band) {
    const scene::Band& info = scene.metadata().bands[band];
    if (info.name == "B10") continue;  // no surface is seen there
    ARPENT_RETURN_IF_ERROR(WriteRaster<int16_t>(folder / (info.name + ".tif"), grid.WithPixel(info.resolution_m),
                                                {.no_data = raster::kReflectanceNoData, .scale = 1e-4}, threads,
                                                [&](const geo::Window& window, View<int16_t> out) {
                                                  FillReflectance(scene, static_cast<int>(band), window, out);
                                                }));
  }
  const geo::Grid coarse = grid.WithPixel(20);
  ARPENT_RETURN_IF_ERROR(WriteRaster<uint8_t>(folder / "CLOUD.tif", coarse, {}, threads, From(scene.Clouds())));
  ARPENT_RETURN_IF_ERROR(WriteRaster<uint8_t>(folder / "SHADOW.tif", coarse, {}, threads, From(scene.Shadows())));
  ARPENT_RETURN_IF_ERROR(WriteRaster<uint16_t>(folder / "AOT.tif", coarse, {.scale = 1e-3}, threads, From(scene.Aot())));
  return WriteRaster<uint16_t>(folder / "WVP.tif", coarse, {.scale = 1e-3}, threads, From(scene.WaterVapour()));
}

absl::Status WriteTileTruth(const SiteOptions& options, const std::string& tile, const Ground& ground) {
  return WriteRaster<uint16_t>(fs::path(options.folder) / "truth" / tile / "crop.tif", ground.grid(),
                               {.overviews = product::OverviewKind::kNearest}, options.threads,
                               [&](const geo::Window& window, View<uint16_t> out) {
                                 for (int y = 0; y < window.height; ++y) {
                                   for (int x = 0; x < window.width; ++x) {
                                     const Cell& cell = ground.cells()[ground.CellAt(window.x + x, window.y + y)];
                                     out(x, y) = static_cast<uint16_t>(InfoOf(cell.cover).code);
                                   }
                                 }
                               });
}

absl::Status WriteElevation(const SiteOptions& options, const Landscape& landscape, const std::vector<geo::Grid>& grids) {
  constexpr double kPixel_m = 10, kManyTilesPixel_m = 30, kMargin_m = 600;
  const geo::Grid& first = grids.front();
  geo::Extent extent = first.extent();
  for (const geo::Grid& grid : grids) {
    ARPENT_ASSIGN_OR_RETURN(const geo::Extent other, geo::TransformExtent(grid.extent(), grid.epsg, first.epsg));
    extent = {std::min(extent.west, other.west), std::min(extent.south, other.south), std::max(extent.east, other.east),
              std::max(extent.north, other.north)};
  }
  geo::Grid grid = first;
  grid.pixel_m = grids.size() == 1 ? kPixel_m : kManyTilesPixel_m;
  // Slopes are wanted at the scenes' edges too.
  grid.west = std::floor((extent.west - kMargin_m) / grid.pixel_m) * grid.pixel_m;
  grid.north = std::ceil((extent.north + kMargin_m) / grid.pixel_m) * grid.pixel_m;
  grid.width = static_cast<int>(std::ceil((extent.east + kMargin_m - grid.west) / grid.pixel_m));
  grid.height = static_cast<int>(std::ceil((grid.north - extent.south + kMargin_m) / grid.pixel_m));
  return WriteRaster<float>(options.folder + "/dem.tif", grid, {}, options.threads,
                            [&](const geo::Window& window, View<float> out) {
                              LandscapeWalk walk(landscape);
                              for (int y = 0; y < window.height; ++y) {
                                for (int x = 0; x < window.width; ++x) {
                                  const double east = grid.CentreX(window.x + x), north = grid.CentreY(window.y + y);
                                  out(x, y) = static_cast<float>(walk.ElevationAt(east, north, options.relief_m));
                                }
                              }
                            });
}

}  // namespace arpent::simulate
