#include "common/stages/align/align_stage.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/geo/tile.h"
#include "common/geo/transform.h"
#include "common/product/layout.h"
#include "common/product/raster_reader.h"
#include "common/raster/codes.h"
#include "common/stages/align/sampling.h"
#include "common/stages/node_grid.h"

namespace arpent::stages {
namespace {

using product::PixelType;
using product::RasterOptions;
using raster::Image;

constexpr int kBlock = 512;
constexpr int kSnap_m = 60;  // rasters begin and end on the tile's 60 m grid

struct AlignedAsset {
  const char* target;
  const char* source;
  int resolution_m;
  PixelType type;
  double no_data;
};
constexpr AlignedAsset kAssets[] = {
    {"B02", "B2", 10, PixelType::kInt16, raster::kReflectanceNoData},
    {"B03", "B3", 10, PixelType::kInt16, raster::kReflectanceNoData},
    {"B04", "B4", 10, PixelType::kInt16, raster::kReflectanceNoData},
    {"B08", "B5", 10, PixelType::kInt16, raster::kReflectanceNoData},
    {"B8A", "B5", 20, PixelType::kInt16, raster::kReflectanceNoData},
    {"B11", "B6", 20, PixelType::kInt16, raster::kReflectanceNoData},
    {"B12", "B7", 20, PixelType::kInt16, raster::kReflectanceNoData},
    {"SCL", "SCL", 20, PixelType::kUInt8, raster::kSclNoData},
    {"CLD", "CLD", 20, PixelType::kUInt8, raster::kByteNoData},
    {"QA", "QA", 20, PixelType::kUInt16, raster::kQaNoData},
    {"AOT", "AOT", 20, PixelType::kUInt16, raster::kUnsignedNoData},
    {"WVP", "WVP", 20, PixelType::kUInt16, raster::kUnsignedNoData},
};

// The part of the tile's 10 m grid that the scene may cover; width 0 when none.
absl::StatusOr<geo::Grid> CoveredGrid(const geo::TileId& tile, const geo::Grid& scene) {
  const geo::Grid whole = tile.GridAt(kSnap_m);
  ARPENT_ASSIGN_OR_RETURN(const geo::Extent extent, geo::TransformExtent(scene.extent(), scene.epsg, tile.epsg()));
  const auto cells = [](double metres) { return static_cast<int>(std::floor(metres / kSnap_m)); };
  const int left = cells(extent.west - whole.west), top = cells(whole.north - extent.north);
  const int right = cells(extent.east - whole.west) + 1, bottom = cells(whole.north - extent.south) + 1;
  const geo::Window window = geo::Intersection({left, top, right - left, bottom - top}, whole.Whole());
  if (window.width <= 0 || window.height <= 0) return geo::Grid{};
  return whole.Sub(window).WithPixel(10);
}

class AlignRun {
 public:
  AlignRun(const TaskSpec& task, const StageContext& context) : task_(task), context_(context) {}

  absl::StatusOr<TaskResult> Run() {
    ARPENT_RETURN_IF_ERROR(Open());
    TaskResult result;
    if (grid10_.width == 0) {
      result.outcome = TaskResult::Outcome::kSkipped;
      result.skip_reason = "no-data";
      return result;
    }
    product::Publication publication(context_.stores, context_.scratch, Describe());
    for (const AlignedAsset& asset : kAssets) {
      if (readers_.count(asset.source) == 0) continue;
      ARPENT_ASSIGN_OR_RETURN(writers_[asset.target],
                              publication.CreateRaster(asset.target, grid10_.WithPixel(asset.resolution_m),
                                                       OptionsOf(asset), context_.threads));
    }
    ARPENT_RETURN_IF_ERROR(WriteBlocks());
    for (auto& [name, writer] : writers_) ARPENT_RETURN_IF_ERROR(publication.FinishRaster(name, std::move(writer)));
    ARPENT_ASSIGN_OR_RETURN(result.product, publication.Publish());
    result.pixels = int64_t{grid10_.width} * grid10_.height;
    result.area_km2 = static_cast<double>(result.pixels) * 1e-4;
    return result;
  }

 private:
  absl::Status Open() {
    const auto input = std::find_if(task_.inputs.begin(), task_.inputs.end(),
                                    [](const TaskInput& candidate) { return candidate.role == "l2a"; });
    if (input == task_.inputs.end()) return absl::InvalidArgumentError("align: the task has no input of role 'l2a'");
    ARPENT_ASSIGN_OR_RETURN(const geo::TileId tile, geo::TileId::Parse(task_.tile));
    ARPENT_ASSIGN_OR_RETURN(described_, product::ReadDescription(*context_.stores, input->uri));
    ARPENT_ASSIGN_OR_RETURN(classes_, product::ReadClasses(*context_.stores, input->uri));
    ARPENT_ASSIGN_OR_RETURN(const product::PublishedProduct product,
                            product::ReadPublished(*context_.stores, input->uri));
    for (const product::PublishedAsset& published : product.assets) {
      const bool wanted = std::any_of(std::begin(kAssets), std::end(kAssets),
                                      [&](const AlignedAsset& asset) { return published.name == asset.source; });
      if (!wanted) continue;
      ARPENT_ASSIGN_OR_RETURN(
          readers_[published.name],
          product::RasterReader::Open(context_.stores, absl::StrCat(input->uri, "/", published.file)));
    }
    if (readers_.count("B5") == 0 || readers_.count("SCL") == 0 || readers_.count("QA") == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("align: ", input->uri, " is no L2A of Landsat (B5, SCL or QA is missing)"));
    }
    ARPENT_ASSIGN_OR_RETURN(grid10_, CoveredGrid(tile, readers_.at("B5")->grid()));
    return absl::OkStatus();
  }

  RasterOptions OptionsOf(const AlignedAsset& asset) const {
    RasterOptions options = {.type = asset.type, .no_data = asset.no_data};
    if (asset.type == PixelType::kInt16) options.scale = 0.0001;
    const std::string name = asset.target;
    if (name == "AOT" || name == "WVP") options.scale = 0.001;
    if (name == "SCL" || name == "QA") options.overviews = product::OverviewKind::kNearest;
    if (const auto found = classes_.find(asset.source); found != classes_.end()) options.classes = found->second;
    options.description = absl::StrCat(asset.source, " of Landsat");
    return options;
  }

  absl::Status WriteBlocks() {
    struct Work {
      const AlignedAsset* asset;
      geo::Window window;
    };
    std::vector<Work> work;
    for (const AlignedAsset& asset : kAssets) {
      if (writers_.count(asset.target) == 0) continue;
      const geo::Grid grid = grid10_.WithPixel(asset.resolution_m);
      for (int y = 0; y < grid.height; y += kBlock) {
        for (int x = 0; x < grid.width; x += kBlock) {
          work.push_back({&asset, geo::Intersection({x, y, kBlock, kBlock}, grid.Whole())});
        }
      }
    }
    std::atomic<size_t> done = 0;
    return ParallelFor(work.size(), context_.threads, [&](size_t i) -> absl::Status {
      if (context_.cancelled()) return absl::CancelledError("align: cancelled");
      const AlignedAsset& asset = *work[i].asset;
      absl::Status status;
      switch (asset.type) {
        case PixelType::kInt16:
          status = WriteBlock<int16_t>(asset, work[i].window);
          break;
        case PixelType::kUInt8:
          status = WriteBlock<uint8_t>(asset, work[i].window);
          break;
        default:
          status = WriteBlock<uint16_t>(asset, work[i].window);
      }
      context_.progress(static_cast<double>(++done) / static_cast<double>(work.size()));
      return status;
    });
  }

  // Where the block's pixels lie in the source, in its pixels from its corner; and the part of it that they need.
  template <typename T>
  absl::Status WriteBlock(const AlignedAsset& asset, const geo::Window& window) {
    constexpr int kMargin = 3;
    const product::RasterReader& reader = *readers_.at(asset.source);
    const geo::Grid& source = reader.grid();
    ARPENT_ASSIGN_OR_RETURN(const NodeGrid nodes,
                            NodeGrid::Create(grid10_.WithPixel(asset.resolution_m), window, source.epsg));
    const auto place = [&](int x, int y, double& u, double& v) {
      nodes.At(x, y, u, v);
      u = (u - source.west) / source.pixel_m;
      v = (source.north - v) / source.pixel_m;
    };
    double left = std::numeric_limits<double>::infinity(), top = left, right = -left, bottom = -left;
    for (int y = 0; y < window.height; ++y) {  // the extremes lie on the block's rim
      const int step = y == 0 || y == window.height - 1 ? 1 : std::max(1, window.width - 1);
      for (int x = 0; x < window.width; x += step) {
        double u, v;
        place(x, y, u, v);
        left = std::min(left, u), right = std::max(right, u), top = std::min(top, v), bottom = std::max(bottom, v);
      }
    }
    const T none = static_cast<T>(asset.no_data);
    Image<T> out(window.width, window.height, none);
    const int x0 = static_cast<int>(std::floor(left)) - kMargin, y0 = static_cast<int>(std::floor(top)) - kMargin;
    const geo::Window needed = {x0, y0, static_cast<int>(std::ceil(right)) + kMargin - x0,
                                static_cast<int>(std::ceil(bottom)) + kMargin - y0};
    Image<T> in(needed.width, needed.height);
    ARPENT_RETURN_IF_ERROR(reader.Read(needed, none, in.view()));
    const raster::View<const T> view = static_cast<const Image<T>&>(in).view();
    for (int y = 0; y < window.height; ++y) {
      for (int x = 0; x < window.width; ++x) {
        double u, v;
        place(x, y, u, v);
        if constexpr (std::is_same_v<T, int16_t>) {
          out(x, y) = SampleBicubic(view, u - x0, v - y0, none);
        } else {
          out(x, y) = SampleNearest(view, u - x0, v - y0, none);
        }
      }
    }
    return writers_.at(asset.target)->Write(window, static_cast<const Image<T>&>(out).view());
  }

  product::ProductDescription Describe() const {
    product::ProductDescription description = described_;  // date, platform, angles, cloud cover of the scene
    description.stage = task_.stage;
    description.algorithm_version = task_.algorithm_version;
    description.key = task_.Key();
    description.folder = product::AlignFolder(task_.tile, task_.acquisition, description.key);
    description.parameters = task_.parameters;
    description.inputs.clear();
    for (const TaskInput& input : task_.inputs) description.inputs.push_back({input.role, input.key, input.uri});
    description.grid = grid10_;
    description.tile = task_.tile;
    description.degraded = task_.degraded;
    return description;
  }

  const TaskSpec& task_;
  const StageContext& context_;
  product::ProductDescription described_;
  std::map<std::string, std::vector<product::CodeClass>> classes_;
  std::map<std::string, std::unique_ptr<product::RasterReader>> readers_;
  std::map<std::string, std::unique_ptr<product::RasterWriter>> writers_;
  geo::Grid grid10_;
};

}  // namespace

absl::StatusOr<TaskResult> RunAlign(const TaskSpec& task, const StageContext& context) {
  return AlignRun(task, context).Run();
}

}  // namespace arpent::stages
