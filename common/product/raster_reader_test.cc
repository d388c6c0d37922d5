#include "common/product/raster_reader.h"

#include <gdal.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <random>
#include <string>

#include "common/product/raster_writer.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::product {
namespace {

using raster::Image;

// A raster that this product wrote, and copies of it that GDAL wrote in other ways.
class RasterReaderTest : public ::testing::Test {
 protected:
  static constexpr int kWidth = 1100, kHeight = 700;  // blocks at the right and lower edges are not full

  RasterReaderTest() {
    auto store = storage::FileStore::Open(folder_.path());
    EXPECT_OK(store);
    stores_->Add("output", *store);
    storage::InstallVsiArpent(stores_);
  }

  template <typename T>
  void Write(const Image<T>& image) {
    RasterOptions options{.type = PixelTypeOf<T>(), .no_data = 0};
    const geo::Grid grid{32633, 399960, 5000040, 10, image.width(), image.height()};
    ASSERT_OK_AND_ASSIGN(auto writer, RasterWriter::Create(folder_.File("ours.tif"), grid, options, 1));
    ASSERT_OK(writer->Write({0, 0, image.width(), image.height()}, image.view()));
    ASSERT_OK(writer->Finish());
  }

  void Copy(const std::string& name, std::vector<const char*> options) {
    options.push_back("TILED=YES");
    options.push_back(nullptr);
    const GDALDatasetH source = GDALOpen(folder_.File("ours.tif").c_str(), GA_ReadOnly);
    ASSERT_NE(source, nullptr);
    const GDALDatasetH copy = GDALCreateCopy(GDALGetDriverByName("GTiff"), folder_.File(name).c_str(), source, FALSE,
                                             const_cast<char**>(options.data()), nullptr, nullptr);
    ASSERT_NE(copy, nullptr);
    GDALClose(copy);
    GDALClose(source);
  }

  template <typename T>
  void ExpectPixels(const std::string& name, const Image<T>& image) {
    SCOPED_TRACE(name);
    ASSERT_OK_AND_ASSIGN(const auto reader, RasterReader::Open(stores_, "output:/" + name));
    const T outside{7};
    std::mt19937 random(3);
    const auto draw = [&](int from, int to) { return from + static_cast<int>(random() % static_cast<unsigned>(to - from)); };
    std::vector<geo::Window> windows = {{0, 0, kWidth, kHeight}, {512, 0, 512, 512}, {1020, 508, 80, 192}, {-5, -5, 3, 3}};
    for (int i = 0; i < 20; ++i) windows.push_back({draw(-40, kWidth), draw(-40, kHeight), draw(1, 600), draw(1, 600)});
    for (const geo::Window& window : windows) {
      Image<T> wide(window.width + 3, window.height);  // rows of the view do not follow one another
      const raster::View<T> out = wide.view().Sub({2, 0, window.width, window.height});
      ASSERT_OK(reader->Read(window, outside, out));
      for (int y = 0; y < window.height; ++y) {
        for (int x = 0; x < window.width; ++x) {
          const int at_x = window.x + x, at_y = window.y + y;
          const bool inside = at_x >= 0 && at_y >= 0 && at_x < kWidth && at_y < kHeight;
          ASSERT_EQ(out(x, y), inside ? image(at_x, at_y) : outside) << at_x << ' ' << at_y;
        }
        ASSERT_EQ(wide(0, y), T{0}) << "outside of the view";
        ASSERT_EQ(wide(window.width + 2, y), T{0}) << "outside of the view";
      }
    }
  }

  template <typename T>
  void ExpectAnyFileReads() {
    GDALAllRegister();
    std::mt19937 random(1);
    Image<T> image(kWidth, kHeight);
    for (size_t i = 0; i < image.size(); ++i) image.data()[i] = static_cast<T>(random() % 251 + i / 900);
    ASSERT_NO_FATAL_FAILURE(Write(image));
    const char* const predictor = PixelTypeOf<T>() == PixelType::kFloat32 ? "PREDICTOR=3" : "PREDICTOR=2";
    Copy("deflate.tif", {"COMPRESS=DEFLATE"});
    Copy("small-blocks.tif", {"COMPRESS=ZSTD", predictor, "BLOCKXSIZE=128", "BLOCKYSIZE=128"});
    Copy("oblong-blocks.tif", {"COMPRESS=ZSTD", predictor, "BLOCKXSIZE=256", "BLOCKYSIZE=128"});
    Copy("no-predictor.tif", {"COMPRESS=ZSTD"});
    // GDAL 3.6 does not read its own big-endian floats with predictor 3.
    Copy("big-endian.tif", {"COMPRESS=ZSTD", PixelTypeOf<T>() == PixelType::kFloat32 ? "PREDICTOR=1" : predictor, "ENDIANNESS=BIG"});
    for (const char* name : {"ours.tif", "deflate.tif", "small-blocks.tif", "oblong-blocks.tif", "no-predictor.tif", "big-endian.tif"}) {
      ExpectPixels(name, image);
    }
  }

  testing::TemporaryFolder folder_;
  std::shared_ptr<storage::StoreSet> stores_ = std::make_shared<storage::StoreSet>();
};

TEST_F(RasterReaderTest, ReadsAnyWindowOfAnyFileOfBytes) { ExpectAnyFileReads<uint8_t>(); }
TEST_F(RasterReaderTest, ReadsAnyWindowOfAnyFileOfUnsignedWords) { ExpectAnyFileReads<uint16_t>(); }
TEST_F(RasterReaderTest, ReadsAnyWindowOfAnyFileOfSignedWords) { ExpectAnyFileReads<int16_t>(); }
TEST_F(RasterReaderTest, ReadsAnyWindowOfAnyFileOfFloats) { ExpectAnyFileReads<float>(); }

TEST_F(RasterReaderTest, BlocksThatAreNotThereAreNoData) {
  GDALAllRegister();
  Image<int16_t> image(kWidth, kHeight);
  image(700, 600) = 5;
  ASSERT_NO_FATAL_FAILURE(Write(image));
  Copy("sparse.tif", {"COMPRESS=ZSTD", "PREDICTOR=2", "SPARSE_OK=TRUE"});
  ExpectPixels("sparse.tif", image);
}

TEST_F(RasterReaderTest, OtherTypesAreConverted) {
  Image<uint8_t> image(kWidth, kHeight, 200);
  ASSERT_NO_FATAL_FAILURE(Write(image));
  ExpectPixels("ours.tif", Image<uint16_t>(kWidth, kHeight, 200));
}

TEST_F(RasterReaderTest, ACutOrReplacedFileIsNamed) {
  Image<int16_t> image(kWidth, kHeight);
  for (size_t i = 0; i < image.size(); ++i) image.data()[i] = static_cast<int16_t>(i * 2654435761u >> 20);
  ASSERT_NO_FATAL_FAILURE(Write(image));
  const std::string path = folder_.File("ours.tif");
  ASSERT_OK_AND_ASSIGN(const auto reader, RasterReader::Open(stores_, "output:/ours.tif"));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1000);
  Image<int16_t> out(kWidth, kHeight);
  const absl::Status after = reader->Read({0, 0, kWidth, kHeight}, 0, out.view());
  EXPECT_FALSE(after.ok());
  EXPECT_NE(after.message().find("ours.tif"), std::string::npos) << after;
  const auto cut = RasterReader::Open(stores_, "output:/ours.tif");
  const absl::Status status = cut.ok() ? (*cut)->Read({0, 0, kWidth, kHeight}, 0, out.view()) : cut.status();
  EXPECT_THAT(status, testing::StatusIs(absl::StatusCode::kDataLoss, "ours.tif"));
}

}  // namespace
}  // namespace arpent::product
