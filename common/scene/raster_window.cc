#include "common/scene/raster_window.h"

#include <cmath>
#include <type_traits>

#include "absl/strings/numbers.h"
#include "common/base/status.h"
#include "common/storage/stores.h"

namespace arpent::scene {
namespace {

template <typename T>
constexpr GDALDataType TypeOf() {
  if constexpr (std::is_same_v<T, uint8_t>) return GDT_Byte;
  if constexpr (std::is_same_v<T, uint16_t>) return GDT_UInt16;
  return GDT_Int16;
}

}  // namespace

template <typename T>
absl::StatusOr<raster::Image<T>> ReadWindow(DatasetPool& pool, int band, const geo::Window& window, T outside) {
  ARPENT_ASSIGN_OR_RETURN(Dataset dataset, pool.Take());
  const GDALRasterBandH source = GDALGetRasterBand(dataset.get(), band);
  if (source == nullptr) return absl::DataLossError(absl::StrCat(pool.uri(), ": has no band ", band));
  raster::Image<T> image(window.width, window.height, outside);
  const geo::Window inside = geo::Intersection(window, {0, 0, GDALGetRasterBandXSize(source), GDALGetRasterBandYSize(source)});
  if (inside.width > 0 && inside.height > 0) {
    storage::ClearLastVsiError();
    const raster::View<T> out =
        image.view().Sub({inside.x - window.x, inside.y - window.y, inside.width, inside.height});
    const CPLErr error = GDALRasterIO(source, GF_Read, inside.x, inside.y, inside.width, inside.height, out.data(),
                                      inside.width, inside.height, TypeOf<T>(), sizeof(T),
                                      static_cast<int>(out.stride() * sizeof(T)));
    if (error != CE_None) return GdalError(pool.uri());
  }
  pool.GiveBack(std::move(dataset));
  return image;
}

template absl::StatusOr<raster::Image<uint8_t>> ReadWindow(DatasetPool&, int, const geo::Window&, uint8_t);
template absl::StatusOr<raster::Image<uint16_t>> ReadWindow(DatasetPool&, int, const geo::Window&, uint16_t);
template absl::StatusOr<raster::Image<int16_t>> ReadWindow(DatasetPool&, int, const geo::Window&, int16_t);

absl::StatusOr<geo::Grid> GridOf(DatasetPool& pool, int epsg, double pixel_m) {
  ARPENT_ASSIGN_OR_RETURN(Dataset dataset, pool.Take());
  double affine[6];
  if (GDALGetGeoTransform(dataset.get(), affine) != CE_None) {
    return absl::InvalidArgumentError(absl::StrCat(pool.uri(), ": has no georeference"));
  }
  if (pixel_m == 0) {
    pixel_m = std::round(affine[1]);
    if (std::abs(affine[1] - pixel_m) > 1e-6 || !(pixel_m >= 1 && pixel_m <= 100000)) {
      return absl::InvalidArgumentError(absl::StrCat(pool.uri(), ": has pixels of ", affine[1], " m, not of whole metres"));
    }
  }
  if (std::abs(affine[1] - pixel_m) > 1e-6 || affine[2] != 0 || affine[4] != 0 || affine[5] != -affine[1]) {
    return absl::InvalidArgumentError(
        absl::StrCat(pool.uri(), ": has pixels of ", affine[1], " m instead of ", pixel_m, " m, or is not north-up"));
  }
  const geo::Grid grid{epsg,    affine[0], affine[3], pixel_m, GDALGetRasterXSize(dataset.get()),
                       GDALGetRasterYSize(dataset.get())};
  pool.GiveBack(std::move(dataset));
  return grid;
}

absl::Status CheckTiffIsWhole(DatasetPool& pool, int64_t size_bytes) {
  ARPENT_ASSIGN_OR_RETURN(Dataset dataset, pool.Take());
  const GDALRasterBandH band = GDALGetRasterBand(dataset.get(), 1);
  int width = 0, height = 0;
  GDALGetBlockSize(band, &width, &height);
  const int columns = (GDALGetRasterBandXSize(band) + width - 1) / width;
  const int rows = (GDALGetRasterBandYSize(band) + height - 1) / height;
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) {
      const auto number = [&](const char* what) -> int64_t {
        const char* text = GDALGetMetadataItem(band, absl::StrCat(what, "_", x, "_", y).c_str(), "TIFF");
        int64_t value = 0;
        return text != nullptr && absl::SimpleAtoi(text, &value) ? value : 0;  // a sparse block has none
      };
      const int64_t end = number("BLOCK_OFFSET") + number("BLOCK_SIZE");
      if (end > size_bytes) {
        return absl::DataLossError(absl::StrCat(pool.uri(), ": is cut short: a block ends at byte ", end, " of ", size_bytes));
      }
    }
  }
  pool.GiveBack(std::move(dataset));
  return absl::OkStatus();
}

}  // namespace arpent::scene
