#include "common/product/quicklook.h"

#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_vsi.h>
#include <gdal.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/status.h"
#include "common/raster/image.h"

namespace arpent::product {
namespace {

constexpr int kWhite = 3000;  // reflectance x 10000

struct CloseDataset {
  void operator()(void* dataset) const { GDALClose(dataset); }
};
using Dataset = std::unique_ptr<void, CloseDataset>;

// Reads a local raster at thumbnail size (nearest pixel of the nearest overview).
absl::StatusOr<raster::Image<int32_t>> ReadSmall(const std::string& file) {
  GDALAllRegister();
  const Dataset dataset(GDALOpen(file.c_str(), GA_ReadOnly));
  if (dataset == nullptr) return absl::DataLossError(absl::StrCat(file, " cannot be read back"));
  const int width = GDALGetRasterXSize(dataset.get()), height = GDALGetRasterYSize(dataset.get());
  const int longest = std::max(width, height);
  const int shrunk = std::min(longest, kThumbnailPixels);
  raster::Image<int32_t> image(std::max(1, static_cast<int>(int64_t{width} * shrunk / longest)),
                               std::max(1, static_cast<int>(int64_t{height} * shrunk / longest)));
  if (GDALRasterIO(GDALGetRasterBand(dataset.get(), 1), GF_Read, 0, 0, width, height, image.data(), image.width(),
                   image.height(), GDT_Int32, 0, 0) != CE_None) {
    return absl::DataLossError(absl::StrCat(file, " cannot be read back: ", CPLGetLastErrorMsg()));
  }
  return image;
}

using Rgba = std::array<uint8_t, 4>;

absl::StatusOr<std::string> PngOf(raster::Image<Rgba>& image) {
  GDALAllRegister();
  const Dataset memory(GDALCreate(GDALGetDriverByName("MEM"), "", image.width(), image.height(), 4, GDT_Byte, nullptr));
  if (memory == nullptr ||
      GDALDatasetRasterIO(memory.get(), GF_Write, 0, 0, image.width(), image.height(), image.data(), image.width(),
                          image.height(), GDT_Byte, 4, nullptr, 4, 4 * image.width(), 1) != CE_None) {
    return absl::InternalError("the thumbnail cannot be made");
  }
  const std::string path = absl::StrCat("/vsimem/arpent-thumbnail-", reinterpret_cast<uintptr_t>(image.data()), ".png");
  const Dataset png(
      GDALCreateCopy(GDALGetDriverByName("PNG"), path.c_str(), memory.get(), FALSE, nullptr, nullptr, nullptr));
  vsi_l_offset size = 0;
  GByte* const bytes = VSIGetMemFileBuffer(path.c_str(), &size, FALSE);
  if (png == nullptr || bytes == nullptr) return absl::InternalError("the thumbnail cannot be encoded as PNG");
  std::string encoded(reinterpret_cast<const char*>(bytes), size);
  VSIUnlink(path.c_str());
  return encoded;
}

}  // namespace

absl::StatusOr<std::string> ReflectanceThumbnail(const std::array<std::string, 3>& files) {
  raster::Image<Rgba> image;
  for (int channel = 0; channel < 3; ++channel) {
    ARPENT_ASSIGN_OR_RETURN(const raster::Image<int32_t> band, ReadSmall(files[channel]));
    if (channel == 0) image = raster::Image<Rgba>(band.width(), band.height(), Rgba{0, 0, 0, 255});
    if (band.width() != image.width() || band.height() != image.height()) {
      return absl::InternalError(absl::StrCat(files[channel], " has another size than ", files[0]));
    }
    for (size_t i = 0; i < band.size(); ++i) {
      const int32_t value = band.data()[i];
      if (value == raster::kReflectanceNoData) image.data()[i][3] = 0;
      image.data()[i][channel] = static_cast<uint8_t>(std::clamp(value, 0, kWhite) * 255 / kWhite);
    }
  }
  for (size_t i = 0; i < image.size(); ++i) {
    if (image.data()[i][3] == 0) image.data()[i] = {0, 0, 0, 0};
  }
  return PngOf(image);
}

absl::StatusOr<std::string> CodeThumbnail(const std::string& file, const std::vector<CodeClass>& classes) {
  std::map<int, Rgba> colours;
  for (const CodeClass& entry : classes) {
    unsigned red = 0, green = 0, blue = 0;
    if (std::sscanf(entry.colour.c_str(), "#%2x%2x%2x", &red, &green, &blue) != 3) continue;
    colours[entry.value] = {static_cast<uint8_t>(red), static_cast<uint8_t>(green), static_cast<uint8_t>(blue), 255};
  }
  ARPENT_ASSIGN_OR_RETURN(const raster::Image<int32_t> codes, ReadSmall(file));
  raster::Image<Rgba> image(codes.width(), codes.height(), Rgba{0, 0, 0, 0});
  for (size_t i = 0; i < codes.size(); ++i) {
    if (const auto found = colours.find(codes.data()[i]); found != colours.end()) image.data()[i] = found->second;
  }
  return PngOf(image);
}

std::string QmlStyle(const std::vector<CodeClass>& classes) {
  std::string entries;
  for (const CodeClass& entry : classes) {
    const std::string label =
        absl::StrReplaceAll(entry.name, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
    absl::StrAppend(&entries, "        <paletteEntry value=\"", entry.value, "\" color=\"",
                    entry.colour.empty() ? "#808080" : entry.colour, "\" alpha=\"255\" label=\"", label, "\"/>\n");
  }
  return absl::StrCat(
      "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
      "<qgis version=\"3.22\" styleCategories=\"Symbology\">\n  <pipe>\n"
      "    <rasterrenderer type=\"paletted\" band=\"1\" opacity=\"1\" alphaBand=\"-1\">\n      <colorPalette>\n",
      entries, "      </colorPalette>\n    </rasterrenderer>\n  </pipe>\n</qgis>\n");
}

}  // namespace arpent::product
