#include "common/stages/code_map.h"

#include <algorithm>
#include <utility>

#include "common/base/parallel.h"
#include "common/base/status.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr int kColumnsAtOnce = 512;  // whole blocks, which a thread compresses

// Calls write(window) for columns of some rows, in parallel; its place in the rows' views is `window` less their first row.
template <typename Write>
absl::Status ForColumns(const geo::Window& rows, int threads, Write write) {
  const auto columns = static_cast<size_t>((rows.width + kColumnsAtOnce - 1) / kColumnsAtOnce);
  return ParallelFor(columns, threads, [&](size_t k) -> absl::Status {
    const int x = static_cast<int>(k) * kColumnsAtOnce;
    const int width = std::min(kColumnsAtOnce, rows.width - x);
    return write(geo::Window{x, rows.y, width, rows.height}, geo::Window{x, 0, width, rows.height});
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

}  // namespace

absl::StatusOr<std::unique_ptr<CodeMaps>> CodeMaps::Create(const std::string& name, const geo::Grid& grid,
                                                           const MapStyle& style, uint16_t counted,
                                                           const StageContext& context,
                                                           product::Publication& publication) {
  std::unique_ptr<CodeMaps> maps(new CodeMaps(publication));
  maps->name_ = name;
  maps->type_ = style.type;
  maps->threads_ = context.threads;
  maps->counted_code_ = counted;
  ARPENT_ASSIGN_OR_RETURN(maps->raw_, publication.CreateRaster(name + "_RAW", grid,
                                                               OptionsOf(style, style.title + " as classified"),
                                                               context.threads));
  ARPENT_ASSIGN_OR_RETURN(maps->regularised_, publication.CreateRaster(name, grid,
                                                                       OptionsOf(style, style.title + ", regularised"),
                                                                       context.threads));
  ARPENT_ASSIGN_OR_RETURN(maps->confidence_,
                          publication.CreateRaster("CONF", grid, ConfidenceOptions(), context.threads));
  return maps;
}

absl::Status CodeMaps::WriteCodes(product::RasterWriter& writer, const geo::Window& rows,
                                  raster::View<const uint16_t> codes) const {
  return ForColumns(rows, threads_, [&](const geo::Window& window, const geo::Window& place) -> absl::Status {
    const raster::View<const uint16_t> own = codes.Sub(place);
    if (type_ != product::PixelType::kUInt8) return writer.Write(window, own);
    Image<uint8_t> narrow(window.width, window.height);
    for (int y = 0; y < window.height; ++y) {
      std::transform(own.row(y).begin(), own.row(y).end(), narrow.row(y).begin(), [](uint16_t code) {
        return code == kUnclassified ? raster::kByteNoData : static_cast<uint8_t>(code);
      });
    }
    return writer.Write(window, std::as_const(narrow).view());
  });
}

absl::Status CodeMaps::Classified(const geo::Window& rows, raster::View<const uint16_t> codes,
                                  raster::View<const uint8_t> confidence) {
  ARPENT_RETURN_IF_ERROR(WriteCodes(*raw_, rows, codes));
  return ForColumns(rows, threads_, [&](const geo::Window& window, const geo::Window& place) {
    return confidence_->Write(window, confidence.Sub(place));
  });
}

absl::Status CodeMaps::Regularised(const geo::Window& rows, raster::View<const uint16_t> codes) {
  int64_t count = 0;
  for (int y = 0; y < rows.height; ++y) count += std::count(codes.row(y).begin(), codes.row(y).end(), counted_code_);
  count_ += count;
  return WriteCodes(*regularised_, rows, codes);
}

absl::Status CodeMaps::Finish() {
  ARPENT_RETURN_IF_ERROR(publication_.FinishRaster(name_ + "_RAW", std::move(raw_)));
  ARPENT_RETURN_IF_ERROR(publication_.FinishRaster(name_, std::move(regularised_)));
  return publication_.FinishRaster("CONF", std::move(confidence_));
}

}  // namespace arpent::stages
