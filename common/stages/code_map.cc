#include "common/stages/code_map.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/raster/codes.h"
#include "common/raster/image.h"
#include "common/stages/parted_publication.h"
#include "common/stages/season_product.h"
#include "common/stages/small_regions.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr int kColumnsAtOnce = 512;  // whole blocks, which a thread compresses

// Calls write(window, place) for columns of some rows, in parallel; `place` is the window's in the rows' views.
template <typename Write>
absl::Status ForColumns(const geo::Window& rows, int threads, Write write) {
  const auto columns = static_cast<size_t>((rows.width + kColumnsAtOnce - 1) / kColumnsAtOnce);
  return ParallelFor(columns, threads, [&](size_t k) -> absl::Status {
    const int x = static_cast<int>(k) * kColumnsAtOnce;
    const int width = std::min(kColumnsAtOnce, rows.width - x);
    return write(geo::Window{rows.x + x, rows.y, width, rows.height}, geo::Window{x, 0, width, rows.height});
  });
}

product::RasterOptions OptionsOf(const MapStyle& style, const std::string& description) {
  product::RasterOptions options;
  options.type = style.type;
  options.no_data = style.type == product::PixelType::kUInt8 ? raster::kByteNoData : raster::kUnsignedNoData;
  options.overviews = product::OverviewKind::kNearest;
  options.classes = style.classes;
  options.description = description;
  return options;
}

product::RasterOptions ConfidenceOptions() {
  product::RasterOptions options;
  options.type = product::PixelType::kUInt8;
  options.no_data = raster::kByteNoData;
  options.description = "probability of the class as classified, before regularisation";
  options.unit = "%";
  return options;
}

constexpr int kRowsAtOnce = 512;

// Writes the assets while the map grows.
class CodeMaps final : public SeasonMapSink {
 public:
  CodeMaps(const MapStyle& style, const geo::Grid& grid, int threads, PartedPublication& publication)
      : style_(style), grid_(grid), threads_(threads), publication_(publication),
        small_regions_(grid.width, grid.height, style.frozen, threads,
                       [this](const geo::Window& rows, raster::View<const uint16_t> codes) {
                         return Regularised(rows, codes);
                       }) {}

  absl::Status Create() {
    ARPENT_ASSIGN_OR_RETURN(raw_, publication_.CreateRaster(style_.asset + "_RAW", grid_,
                                                            OptionsOf(style_, style_.title + " as classified")));
    ARPENT_ASSIGN_OR_RETURN(regularised_, publication_.CreateRaster(style_.asset, grid_,
                                                                    OptionsOf(style_, style_.title + ", regularised")));
    ARPENT_ASSIGN_OR_RETURN(confidence_, publication_.CreateRaster("CONF", grid_, ConfidenceOptions()));
    return absl::OkStatus();
  }

  absl::Status Classified(const geo::Window& rows, raster::View<const uint16_t> codes,
                          raster::View<const uint8_t> confidence) override {
    ARPENT_RETURN_IF_ERROR(WriteCodes(*raw_, rows, codes));
    return ForColumns(rows, threads_, [&](const geo::Window& window, const geo::Window& place) {
      return confidence_->Write(window, confidence.Sub(place));
    });
  }

  absl::Status Voted(const geo::Window& rows, raster::View<const uint16_t> codes) override {
    return publication_.is_part() ? WriteCodes(*regularised_, rows, codes) : small_regions_.Add(rows, codes);
  }

  // Regularises what the parts voted.
  absl::Status TakeVotes() {
    publication_.KeepAsWritten(style_.asset);
    ARPENT_ASSIGN_OR_RETURN(const PartsRaster parts, publication_.OpenParts(style_.asset, grid_));
    for (int y = 0; y < grid_.height; y += kRowsAtOnce) {
      const geo::Window rows = geo::Intersection({0, y, grid_.width, kRowsAtOnce}, grid_.Whole());
      Image<uint16_t> voted(rows.width, rows.height);
      ARPENT_RETURN_IF_ERROR(ForColumns(rows, threads_, [&](const geo::Window& window, const geo::Window& place) {
        return ReadCodes(parts, window, voted.view().Sub(place));
      }));
      ARPENT_RETURN_IF_ERROR(small_regions_.Add(rows, std::as_const(voted).view()));
    }
    return absl::OkStatus();
  }

  // Adds the assets to the product.
  absl::Status Finish() {
    ARPENT_RETURN_IF_ERROR(publication_.FinishRaster(style_.asset + "_RAW", std::move(raw_)));
    ARPENT_RETURN_IF_ERROR(publication_.FinishRaster(style_.asset, std::move(regularised_)));
    return publication_.FinishRaster("CONF", std::move(confidence_));
  }

  int64_t counted() const { return counted_; }

 private:
  absl::Status Regularised(const geo::Window& rows, raster::View<const uint16_t> codes) {
    for (int y = 0; y < rows.height; ++y) counted_ += std::count(codes.row(y).begin(), codes.row(y).end(), style_.counted);
    return WriteCodes(*regularised_, rows, codes);
  }

  absl::Status WriteCodes(product::RasterWriter& writer, const geo::Window& rows, raster::View<const uint16_t> codes) const {
    return ForColumns(rows, threads_, [&](const geo::Window& window, const geo::Window& place) -> absl::Status {
      const raster::View<const uint16_t> own = codes.Sub(place);
      if (style_.type != product::PixelType::kUInt8) return writer.Write(window, own);
      Image<uint8_t> narrow(window.width, window.height);
      for (int y = 0; y < window.height; ++y) {
        std::transform(own.row(y).begin(), own.row(y).end(), narrow.row(y).begin(), [](uint16_t code) {
          return code == kUnclassified ? raster::kByteNoData : static_cast<uint8_t>(code);
        });
      }
      return writer.Write(window, std::as_const(narrow).view());
    });
  }

  // The inverse.
  absl::Status ReadCodes(const PartsRaster& parts, const geo::Window& window, raster::View<uint16_t> codes) const {
    if (style_.type != product::PixelType::kUInt8) return parts.Read(window, codes);
    Image<uint8_t> narrow(window.width, window.height);
    ARPENT_RETURN_IF_ERROR(parts.Read(window, narrow.view()));
    for (int y = 0; y < window.height; ++y) {
      std::transform(narrow.row(y).begin(), narrow.row(y).end(), codes.row(y).begin(), [](uint8_t code) {
        return code == raster::kByteNoData ? kUnclassified : uint16_t{code};
      });
    }
    return absl::OkStatus();
  }

  const MapStyle& style_;
  const geo::Grid grid_;
  const int threads_;
  PartedPublication& publication_;
  SmallRegions small_regions_;
  int64_t counted_ = 0;
  std::unique_ptr<product::RasterWriter> raw_, regularised_, confidence_;
};

}  // namespace

absl::StatusOr<TaskResult> MakeSeasonMap(const TaskSpec& task, const StageContext& context, SeasonClassifier& classifier,
                                         const PresetCodes& preset, const MapStyle& style) {
  const SeasonMap& map = classifier.map();
  ARPENT_ASSIGN_OR_RETURN(const auto publication,
                          PartedPublication::Open(task, context, DescribeSeasonProduct(task, map.options, map.grid),
                                                  classifier.WindowOf(task.part)));
  CodeMaps maps(style, map.grid, context.threads, *publication);
  ARPENT_RETURN_IF_ERROR(maps.Create());
  SeasonTally tally;
  if (publication->computes()) {
    ARPENT_ASSIGN_OR_RETURN(tally, classifier.Run(publication->window(), preset, style.frozen, maps));
  }
  tally.wanted_blocks = publication->Sum("wanted_blocks", tally.wanted_blocks);
  tally.classified = publication->Sum("arpent:pixels_classified", tally.classified);
  if (!publication->is_part()) {
    ARPENT_RETURN_IF_ERROR(classifier.CheckSeen(tally));
    if (!publication->computes()) ARPENT_RETURN_IF_ERROR(maps.TakeVotes());
  }
  ARPENT_RETURN_IF_ERROR(maps.Finish());
  publication->description().numbers["arpent:pixels_classified"] = static_cast<double>(tally.classified);
  if (!style.counted_as.empty()) publication->description().numbers[style.counted_as] = static_cast<double>(maps.counted());
  return publication->Publish();
}

}  // namespace arpent::stages
