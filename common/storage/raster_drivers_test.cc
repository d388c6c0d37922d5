#include "common/storage/raster_drivers.h"

#include <gdal_priv.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::storage {
namespace {

using testing::StatusIs;

class RasterDriversTest : public ::testing::Test {
 protected:
  RasterDriversTest() { GDALAllRegister(); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.File(name)) << text;
    return folder_.File(name);
  }
  // A virtual raster of 4 bytes with one band that holds `inside`.
  std::string Vrt(const std::string& name, const std::string& attributes, const std::string& inside) const {
    return Write(name, "<VRTDataset rasterXSize=\"4\" rasterYSize=\"1\"><VRTRasterBand dataType=\"Byte\" band=\"1\"" +
                           attributes + ">" + inside + "</VRTRasterBand></VRTDataset>");
  }
  static std::string Simple(const std::string& source, bool relative) {
    return "<SimpleSource><SourceFilename relativeToVRT=\"" + std::string(relative ? "1" : "0") + "\">" + source +
           "</SourceFilename></SimpleSource>";
  }
  absl::Status Check(const std::string& file) const { return CheckVirtualRaster(file, "input:/dem.vrt"); }

  testing::TemporaryFolder folder_;
};

TEST_F(RasterDriversTest, AnImageThatIsAVirtualRasterDoesNotOpen) {
  Write("secret", "text");
  const std::string band =
      Vrt("T33TVL_B02.jp2", " subClass=\"VRTRawRasterBand\"",
          "<SourceFilename>" + folder_.File("secret") + "</SourceFilename><ImageOffset>0</ImageOffset>"
          "<PixelOffset>1</PixelOffset><LineOffset>4</LineOffset>");
  const auto open = [&band](const char* const* drivers) {
    CPLPushErrorHandler(CPLQuietErrorHandler);
    GDALDatasetH const dataset = GDALOpenEx(band.c_str(), GDAL_OF_RASTER | GDAL_OF_READONLY, drivers, nullptr, nullptr);
    CPLPopErrorHandler();
    std::string bytes;
    if (dataset == nullptr) return bytes;
    bytes.resize(4);
    EXPECT_EQ(GDALRasterIO(GDALGetRasterBand(dataset, 1), GF_Read, 0, 0, 4, 1, bytes.data(), 4, 1, GDT_Byte, 0, 0), CE_None);
    GDALClose(dataset);
    return bytes;
  };
  ASSERT_EQ(open(nullptr), "text") << "the attack works where the drivers are free";
  EXPECT_EQ(open(ImageDrivers()), "");
  EXPECT_THAT(Check(band), StatusIs(absl::StatusCode::kPermissionDenied, "raw bytes"));
}

TEST_F(RasterDriversTest, AVirtualRasterMayNameFilesOnly) {
  EXPECT_OK(Check(Vrt("ok.vrt", "", Simple("north.tif", true) + Simple("/vsiarpent/input/south.tif", false))));
  EXPECT_OK(Check(Write("plain.tif", "no virtual raster")));
  for (const char* const source : {"/vsicurl/http://10.0.0.1/a.tif", "http://10.0.0.1/a.tif", "/vsis3/bucket/a.tif",
                                   "HDF5:/etc/passwd", "/vsimem/a", "&lt;VRTDataset/&gt;"}) {
    EXPECT_THAT(Check(Vrt("bad.vrt", "", Simple(source, false))),
                StatusIs(absl::StatusCode::kPermissionDenied, "input:/dem.vrt"))
        << source;
  }
  EXPECT_THAT(Check(Vrt("code.vrt", " subClass=\"VRTDerivedRasterBand\"", "<PixelFunctionCode>x</PixelFunctionCode>")),
              StatusIs(absl::StatusCode::kPermissionDenied, "script"));
}

TEST_F(RasterDriversTest, NorByTheWayOfAnother) {
  Vrt("raw.vrt", " subClass=\"VRTRawRasterBand\"", "<SourceFilename>/etc/passwd</SourceFilename>");
  const std::string outer = Vrt("outer.vrt", "", Simple("raw.vrt", true));
  EXPECT_THAT(Check(outer), StatusIs(absl::StatusCode::kPermissionDenied, "raw bytes"));
  EXPECT_THAT(Check(Vrt("self.vrt", "", Simple("self.vrt", true))),
              StatusIs(absl::StatusCode::kPermissionDenied, "without an end"));
}

}  // namespace
}  // namespace arpent::storage
