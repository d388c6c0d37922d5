#include "common/stages/map/map_stage.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/insitu/strata.h"
#include "common/product/layout.h"
#include "common/stages/map/area_table.h"
#include "common/stages/map/map_sources.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr int kBlock = 512;
// Blocks are worked on in squares of so many, so that the overviews above them are soon complete and leave memory.
constexpr int kSquare = 8;

std::vector<geo::Window> Blocks(const geo::Grid& grid) {
  std::vector<geo::Window> blocks;
  for (int top = 0; top < grid.height; top += kSquare * kBlock) {
    for (int left = 0; left < grid.width; left += kSquare * kBlock) {
      for (int y = top; y < std::min(grid.height, top + kSquare * kBlock); y += kBlock) {
        for (int x = left; x < std::min(grid.width, left + kSquare * kBlock); x += kBlock) {
          blocks.push_back(geo::Intersection({x, y, kBlock, kBlock}, grid.Whole()));
        }
      }
    }
  }
  return blocks;
}

bool IsConfidence(const MapLayer& layer) { return layer.name == "CONF" || layer.name == "CM_CONF"; }

product::RasterOptions OptionsOf(const MapLayer& layer) {
  product::RasterOptions options;
  options.type = layer.wide ? product::PixelType::kUInt16 : product::PixelType::kUInt8;
  options.no_data = layer.wide ? raster::kUnsignedNoData : raster::kByteNoData;
  options.overviews = IsConfidence(layer) ? product::OverviewKind::kAverage : product::OverviewKind::kNearest;
  options.classes = layer.classes;
  if (IsConfidence(layer)) options.unit = "%";
  return options;
}

class MapRun {
 public:
  MapRun(const TaskSpec& task, const StageContext& context) : task_(task), context_(context) {}

  absl::StatusOr<TaskResult> Run() {
    ARPENT_ASSIGN_OR_RETURN(const std::string crs, task_.parameters.GetString("crs"));
    ARPENT_ASSIGN_OR_RETURN(sources_, OpenMapSources(task_, context_, crs));
    if (sources_.tiles.empty() || sources_.grid.width == 0) {
      TaskResult skipped;
      skipped.outcome = TaskResult::Outcome::kSkipped;
      skipped.skip_reason = "no-data";
      return skipped;
    }
    ARPENT_RETURN_IF_ERROR(ReadRegions());
    AreaTable areas(regions_.has_value() ? regions_->names() : std::vector<std::string>(), sources_.grid,
                    sources_.in_degrees);
    product::Publication publication(context_.stores, context_.scratch, Describe());
    for (const MapLayer& layer : sources_.layers) {
      ARPENT_ASSIGN_OR_RETURN(writers_[layer.name],
                              publication.CreateRaster(layer.name, sources_.grid, OptionsOf(layer), context_.threads));
    }
    ARPENT_RETURN_IF_ERROR(WriteBlocks(areas));
    std::map<std::string, std::vector<product::CodeClass>> legends;
    for (const MapLayer& layer : sources_.layers) {
      legends[layer.name] = layer.classes;
      ARPENT_RETURN_IF_ERROR(publication.FinishRaster(layer.name, std::move(writers_[layer.name])));
    }
    ARPENT_RETURN_IF_ERROR(publication.AddFile("area", "area.csv", "text/csv", "metadata", areas.Csv(legends)));
    publication.description().numbers["arpent:tiles"] = static_cast<double>(sources_.tiles.size());
    TaskResult result;
    ARPENT_ASSIGN_OR_RETURN(result.product, publication.Publish());
    result.pixels = owned_pixels_;
    result.area_km2 = static_cast<double>(owned_pixels_) *
                      PixelArea_m2(sources_.grid, sources_.in_degrees, sources_.grid.height / 2) * 1e-6;
    return result;
  }

 private:
  absl::Status ReadRegions() {
    for (const TaskInput& input : task_.inputs) {
      if (input.role != "regions") continue;
      ARPENT_ASSIGN_OR_RETURN(const std::string column, task_.parameters.GetString("region_column"));
      ARPENT_ASSIGN_OR_RETURN(regions_, insitu::Strata::Read(*context_.stores, input.uri, column, sources_.grid));
    }
    return absl::OkStatus();
  }

  absl::Status WriteBlocks(AreaTable& areas) {
    const std::vector<geo::Window> blocks = Blocks(sources_.grid);
    std::atomic<size_t> done = 0;
    return ParallelFor(blocks.size(), context_.threads, [&](size_t i) -> absl::Status {
      if (context_.cancelled()) return absl::CancelledError("map: cancelled");
      ARPENT_RETURN_IF_ERROR(WriteBlock(blocks[i], areas));
      context_.progress(static_cast<double>(++done) / static_cast<double>(blocks.size()));
      return absl::OkStatus();
    });
  }

  absl::Status WriteBlock(const geo::Window& window, AreaTable& areas) {
    ARPENT_ASSIGN_OR_RETURN(const PixelSources pixels, FindSources(sources_, window));
    const auto owned = std::count_if(pixels.tile.data(), pixels.tile.data() + pixels.tile.size(),
                                     [](int16_t tile) { return tile >= 0; });
    if (owned == 0) return absl::OkStatus();  // the writer makes it no-data
    owned_pixels_ += owned;
    Image<uint16_t> regions;
    if (regions_.has_value()) {
      ARPENT_ASSIGN_OR_RETURN(regions, regions_->Read(window));
    }
    for (const MapLayer& layer : sources_.layers) {
      if (layer.wide) {
        ARPENT_RETURN_IF_ERROR(WriteLayer(layer, window, pixels, raster::kUnsignedNoData, regions, areas));
      } else {
        ARPENT_RETURN_IF_ERROR(WriteLayer(layer, window, pixels, raster::kByteNoData, regions, areas));
      }
    }
    return absl::OkStatus();
  }

  template <typename T>
  absl::Status WriteLayer(const MapLayer& layer, const geo::Window& window, const PixelSources& pixels, T none,
                          const Image<uint16_t>& regions, AreaTable& areas) {
    ARPENT_ASSIGN_OR_RETURN(const Image<T> image, ReadLayer<T>(sources_, pixels, layer.name, none));
    if (!IsConfidence(layer)) areas.Count(layer.name, window.y, image, none, regions);
    return writers_.at(layer.name)->Write(window, image.view());
  }

  product::ProductDescription Describe() const {
    product::ProductDescription description;
    description.stage = task_.stage;
    description.algorithm_version = task_.algorithm_version;
    description.key = task_.Key();
    description.folder = product::MapFolder(task_.site, task_.season, description.key);
    description.parameters = task_.parameters;
    for (const TaskInput& input : task_.inputs) description.inputs.push_back({input.role, input.key, input.uri});
    description.grid = sources_.grid;
    description.texts = {{"arpent:site", task_.site}, {"arpent:season", task_.season}};
    for (const TaskInput& input : task_.inputs) {
      const auto of_input = product::ReadDescription(*context_.stores, input.uri);
      if (!of_input.ok()) continue;  // regions are no product
      description.datetime = of_input->datetime;
      description.start_datetime = of_input->start_datetime;
      description.end_datetime = of_input->end_datetime;
      break;
    }
    description.degraded = task_.degraded;
    return description;
  }

  const TaskSpec& task_;
  const StageContext& context_;
  MapSources sources_;
  std::optional<insitu::Strata> regions_;
  std::map<std::string, std::unique_ptr<product::RasterWriter>> writers_;
  std::atomic<int64_t> owned_pixels_ = 0;
};

}  // namespace

absl::StatusOr<TaskResult> RunMap(const TaskSpec& task, const StageContext& context) {
  return MapRun(task, context).Run();
}

}  // namespace arpent::stages
