#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <gdal.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "common/storage/file_store.h"
#include "common/storage/stores.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::storage {
namespace {

using testing::StatusIs;

TEST(StoreUri, NamesAStoreAndAPath) {
  ASSERT_OK_AND_ASSIGN(const StoreUri uri, StoreUri::Parse("input:/l1c/S2A.SAFE/"));
  EXPECT_EQ(uri.store, "input");
  EXPECT_EQ(uri.path, "l1c/S2A.SAFE");
  EXPECT_EQ(uri.ToString(), "input:/l1c/S2A.SAFE");
  ASSERT_OK_AND_ASSIGN(const StoreUri root, StoreUri::Parse("output:/"));
  EXPECT_EQ(root.path, "");
  for (const char* wrong : {"", "input", "/a/b", ":/a", "In:/a", "input:a", "https://host/a", "input:/a/../b"}) {
    EXPECT_THAT(StoreUri::Parse(wrong), StatusIs(absl::StatusCode::kInvalidArgument, "")) << wrong;
  }
}

TEST(GdalPath, ReachesIntoArchives) {
  EXPECT_EQ(*GdalPath("input:/a/b.jp2"), "/vsiarpent/input/a/b.jp2");
  EXPECT_EQ(*GdalPath("input:/a/S2A.zip/S2A.SAFE/b.jp2"), "/vsizip//vsiarpent/input/a/S2A.zip/S2A.SAFE/b.jp2");
  EXPECT_EQ(*GdalPath("input:/a/S2A.zip"), "/vsiarpent/input/a/S2A.zip");
}

TEST(StoreSet, NamesTheStoresThatExist) {
  StoreSet stores;
  stores.Add("output", nullptr);
  stores.Add("input", nullptr);
  EXPECT_THAT(stores.Find("inputs"), StatusIs(absl::StatusCode::kNotFound, "input, output"));
}

class VirtualFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(store_, FileStore::Open(folder_.path()));
    auto stores = std::make_shared<StoreSet>();
    stores->Add("input", store_);
    InstallVsiArpent(stores);
    ClearLastVsiError();
    CPLPushErrorHandler(CPLQuietErrorHandler);
  }
  void TearDown() override { CPLPopErrorHandler(); }

  testing::TemporaryFolder folder_;
  std::shared_ptr<FileStore> store_;
};

TEST_F(VirtualFiles, ReadsLikeAnOrdinaryFile) {
  std::string bytes(9000000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + (i >> 9));
  ASSERT_OK(WriteAll(*store_, "a/data", bytes));
  std::FILE* const plain = std::fopen(folder_.File("a/data").c_str(), "rb");
  VSILFILE* const ours = VSIFOpenL("/vsiarpent/input/a/data", "rb");
  ASSERT_NE(ours, nullptr);
  std::mt19937 random(42);
  std::string expected(3000000, '\0'), got(3000000, '\0');
  for (int step = 0; step < 400; ++step) {
    if (random() % 3 == 0) {
      const int whence = static_cast<int>(random() % 3);
      const long offset = whence == SEEK_SET ? static_cast<long>(random() % 9100000) : whence == SEEK_CUR ? 777 : 0;
      std::fseek(plain, offset, whence);
      VSIFSeekL(ours, static_cast<vsi_l_offset>(offset), whence);
    }
    const size_t length = random() % 7 == 0 ? random() % 3000000 : random() % 30000 + 1;
    const size_t wanted = std::fread(expected.data(), 1, length, plain);
    ASSERT_EQ(VSIFReadL(got.data(), 1, length, ours), wanted);
    ASSERT_EQ(got.compare(0, wanted, expected, 0, wanted), 0);
    ASSERT_EQ(static_cast<long>(VSIFTellL(ours)), std::ftell(plain));
    ASSERT_EQ(VSIFEofL(ours) != 0, std::feof(plain) != 0);
  }
  std::fclose(plain);
  VSIFCloseL(ours);
  EXPECT_OK(LastVsiError());
}

TEST_F(VirtualFiles, StatsAndLists) {
  ASSERT_OK(WriteAll(*store_, "a/x", "12345"));
  ASSERT_OK(WriteAll(*store_, "a/y/z", "1"));
  VSIStatBufL status;
  ASSERT_EQ(VSIStatL("/vsiarpent/input/a/x", &status), 0);
  EXPECT_EQ(status.st_size, 5);
  ASSERT_EQ(VSIStatL("/vsiarpent/input/a", &status), 0);
  EXPECT_TRUE(VSI_ISDIR(status.st_mode));
  EXPECT_NE(VSIStatL("/vsiarpent/input/a/none", &status), 0);
  EXPECT_NE(VSIStatL("/vsiarpent/other/a", &status), 0);
  char** const names = VSIReadDir("/vsiarpent/input/a");
  EXPECT_EQ(CSLCount(names), 2);
  EXPECT_STREQ(names[0], "x");
  EXPECT_STREQ(names[1], "y");
  CSLDestroy(names);
  EXPECT_EQ(VSIFOpenL("/vsiarpent/input/new", "wb"), nullptr);
  EXPECT_OK(LastVsiError());
}

TEST_F(VirtualFiles, AReplacedObjectIsATypedError) {
  ASSERT_OK(WriteAll(*store_, "object", std::string(1 << 20, 'a')));
  VSILFILE* const file = VSIFOpenL("/vsiarpent/input/object", "rb");
  ASSERT_NE(file, nullptr);
  ASSERT_OK(WriteAll(*store_, "object", std::string(1 << 20, 'b')));
  char buffer[10];
  EXPECT_EQ(VSIFReadL(buffer, 1, sizeof(buffer), file), 0u);
  EXPECT_THAT(LastVsiError(), StatusIs(absl::StatusCode::kFailedPrecondition, "object"));
  VSIFCloseL(file);
  ClearLastVsiError();
  EXPECT_OK(LastVsiError());
}

TEST_F(VirtualFiles, GdalOpensRastersAlsoInsideAZip) {
  GDALAllRegister();
  GDALDriverH const driver = GDALGetDriverByName("GTiff");
  const std::string local = folder_.File("raster.tif");
  GDALDatasetH written = GDALCreate(driver, local.c_str(), 40, 30, 1, GDT_UInt16, nullptr);
  std::vector<uint16_t> pixels(40 * 30);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint16_t>(i);
  ASSERT_EQ(GDALDatasetRasterIO(written, GF_Write, 0, 0, 40, 30, pixels.data(), 40, 30, GDT_UInt16, 1, nullptr, 0, 0, 0),
            CE_None);
  GDALClose(written);
  {
    void* const zip = CPLCreateZip(folder_.File("P.zip").c_str(), nullptr);
    std::ifstream in(local, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    CPLCreateFileInZip(zip, "P.SAFE/raster.tif", nullptr);
    CPLWriteFileInZip(zip, bytes.data(), static_cast<int>(bytes.size()));
    CPLCloseFileInZip(zip);
    CPLCloseZip(zip);
  }
  for (const char* uri : {"input:/raster.tif", "input:/P.zip/P.SAFE/raster.tif"}) {
    GDALDatasetH const opened = GDALOpen(GdalPath(uri)->c_str(), GA_ReadOnly);
    ASSERT_NE(opened, nullptr) << uri;
    std::vector<uint16_t> back(pixels.size());
    EXPECT_EQ(GDALDatasetRasterIO(opened, GF_Read, 0, 0, 40, 30, back.data(), 40, 30, GDT_UInt16, 1, nullptr, 0, 0, 0),
              CE_None);
    EXPECT_EQ(back, pixels);
    GDALClose(opened);
  }
  EXPECT_OK(LastVsiError());
}

}  // namespace
}  // namespace arpent::storage
