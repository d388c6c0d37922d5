#include "common/scene/jpeg2000_writer.h"

#include <cpl_string.h>
#include <gdal_priv.h>
#include <ogr_spatialref.h>

#include <algorithm>

#include "common/base/status.h"
#include "common/scene/dataset_pool.h"

namespace arpent::scene {
namespace {

constexpr int kBlock = 1024;  // px a side of the code stream's tiles
constexpr int kRowsAtOnce = 128;

// The band of a RowDataset. The encoder takes one row of blocks after the other; a whole row of them is held.
class RowBand final : public GDALRasterBand {
 public:
  RowBand(GDALDataset* dataset, int width, int height, RowSource& source) : source_(source) {
    poDS = dataset;
    nBand = 1;
    eDataType = GDT_UInt16;
    nRasterXSize = width;
    nRasterYSize = height;
    nBlockXSize = width;
    nBlockYSize = 1;
  }
  const absl::Status& status() const { return status_; }

 protected:
  CPLErr IReadBlock(int, int y, void* out) override {
    if (!Hold(y, 1)) return CE_Failure;
    const auto row = rows_.row(y - first_);
    std::copy(row.begin(), row.end(), static_cast<uint16_t*>(out));
    return CE_None;
  }
  CPLErr IRasterIO(GDALRWFlag flag, int x, int y, int width, int height, void* out, int out_width, int out_height,
                   GDALDataType type, GSpacing pixel_bytes, GSpacing line_bytes, GDALRasterIOExtraArg* extra) override {
    if (flag != GF_Read || out_width != width || out_height != height) {
      return GDALRasterBand::IRasterIO(flag, x, y, width, height, out, out_width, out_height, type, pixel_bytes,
                                       line_bytes, extra);
    }
    if (!Hold(y, height)) return CE_Failure;
    for (int row = 0; row < height; ++row) {
      GDALCopyWords(rows_.row(y + row - first_).data() + x, GDT_UInt16, sizeof(uint16_t),
                    static_cast<char*>(out) + row * line_bytes, type, static_cast<int>(pixel_bytes), width);
    }
    return CE_None;
  }

 private:
  // Makes sure that rows [y, y + height) are held. False when the source failed or they are past.
  bool Hold(int y, int height) {
    while (status_.ok() && y + height > first_ + rows_.height()) {
      first_ += rows_.height();
      rows_ = raster::Image<uint16_t>(nRasterXSize, std::min(kBlock, nRasterYSize - first_));
      for (int row = 0; status_.ok() && row < rows_.height(); row += kRowsAtOnce) {
        status_ = source_.Read(
            rows_.view().Sub({0, row, rows_.width(), std::min(kRowsAtOnce, rows_.height() - row)}));
      }
    }
    if (status_.ok() && y < first_) status_ = absl::InternalError("the encoder went back to rows that are gone");
    return status_.ok();
  }

  RowSource& source_;
  absl::Status status_;
  int first_ = 0;  // of the rows held
  raster::Image<uint16_t> rows_;
};

class RowDataset final : public GDALDataset {
 public:
  RowDataset(const geo::Grid& grid, RowSource& source) : grid_(grid) {
    nRasterXSize = grid.width;
    nRasterYSize = grid.height;
    eAccess = GA_ReadOnly;
    crs_.importFromEPSG(grid.epsg);
    band_ = new RowBand(this, grid.width, grid.height, source);  // the dataset owns it
    SetBand(1, band_);
  }
  CPLErr GetGeoTransform(double* affine) override {
    const double values[6] = {grid_.west, grid_.pixel_m, 0, grid_.north, 0, -grid_.pixel_m};
    std::copy(values, values + 6, affine);
    return CE_None;
  }
  const OGRSpatialReference* GetSpatialRef() const override { return &crs_; }
  const absl::Status& status() const { return band_->status(); }

 private:
  const geo::Grid grid_;
  OGRSpatialReference crs_;
  RowBand* band_;
};

absl::Status Encode(const std::string& path, GDALDataset& from) {
  char** options = nullptr;
  for (const char* option : {"REVERSIBLE=YES", "QUALITY=100", "BLOCKXSIZE=1024", "BLOCKYSIZE=1024", "RESOLUTIONS=6",
                             "PROGRESSION=LRCP", "GMLJP2=YES", "GeoJP2=YES"}) {
    options = CSLAddString(options, option);
  }
  CPLErrorReset();
  Dataset written(GDALCreateCopy(GDALGetDriverByName("JP2OpenJPEG"), path.c_str(), GDALDataset::ToHandle(&from), FALSE,
                                 options, nullptr, nullptr));
  CSLDestroy(options);
  return written == nullptr ? GdalError(path) : absl::OkStatus();
}

}  // namespace

absl::Status WriteJpeg2000(const std::string& path, const geo::Grid& grid, RowSource& source) {
  RowDataset rows(grid, source);
  const absl::Status written = Encode(path, rows);
  return rows.status().ok() ? written : rows.status();
}

absl::Status WriteJpeg2000(const std::string& path, const geo::Grid& grid,
                           const std::vector<raster::Image<uint8_t>>& bands) {
  Dataset memory(GDALCreate(GDALGetDriverByName("MEM"), "", grid.width, grid.height, static_cast<int>(bands.size()),
                            GDT_Byte, nullptr));
  double affine[6] = {grid.west, grid.pixel_m, 0, grid.north, 0, -grid.pixel_m};
  GDALSetGeoTransform(memory.get(), affine);
  OGRSpatialReference crs;
  crs.importFromEPSG(grid.epsg);
  GDALSetSpatialRef(memory.get(), OGRSpatialReference::ToHandle(&crs));
  for (size_t i = 0; i < bands.size(); ++i) {
    if (GDALRasterIO(GDALGetRasterBand(memory.get(), static_cast<int>(i) + 1), GF_Write, 0, 0, grid.width, grid.height,
                     const_cast<uint8_t*>(bands[i].data()), grid.width, grid.height, GDT_Byte, 0, 0) != CE_None) {
      return GdalError(path);
    }
  }
  return Encode(path, *GDALDataset::FromHandle(memory.get()));
}

}  // namespace arpent::scene
