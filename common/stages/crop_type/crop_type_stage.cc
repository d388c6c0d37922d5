#include "common/stages/crop_type/crop_type_stage.h"

#include <cmath>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/insitu/legend.h"
#include "common/product/raster_reader.h"
#include "common/stages/code_map.h"
#include "common/stages/season_classifier.h"
#include "common/stages/season_product.h"

namespace arpent::stages {
namespace {

constexpr uint16_t kNotCropland = 0;

// Pixels outside of the mask get code 0 and are not classified.
absl::Status PresetFromMask(const product::RasterReader& mask, const std::string& uri, const geo::Grid& grid,
                            const geo::Window& window, raster::View<uint16_t> codes) {
  const geo::Grid& own = mask.grid();
  const double across = (grid.west - own.west) / own.pixel_m, down = (own.north - grid.north) / own.pixel_m;
  if (own.epsg != grid.epsg || own.pixel_m != grid.pixel_m || across != std::floor(across) || down != std::floor(down)) {
    return absl::InvalidArgumentError(absl::StrCat(uri, " does not lie on the tile's grid"));
  }
  raster::Image<uint8_t> crop(window.width, window.height);
  const geo::Window at{window.x + static_cast<int>(across), window.y + static_cast<int>(down), window.width, window.height};
  ARPENT_RETURN_IF_ERROR(mask.Read(at, raster::kByteNoData, crop.view()));
  for (int y = 0; y < window.height; ++y) {
    for (int x = 0; x < window.width; ++x) {
      if (crop(x, y) == 0) codes(x, y) = kNotCropland;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TaskResult> RunCropType(const TaskSpec& task, const StageContext& context) {
  std::unique_ptr<product::RasterReader> mask;
  PresetCodes preset;
  if (const TaskInput* input = FindInput(task, "crop-mask"); input != nullptr) {
    const std::string uri = absl::StrCat(input->uri, "/CM.tif");
    ARPENT_ASSIGN_OR_RETURN(mask, product::RasterReader::Open(context.stores, uri));
    preset = [&mask, uri](const geo::Grid& grid, const geo::Window& window, raster::View<uint16_t> codes) {
      return PresetFromMask(*mask, uri, grid, window, codes);
    };
  }
  ARPENT_ASSIGN_OR_RETURN(const auto classifier, SeasonClassifier::Open(task, context, "crop-type"));
  MapStyle style{.asset = "CT",
                 .title = "crop type",
                 .classes = {{kNotCropland, "not cropland", "#eeeae0"}},
                 .frozen = {kNotCropland, kUnclassified}};
  for (const kernels::LegendEntry& entry : classifier->map().classes) {
    style.classes.push_back({entry.code, entry.name, insitu::ColourOf(entry.code)});
  }
  return MakeSeasonMap(task, context, *classifier, preset, style);
}

}  // namespace arpent::stages
