#include "common/stages/composite/composite_stage.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/product/layout.h"
#include "common/raster/codes.h"
#include "common/stages/composite/composite_block.h"
#include "common/stages/composite/composite_scenes.h"
#include "common/stages/parted_publication.h"

namespace arpent::stages {
namespace {

using product::RasterOptions;

// Whole blocks of the rasters (512 px at 20 m, 1024 px at 10 m), so that each is decoded and encoded once.
constexpr int kBlock20 = 512;
// Pieces of the first pass: whole blocks and whole 240 m cells.
constexpr int kPiece20 = 1536;
static_assert(kPiece20 % kernels::kCloudCellPixels == 0 && kPiece20 % kBlock20 == 0);

// What a part must see of clouds: one block more on every side, in whole 240 m cells and whole bytes of the hidden masks.
geo::Window SeenFrom(const geo::Window& window20, const geo::Grid& grid20) {
  constexpr int kStep = 2 * kernels::kCloudCellPixels;
  static_assert(kStep % 8 == 0 && kPiece20 % kStep == 0);
  static_assert(kBlock20 >= kernels::kCloudReachPixels && kBlock20 >= kernels::kCloudGuardPixels);
  const int x = std::max(0, window20.x - kBlock20) / kStep * kStep, y = std::max(0, window20.y - kBlock20) / kStep * kStep;
  const auto end = [](int at) { return (at + kBlock20 + kStep - 1) / kStep * kStep; };
  return geo::Intersection({x, y, end(window20.x + window20.width) - x, end(window20.y + window20.height) - y}, grid20.Whole());
}

// A block's memory: classes and weights, and one band at 10 m or all bands at 20 m of every date.
int BlockSide(const CompositeOptions& options, const CompositeScenes& scenes, const StageContext& context) {
  const bool all_bands =
      options.method == CompositeMethod::kMedoid || options.method == CompositeMethod::kGeometricMedian;
  const int64_t bytes_per_pixel20 = 3 + 4 * 2 + (all_bands ? 2 * 10 : 0);
  const int64_t share = context.memory_bytes / (2 * std::max(1, context.threads));
  int side = kBlock20;
  while (side > 64 && bytes_per_pixel20 * side * side * static_cast<int64_t>(scenes.scenes.size()) > share) side /= 2;
  return side;
}

RasterOptions BandOptions(const std::string& band) {
  return {.type = product::PixelType::kInt16,
          .no_data = raster::kReflectanceNoData,
          .scale = 0.0001,
          .description = absl::StrCat(band, " surface reflectance")};
}

const std::vector<product::CodeClass>& FlagClasses() {
  static const std::vector<product::CodeClass> classes = {{raster::kFlagNoData, "no data", "#000000"},
                                                          {raster::kFlagCloud, "cloud", "#c0c0c0"},
                                                          {raster::kFlagSnow, "snow", "#80ffff"},
                                                          {raster::kFlagWater, "water", "#0040ff"},
                                                          {raster::kFlagLand, "land", "#40a040"}};
  return classes;
}

class CompositeRun {
 public:
  CompositeRun(const TaskSpec& task, const StageContext& context) : task_(task), context_(context) {}

  absl::StatusOr<TaskResult> Run() {
    ARPENT_ASSIGN_OR_RETURN(options_, ParseCompositeOptions(task_));
    ARPENT_ASSIGN_OR_RETURN(scenes_, OpenCompositeScenes(task_, options_, context_));
    if (scenes_.scenes.empty() || (scenes_.bands10.empty() && scenes_.bands20.empty())) {
      TaskResult skipped;
      skipped.outcome = TaskResult::Outcome::kSkipped;
      skipped.skip_reason = "no-data";
      return skipped;
    }
    ARPENT_ASSIGN_OR_RETURN(const auto publication,
                            PartedPublication::Open(task_, context_, Describe(),
                                                    PartWindow(scenes_.grid10, task_.part, 2 * kBlock20)));
    ARPENT_RETURN_IF_ERROR(CreateWriters(*publication));
    if (publication->computes()) {
      const geo::Window window20 = geo::Resized(publication->window(), 10, 20);
      ARPENT_RETURN_IF_ERROR(LookForClouds(window20));
      context_.progress(0.1);
      ARPENT_RETURN_IF_ERROR(ComposeBlocks(window20));
    }
    ARPENT_RETURN_IF_ERROR(FinishWriters(*publication));
    Report(*publication);
    return publication->Publish();
  }

 private:
  absl::Status CheckCancelled() const {
    return context_.cancelled() ? absl::CancelledError("composite: cancelled") : absl::OkStatus();
  }

  // What a block must know of the whole date: where clouds hide the ground, and how far every place is from them.
  absl::Status LookForClouds(const geo::Window& window20) {
    const size_t count = scenes_.scenes.size();
    std::vector<kernels::CloudCells> cells(count, kernels::CloudCells(scenes_.grid20.width, scenes_.grid20.height));
    hidden_.assign(count, HiddenMask(scenes_.grid20.width, scenes_.grid20.height));
    struct Piece {
      size_t scene;
      geo::Window window;
    };
    const geo::Window seen = SeenFrom(window20, scenes_.grid20);
    std::vector<Piece> pieces;
    for (size_t i = 0; i < count; ++i) {
      for (const geo::Window& piece : geo::SquaresOf(scenes_.grid20.Whole(), kPiece20)) {
        const geo::Window window = geo::Intersection(piece, seen);
        const geo::Window common = geo::Intersection(window, scenes_.scenes[i].place20);
        if (common.width > 0 && common.height > 0) pieces.push_back({i, window});
      }
    }
    ARPENT_RETURN_IF_ERROR(ParallelFor(pieces.size(), context_.threads, [&](size_t k) -> absl::Status {
      ARPENT_RETURN_IF_ERROR(CheckCancelled());
      const Piece& piece = pieces[k];
      const CompositeScene& scene = scenes_.scenes[piece.scene];
      ARPENT_ASSIGN_OR_RETURN(const raster::Image<uint8_t> scl, scene.ReadScl(piece.window));
      ARPENT_ASSIGN_OR_RETURN(const raster::Image<uint16_t> qa, scene.ReadQa(piece.window));
      raster::Image<uint8_t> traits(piece.window.width, piece.window.height);
      kernels::FindTraits(scl.view(), qa.view(), traits.view());
      cells[piece.scene].Add(piece.window.x, piece.window.y, traits.view());
      hidden_[piece.scene].Add(piece.window.x, piece.window.y, traits.view());
      return absl::OkStatus();
    }));
    if (options_.method != CompositeMethod::kWeightedAverage && options_.method != CompositeMethod::kBestPixel) {
      return absl::OkStatus();
    }
    std::vector<std::unique_ptr<kernels::CloudDistance>> measured(count);
    ARPENT_RETURN_IF_ERROR(ParallelFor(count, context_.threads, [&](size_t i) {
      measured[i] = std::make_unique<kernels::CloudDistance>(cells[i]);
      return absl::OkStatus();
    }));
    for (auto& distance : measured) distances_.push_back(std::move(*distance));
    return absl::OkStatus();
  }

  absl::Status CreateWriters(PartedPublication& publication) {
    const auto create = [&](const std::string& asset, const geo::Grid& grid, const RasterOptions& options) {
      auto writer = publication.CreateRaster(asset, grid, options);
      if (writer.ok()) writers_[asset] = *std::move(writer);
      return writer.status();
    };
    for (const std::string& band : scenes_.bands10) {
      ARPENT_RETURN_IF_ERROR(create(band, scenes_.grid10, BandOptions(band)));
    }
    for (const std::string& band : scenes_.bands20) {
      ARPENT_RETURN_IF_ERROR(create(band, scenes_.grid20, BandOptions(band)));
    }
    ARPENT_RETURN_IF_ERROR(create("OBS", scenes_.grid20,
                                  {.type = product::PixelType::kUInt8,
                                   .overviews = product::OverviewKind::kNearest,
                                   .description = "clear dates that compose the pixel"}));
    ARPENT_RETURN_IF_ERROR(create("DATE", scenes_.grid20,
                                  {.type = product::PixelType::kUInt16,
                                   .no_data = raster::kUnsignedNoData,
                                   .description = "weighted mean date",
                                   .unit = "days since 1970-01-01"}));
    return create("FLAGS", scenes_.grid20,
                  {.type = product::PixelType::kUInt8,
                   .no_data = raster::kFlagNoData,
                   .overviews = product::OverviewKind::kNearest,
                   .classes = FlagClasses(),
                   .description = "what composes the pixel"});
  }

  absl::Status ComposeBlocks(const geo::Window& window20) {
    const CompositeBlocks composer(options_, scenes_, hidden_, distances_, writers_, counts_);
    const std::vector<geo::Window> blocks = geo::SquaresOf(window20, BlockSide(options_, scenes_, context_));
    std::atomic<size_t> done = 0;
    return ParallelFor(blocks.size(), context_.threads, [&](size_t i) -> absl::Status {
      ARPENT_RETURN_IF_ERROR(CheckCancelled());
      ARPENT_RETURN_IF_ERROR(composer.Compose(blocks[i]));
      context_.progress(0.1 + 0.85 * static_cast<double>(++done) / static_cast<double>(blocks.size()));
      return absl::OkStatus();
    });
  }

  absl::Status FinishWriters(PartedPublication& publication) {
    std::vector<std::pair<std::string, std::unique_ptr<product::RasterWriter>>> writers;
    for (auto& [asset, writer] : writers_) writers.emplace_back(asset, std::move(writer));
    writers_.clear();
    return ParallelFor(writers.size(), context_.threads, [&](size_t i) {
      return publication.FinishRaster(writers[i].first, std::move(writers[i].second));
    });
  }

  product::ProductDescription Describe() const {
    product::ProductDescription description;
    description.stage = task_.stage;
    description.algorithm_version = task_.algorithm_version;
    description.key = task_.Key();
    description.folder = product::CompositeFolder(task_.tile, options_.period.name, description.key);
    description.parameters = task_.parameters;
    for (const TaskInput& input : task_.inputs) description.inputs.push_back({input.role, input.key, input.uri});
    description.grid = scenes_.grid10;
    description.tile = task_.tile;
    description.start_datetime = absl::FromCivil(options_.period.first, absl::UTCTimeZone());
    description.end_datetime = absl::FromCivil(options_.period.last + 1, absl::UTCTimeZone()) - absl::Seconds(1);
    description.datetime = description.start_datetime;
    description.texts["arpent:period"] = options_.period.name;
    description.degraded = task_.degraded;
    return description;
  }

  void Report(PartedPublication& publication) const {
    std::array<int64_t, 5> counts;
    int64_t with_data = 0;
    for (size_t flag = 0; flag < counts.size(); ++flag) {
      counts[flag] = publication.Sum(absl::StrCat("pixels_of_flag_", flag), counts_[flag]);
      if (flag != raster::kFlagNoData) with_data += counts[flag];
    }
    const auto percent = [&](int flag) {
      return with_data == 0
                 ? 0
                 : std::round(1e4 * static_cast<double>(counts[flag]) / static_cast<double>(with_data)) / 100;
    };
    product::ProductDescription& description = publication.description();
    description.numbers["eo:cloud_cover"] = percent(raster::kFlagCloud);
    description.numbers["eo:snow_cover"] = percent(raster::kFlagSnow);
    description.numbers["arpent:scenes"] = static_cast<double>(scenes_.scenes.size());
  }

  const TaskSpec& task_;
  const StageContext& context_;
  CompositeOptions options_;
  CompositeScenes scenes_;
  std::vector<HiddenMask> hidden_;                 // by scene
  std::vector<kernels::CloudDistance> distances_;  // by scene; empty for methods that do not weigh by it
  std::map<std::string, std::unique_ptr<product::RasterWriter>> writers_;
  FlagCounts counts_ = {};
};

}  // namespace

absl::StatusOr<TaskResult> RunComposite(const TaskSpec& task, const StageContext& context) {
  return CompositeRun(task, context).Run();
}

}  // namespace arpent::stages
