#include "common/stages/code_map.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/regularise/regularise.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr int kSmallestRegion = 10;  // pixels: Sen2Agri's smallest segment
constexpr int kRowsAtOnce = 512;

// Calls write(window) for bands of whole rows of blocks, in parallel.
template <typename Write>
absl::Status ForRows(const geo::Grid& grid, int threads, Write write) {
  const size_t bands = static_cast<size_t>((grid.height + kRowsAtOnce - 1) / kRowsAtOnce);
  return ParallelFor(bands, threads, [&](size_t band) -> absl::Status {
    const int y = static_cast<int>(band) * kRowsAtOnce;
    return write(geo::Window{0, y, grid.width, std::min(kRowsAtOnce, grid.height - y)});
  });
}

absl::Status WriteRows(product::RasterWriter& writer, product::PixelType type, const geo::Window& window,
                       raster::View<const uint16_t> rows) {
  if (type != product::PixelType::kUInt8) return writer.Write(window, rows);
  Image<uint8_t> narrow(window.width, window.height);
  for (int y = 0; y < window.height; ++y) {
    const auto row = rows.row(y);
    for (int x = 0; x < window.width; ++x) {
      narrow(x, y) = row[x] == kUnclassified ? raster::kByteNoData : static_cast<uint8_t>(row[x]);
    }
  }
  return writer.Write(window, std::as_const(narrow).view());
}

product::RasterOptions OptionsOf(const MapStyle& style) {
  product::RasterOptions options;
  options.type = style.type;
  options.no_data = style.type == product::PixelType::kUInt8 ? raster::kByteNoData : raster::kUnsignedNoData;
  options.overviews = product::OverviewKind::kNearest;
  options.classes = style.classes;
  options.description = style.description;
  return options;
}

}  // namespace

absl::StatusOr<int64_t> WriteRegularised(const std::string& asset, const ClassifiedTile& tile,
                                         const std::vector<uint16_t>& frozen, uint16_t counted, const MapStyle& style,
                                         const StageContext& context, product::Publication& publication) {
  ARPENT_ASSIGN_OR_RETURN(auto writer,
                          publication.CreateRaster(asset, tile.grid, OptionsOf(style), context.threads));
  std::atomic<int64_t> count{0};
  ARPENT_RETURN_IF_ERROR(ForRows(tile.grid, context.threads, [&](const geo::Window& window) -> absl::Status {
    // A region's size and its neighbours' show within this many rows.
    constexpr int kMargin = 2 * kSmallestRegion;
    const int top = std::max(0, window.y - kMargin);
    const int bottom = std::min(tile.grid.height, window.y + window.height + kMargin);
    Image<uint16_t> cleaned(window.width, bottom - top);
    kernels::RemoveSmallRegions(tile.voted.view().Sub({0, top, window.width, bottom - top}), kSmallestRegion, frozen,
                                cleaned.view());
    const raster::View<const uint16_t> rows =
        std::as_const(cleaned).view().Sub({0, window.y - top, window.width, window.height});
    int64_t own = 0;
    for (int y = 0; y < rows.height(); ++y) own += std::count(rows.row(y).begin(), rows.row(y).end(), counted);
    count += own;
    return WriteRows(*writer, style.type, window, rows);
  }));
  ARPENT_RETURN_IF_ERROR(publication.FinishRaster(asset, std::move(writer)));
  return count.load();
}

absl::Status WriteCodes(const std::string& asset, const ClassifiedTile& tile, const Image<uint16_t>& codes,
                        const MapStyle& style, const StageContext& context, product::Publication& publication) {
  ARPENT_ASSIGN_OR_RETURN(auto writer,
                          publication.CreateRaster(asset, tile.grid, OptionsOf(style), context.threads));
  ARPENT_RETURN_IF_ERROR(ForRows(tile.grid, context.threads, [&](const geo::Window& window) {
    return WriteRows(*writer, style.type, window, codes.view().Sub(window));
  }));
  return publication.FinishRaster(asset, std::move(writer));
}

absl::Status WriteConfidence(const ClassifiedTile& tile, const StageContext& context, product::Publication& publication) {
  product::RasterOptions options;
  options.type = product::PixelType::kUInt8;
  options.no_data = raster::kByteNoData;
  options.description = "probability of the class as classified, before regularisation";
  options.unit = "%";
  ARPENT_ASSIGN_OR_RETURN(auto writer, publication.CreateRaster("CONF", tile.grid, options, context.threads));
  ARPENT_RETURN_IF_ERROR(ForRows(tile.grid, context.threads, [&](const geo::Window& window) {
    return writer->Write(window, tile.confidence.view().Sub(window));
  }));
  return publication.FinishRaster("CONF", std::move(writer));
}

}  // namespace arpent::stages
