#include "common/product/raster_writer.h"

#include <gdal.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <thread>

#include "common/product/block_codec.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::product {
namespace {

using raster::Image;

// A smooth field with noise and holes: compresses like reflectance and has no-data in places.
template <typename T>
Image<T> Field(int width, int height, T no_data) {
  std::mt19937 random(7);
  Image<T> image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool hole = (x / 37 + y / 23) % 11 == 0;
      image(x, y) = hole ? no_data : static_cast<T>(100 + (x / 3 + y / 5) % 120 + static_cast<int>(random() % 7));
    }
  }
  return image;
}

geo::Grid GridOf(int width, int height) { return {32633, 399960, 5000040, 10, width, height}; }

RasterOptions Reflectance() {
  return {.type = PixelType::kInt16, .no_data = -9999, .scale = 0.0001, .description = "blue <surface>", .unit = "1"};
}

template <typename T>
RasterFile WriteWhole(const std::string& path, const Image<T>& image, const RasterOptions& options) {
  auto writer = RasterWriter::Create(path, GridOf(image.width(), image.height()), options, 1);
  EXPECT_OK(writer);
  EXPECT_OK((*writer)->Write({0, 0, image.width(), image.height()}, image.view()));
  auto file = (*writer)->Finish();
  EXPECT_OK(file);
  return *file;
}

// GDAL is the oracle of everything below.
class GdalFile {
 public:
  explicit GdalFile(const std::string& path) {
    GDALAllRegister();
    dataset_ = GDALOpen(path.c_str(), GA_ReadOnly);
    EXPECT_NE(dataset_, nullptr) << path;
  }
  ~GdalFile() { GDALClose(dataset_); }
  GDALDatasetH dataset() const { return dataset_; }
  GDALRasterBandH band() const { return GDALGetRasterBand(dataset_, 1); }

  template <typename T>
  static Image<T> Pixels(GDALRasterBandH band, GDALDataType type) {
    const int width = GDALGetRasterBandXSize(band), height = GDALGetRasterBandYSize(band);
    Image<T> image(width, height);
    EXPECT_EQ(GDALRasterIO(band, GF_Read, 0, 0, width, height, image.data(), width, height, type, 0, 0), CE_None);
    return image;
  }

 private:
  GDALDatasetH dataset_;
};

TEST(RasterWriter, GdalReadsBackPixelsAndMetadata) {
  const testing::TemporaryFolder folder;
  const Image<int16_t> image = Field<int16_t>(1300, 777, -9999);
  WriteWhole(folder.File("B02.tif"), image, Reflectance());
  const GdalFile file(folder.File("B02.tif"));
  EXPECT_TRUE(GdalFile::Pixels<int16_t>(file.band(), GDT_Int16) == image);
  double transform[6];
  ASSERT_EQ(GDALGetGeoTransform(file.dataset(), transform), CE_None);
  EXPECT_EQ((std::vector<double>(transform, transform + 6)), (std::vector<double>{399960, 10, 0, 5000040, 0, -10}));
  EXPECT_NE(std::string(GDALGetProjectionRef(file.dataset())).find("UTM zone 33N"), std::string::npos);
  EXPECT_EQ(GDALGetRasterNoDataValue(file.band(), nullptr), -9999);
  EXPECT_EQ(GDALGetRasterScale(file.band(), nullptr), 0.0001);
  EXPECT_STREQ(GDALGetDescription(file.band()), "blue <surface>");
  EXPECT_STREQ(GDALGetRasterUnitType(file.band()), "1");
  EXPECT_STREQ(GDALGetMetadataItem(file.dataset(), "LAYOUT", "IMAGE_STRUCTURE"), "COG");
}

// Mean of the valid pixels, half away from zero, level by level.
Image<int16_t> SlowHalf(const Image<int16_t>& fine) {
  Image<int16_t> coarse((fine.width() + 1) / 2, (fine.height() + 1) / 2);
  for (int y = 0; y < coarse.height(); ++y) {
    for (int x = 0; x < coarse.width(); ++x) {
      double sum = 0;
      int count = 0;
      for (int v = 2 * y; v < std::min(2 * y + 2, fine.height()); ++v) {
        for (int u = 2 * x; u < std::min(2 * x + 2, fine.width()); ++u) {
          if (fine(u, v) == -9999) continue;
          sum += fine(u, v);
          ++count;
        }
      }
      coarse(x, y) = count == 0 ? int16_t{-9999} : static_cast<int16_t>(std::lround(sum / count));
    }
  }
  return coarse;
}

TEST(RasterWriter, OverviewsAverageWhatIsValid) {
  const testing::TemporaryFolder folder;
  Image<int16_t> image = Field<int16_t>(2051, 1029, -9999);
  for (int x = 0; x < 2051; x += 3) image(x, 5) = static_cast<int16_t>(-x);  // rounding of negative means
  WriteWhole(folder.File("a.tif"), image, Reflectance());
  const GdalFile file(folder.File("a.tif"));
  ASSERT_EQ(GDALGetOverviewCount(file.band()), 3);
  Image<int16_t> expected = image;
  for (int level = 0; level < 3; ++level) {
    expected = SlowHalf(expected);
    EXPECT_TRUE(GdalFile::Pixels<int16_t>(GDALGetOverview(file.band(), level), GDT_Int16) == expected) << level;
  }
}

TEST(RasterWriter, CodesKeepTheirColoursAndNearestOverviews) {
  const testing::TemporaryFolder folder;
  const Image<uint8_t> image = Field<uint8_t>(700, 1100, 255);
  WriteWhole(folder.File("SCL.tif"), image,
             {.type = PixelType::kUInt8,
              .no_data = 0,
              .overviews = OverviewKind::kNearest,
              .classes = {{4, "vegetation", "#00a000"}, {9, "cloud", "#ffffff"}}});
  const GdalFile file(folder.File("SCL.tif"));
  const GDALColorTableH colours = GDALGetRasterColorTable(file.band());
  ASSERT_NE(colours, nullptr);
  EXPECT_EQ(GDALGetColorEntry(colours, 4)->c2, 0xa0);
  EXPECT_EQ(GDALGetColorEntry(colours, 9)->c1, 0xff);
  EXPECT_TRUE(GdalFile::Pixels<uint8_t>(file.band(), GDT_Byte) == image);
  const auto half = GdalFile::Pixels<uint8_t>(GDALGetOverview(file.band(), 0), GDT_Byte);
  for (int y = 0; y < half.height(); ++y) {
    for (int x = 0; x < half.width(); ++x) ASSERT_EQ(half(x, y), image(2 * x, 2 * y));
  }
}

TEST(RasterWriter, FloatsSurvive) {
  const testing::TemporaryFolder folder;
  std::mt19937 random(3);
  Image<float> image(600, 520);
  for (size_t i = 0; i < image.size(); ++i) image.data()[i] = std::ldexp(static_cast<float>(random()), -20) - 900;
  image(3, 3) = NAN;
  WriteWhole(folder.File("f.tif"), image, {.type = PixelType::kFloat32, .no_data = NAN});
  const GdalFile file(folder.File("f.tif"));
  const auto back = GdalFile::Pixels<float>(file.band(), GDT_Float32);
  EXPECT_TRUE(std::isnan(back(3, 3)));
  EXPECT_EQ(std::memcmp(back.data(), image.data(), image.size() * 4), 0);
}

TEST(RasterWriter, IsValidByGdalsOwnChecker) {
  const testing::TemporaryFolder folder;
  WriteWhole(folder.File("large.tif"), Field<int16_t>(2600, 1800, -9999), Reflectance());
  WriteWhole(folder.File("chip.tif"), Field<uint16_t>(96, 96, 65535), {.type = PixelType::kUInt16, .no_data = 65535});
  for (const char* name : {"large.tif", "chip.tif"}) {
    const std::string command =
        "/usr/bin/python3 -c 'import sys; from osgeo_utils.samples import "
        "validate_cloud_optimized_geotiff as v; w, e, d = v.validate(sys.argv[1], full_check=True); print(w, e); "
        "sys.exit(bool(w or e))' " +
        folder.File(name);
    EXPECT_EQ(std::system(command.c_str()), 0) << name;
  }
}

TEST(RasterWriter, BytesDoNotDependOnOrderWindowsOrThreads) {
  const testing::TemporaryFolder folder;
  const Image<int16_t> image = Field<int16_t>(1500, 1100, -9999);
  const RasterFile whole = WriteWhole(folder.File("whole.tif"), image, Reflectance());
  std::mt19937 random(11);
  for (const int step : {512, 173}) {
    std::vector<geo::Window> windows;
    for (int y = 0; y < image.height(); y += step) {
      for (int x = 0; x < image.width(); x += step) {
        windows.push_back(geo::Intersection({x, y, step, step}, {0, 0, image.width(), image.height()}));
      }
    }
    std::shuffle(windows.begin(), windows.end(), random);
    ASSERT_OK_AND_ASSIGN(auto writer,
                         RasterWriter::Create(folder.File("parts.tif"), GridOf(1500, 1100), Reflectance(), 4));
    std::vector<std::thread> threads;
    for (size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (size_t i = t; i < windows.size(); i += 4) {
          const auto pixels = raster::View<const int16_t>(image.view()).data() + windows[i].y * 1500 + windows[i].x;
          EXPECT_OK(writer->Write(windows[i],
                                  raster::View<const int16_t>(pixels, windows[i].width, windows[i].height, 1500)));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_OK_AND_ASSIGN(const RasterFile parts, writer->Finish());
    EXPECT_EQ(parts.sha256, whole.sha256);
    EXPECT_EQ(parts.pixel_digest, whole.pixel_digest);
  }
  ASSERT_OK_AND_ASSIGN(const HexDigest digest, Sha256OfFile(folder.File("whole.tif")));
  EXPECT_EQ(digest, whole.sha256);
}

TEST(RasterWriter, PixelsNeverWrittenAreNoData) {
  const testing::TemporaryFolder folder;
  ASSERT_OK_AND_ASSIGN(auto writer, RasterWriter::Create(folder.File("p.tif"), GridOf(1100, 600), Reflectance(), 1));
  const Image<int16_t> part(100, 50, 1234);
  ASSERT_OK(writer->Write({490, 500, 100, 50}, part.view()));
  ASSERT_OK(writer->Finish());
  const GdalFile file(folder.File("p.tif"));
  const auto back = GdalFile::Pixels<int16_t>(file.band(), GDT_Int16);
  for (int y = 0; y < 600; ++y) {
    for (int x = 0; x < 1100; ++x) {
      const bool inside = x >= 490 && x < 590 && y >= 500 && y < 550;
      ASSERT_EQ(back(x, y), inside ? 1234 : -9999) << x << "," << y;
    }
  }
}

TEST(RasterWriter, RefusesWhatDoesNotFit) {
  const testing::TemporaryFolder folder;
  ASSERT_OK_AND_ASSIGN(auto writer, RasterWriter::Create(folder.File("r.tif"), GridOf(600, 600), Reflectance(), 1));
  const Image<int16_t> part(100, 100);
  EXPECT_THAT(writer->Write({550, 0, 100, 100}, part.view()),
              testing::StatusIs(absl::StatusCode::kInvalidArgument, "r.tif"));
  const Image<uint8_t> bytes(100, 100);
  EXPECT_THAT(writer->Write({0, 0, 100, 100}, bytes.view()),
              testing::StatusIs(absl::StatusCode::kInvalidArgument, "type"));
  const Image<int16_t> whole(600, 600);
  ASSERT_OK(writer->Write({0, 0, 600, 600}, whole.view()));
  EXPECT_THAT(writer->Write({0, 0, 100, 100}, part.view()), testing::StatusIs(absl::StatusCode::kInternal, "twice"));
  EXPECT_THAT(RasterWriter::Create(folder.File("no/such/x.tif"), GridOf(5, 5), Reflectance(), 1),
              testing::StatusIs(absl::StatusCode::kNotFound, "x.tif"));
  EXPECT_THAT(RasterWriter::Create(folder.File("x.tif"), GridOf(0, 5), Reflectance(), 1),
              testing::StatusIs(absl::StatusCode::kInvalidArgument, "empty"));
}

TEST(BlockCodec, FindsDamage) {
  const Image<uint16_t> image = Field<uint16_t>(512, 512, 0);
  const absl::string_view pixels(reinterpret_cast<const char*>(image.data()), image.size() * 2);
  ASSERT_OK_AND_ASSIGN(std::string encoded, EncodeBlock(PixelType::kUInt16, 512, pixels));
  std::string back(pixels.size(), '\0');
  ASSERT_OK(DecodeBlock(PixelType::kUInt16, 512, encoded, back.data(), back.size()));
  EXPECT_TRUE(back == pixels);
  for (const size_t at : {size_t{20}, encoded.size() / 2, encoded.size() - 1}) {
    std::string damaged = encoded;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    EXPECT_THAT(DecodeBlock(PixelType::kUInt16, 512, damaged, back.data(), back.size()),
                testing::StatusIs(absl::StatusCode::kDataLoss, ""))
        << at;
  }
}

}  // namespace
}  // namespace arpent::product
