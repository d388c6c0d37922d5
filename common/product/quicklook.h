// What people look at first: a small PNG of a product, and a QGIS style for a raster of codes.
#ifndef ARPENT_COMMON_PRODUCT_QUICKLOOK_H_
#define ARPENT_COMMON_PRODUCT_QUICKLOOK_H_

#include <array>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/product/raster_writer.h"

namespace arpent::product {

// Longest side of a thumbnail in pixels.
inline constexpr int kThumbnailPixels = 512;

// True colour of red, green and blue reflectance files (local, Int16 x 10000): black is 0, white 0.3; no-data is
// transparent. Returns PNG bytes.
absl::StatusOr<std::string> ReflectanceThumbnail(const std::array<std::string, 3>& files);

// A local raster of codes in its legend's colours; codes without one, and no-data, are transparent.
absl::StatusOr<std::string> CodeThumbnail(const std::string& file, const std::vector<CodeClass>& classes);

// A QML style with names and colours: QGIS reads it when it lies beside the raster.
std::string QmlStyle(const std::vector<CodeClass>& classes);

}  // namespace arpent::product

#endif  // ARPENT_COMMON_PRODUCT_QUICKLOOK_H_
