#include "common/scene/landsat_quality.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::scene {
namespace {

constexpr uint16_t kFill = 1 << 0;
constexpr uint16_t kOccluded1 = 1 << 1;   // of BQA
constexpr uint16_t kOccluded2 = 1 << 11;  // of QA_RADSAT

absl::StatusOr<std::unique_ptr<DatasetPool>> OpenBand(const ProductFolder& folder, const std::string& file, const geo::Grid& grid) {
  auto pool = std::make_unique<DatasetPool>(folder.GdalPathOf(file), folder.UriOf(file));
  ARPENT_RETURN_IF_ERROR(CheckTiffIsWhole(*pool, folder.files().at(file)));
  ARPENT_ASSIGN_OR_RETURN(const geo::Grid own, GridOf(*pool, grid.epsg, 0));
  if (own != grid) return absl::InvalidArgumentError(absl::StrCat(folder.UriOf(file), ": covers another area than band B1"));
  return pool;
}

// Sets the numbers whose quality has one of `bits` to `value`.
absl::Status Mark(DatasetPool& pool, const geo::Window& window, uint16_t bits, uint16_t value, raster::Image<uint16_t>& image) {
  ARPENT_ASSIGN_OR_RETURN(const raster::Image<uint16_t> quality, ReadWindow<uint16_t>(pool, 1, window, 0));
  for (size_t i = 0; i < image.size(); ++i) {
    if ((quality.data()[i] & bits) != 0) image.data()[i] = value;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LandsatQuality> LandsatQuality::Open(const ProductFolder& folder, const LandsatMetadata& product,
                                                    const geo::Grid& grid, std::vector<std::string>& notes) {
  LandsatQuality quality;
  quality.collection2_ = product.collection != "01";
  if (folder.Has(product.quality_file)) {
    ARPENT_ASSIGN_OR_RETURN(quality.pixel_, OpenBand(folder, product.quality_file, grid));
  } else {
    notes.push_back("quality band: absent, only number 0 is no-data");
  }
  if (folder.Has(product.saturation_file)) {
    ARPENT_ASSIGN_OR_RETURN(quality.saturation_, OpenBand(folder, product.saturation_file, grid));
  }
  return quality;
}

absl::Status LandsatQuality::Apply(const geo::Window& window, int number, const Band& band, raster::Image<uint16_t>& image) const {
  if (saturation_ != nullptr) {
    const auto saturated = static_cast<uint16_t>(1 << (number - 1));
    ARPENT_RETURN_IF_ERROR(Mark(*saturation_, window, saturated, band.saturated, image));
    ARPENT_RETURN_IF_ERROR(Mark(*saturation_, window, kOccluded2, band.no_data, image));
  }
  if (pixel_ == nullptr) return absl::OkStatus();
  return Mark(*pixel_, window, collection2_ ? kFill : kFill | kOccluded1, band.no_data, image);
}

}  // namespace arpent::scene
