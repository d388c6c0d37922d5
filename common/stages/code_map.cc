#include "common/stages/code_map.h"

#include <algorithm>
#include <utility>

#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/regularise/regularise.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr int kMajorityRadius = 1;
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

}  // namespace

Image<uint16_t> Regularised(const Image<uint16_t>& codes, const std::vector<uint16_t>& frozen, int threads) {
  Image<uint16_t> voted(codes.width(), codes.height());
  const size_t bands = static_cast<size_t>((codes.height() + kRowsAtOnce - 1) / kRowsAtOnce);
  // The vote cannot fail.
  ParallelFor(bands, threads, [&](size_t band) {
    const int first = static_cast<int>(band) * kRowsAtOnce;
    kernels::MajorityVote(codes.view(), kMajorityRadius, frozen, first, std::min(first + kRowsAtOnce, codes.height()),
                          voted.view());
    return absl::OkStatus();
  }).IgnoreError();
  Image<uint16_t> cleaned(codes.width(), codes.height());
  kernels::RemoveSmallRegions(voted.view(), kSmallestRegion, frozen, cleaned.view());
  return cleaned;
}

absl::Status WriteCodes(const std::string& asset, const ClassifiedTile& tile, const Image<uint16_t>& codes,
                        product::PixelType type, const std::vector<product::CodeClass>& classes,
                        const std::string& description, const StageContext& context,
                        product::Publication& publication) {
  const bool bytes = type == product::PixelType::kUInt8;
  product::RasterOptions options;
  options.type = type;
  options.no_data = bytes ? raster::kByteNoData : raster::kUnsignedNoData;
  options.overviews = product::OverviewKind::kNearest;
  options.classes = classes;
  options.description = description;
  ARPENT_ASSIGN_OR_RETURN(auto writer, publication.CreateRaster(asset, tile.grid, options, context.threads));
  ARPENT_RETURN_IF_ERROR(ForRows(tile.grid, context.threads, [&](const geo::Window& window) -> absl::Status {
    if (!bytes) return writer->Write(window, codes.view().Sub(window));
    Image<uint8_t> narrow(window.width, window.height);
    for (int y = 0; y < window.height; ++y) {
      const auto row = codes.row(window.y + y);
      for (int x = 0; x < window.width; ++x) {
        narrow(x, y) = row[x] == kUnclassified ? raster::kByteNoData : static_cast<uint8_t>(row[x]);
      }
    }
    return writer->Write(window, std::as_const(narrow).view());
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
