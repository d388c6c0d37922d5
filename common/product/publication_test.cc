#include "common/product/publication.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/product/layout.h"
#include "common/product/raster_reader.h"
#include "common/product/stac_item.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::product {
namespace {

using raster::Image;

class PublicationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto stores = std::make_shared<storage::StoreSet>();
    ASSERT_OK_AND_ASSIGN(auto store, storage::FileStore::Open(folder_.File("out"), {.create_root = true}));
    stores->Add("output", store);
    stores_ = stores;
    storage::InstallVsiArpent(stores_);
    std::filesystem::create_directories(folder_.File("scratch"));
  }

  static ProductDescription Describe() {
    ProductDescription description;
    description.stage = "l2a";
    description.algorithm_version = 3;
    description.key = Sha256Of("key");
    description.folder = L2aFolder("33TVL", 2015, "S2A_20150711T100008_R122_T33TVL", description.key);
    description.parameters.Set("cloud_limit", 0.9);
    description.inputs = {{"scene", Sha256Of("scene"), "input:/somewhere/S2A_X.SAFE"}};
    description.grid = {32633, 399960, 5000040, 10, 96, 120};
    description.tile = "33TVL";
    description.datetime = absl::FromCivil(absl::CivilSecond(2015, 7, 11, 10, 0, 8), absl::UTCTimeZone());
    description.platform = "sentinel-2a";
    description.numbers = {{"eo:cloud_cover", 12.5}, {"view:sun_elevation", 60}};
    description.texts = {{"arpent:aerosol_model", "continental"}};
    description.notes = {"view angles: means"};
    return description;
  }

  absl::StatusOr<PublishedProduct> PublishOne(const ProductDescription& description) {
    Publication publication(stores_, folder_.File("scratch"), description);
    int16_t level = 300;
    for (const char* name : {"B02", "B03", "B04"}) {
      const RasterOptions options = {.type = PixelType::kInt16, .no_data = -9999, .scale = 0.0001};
      ARPENT_ASSIGN_OR_RETURN(auto writer, publication.CreateRaster(name, description.grid, options, 2));
      Image<int16_t> pixels(96, 120, level += 100);
      pixels(5, 7) = -9999;
      ARPENT_RETURN_IF_ERROR(writer->Write({0, 0, 96, 120}, pixels.view()));
      ARPENT_RETURN_IF_ERROR(publication.FinishRaster(name, std::move(writer)));
    }
    const RasterOptions codes = {.type = PixelType::kUInt8,
                                 .no_data = 0,
                                 .overviews = OverviewKind::kNearest,
                                 .classes = {{4, "vegetation & co", "#00a000"}}};
    ARPENT_ASSIGN_OR_RETURN(auto writer, publication.CreateRaster("SCL", description.grid.WithPixel(20), codes, 2));
    const Image<uint8_t> pixels(48, 60, 4);
    ARPENT_RETURN_IF_ERROR(writer->Write({0, 0, 48, 60}, pixels.view()));
    ARPENT_RETURN_IF_ERROR(publication.FinishRaster("SCL", std::move(writer)));
    ARPENT_RETURN_IF_ERROR(publication.AddFile("metrics", "metrics.json", "application/json", "metadata", "{}\n"));
    return publication.Publish();
  }

  testing::TemporaryFolder folder_;
  std::shared_ptr<const storage::StoreSet> stores_;
};

TEST_F(PublicationTest, ReadsBackWhatWasPublished) {
  const ProductDescription description = Describe();
  ASSERT_OK_AND_ASSIGN(const PublishedProduct published, PublishOne(description));
  EXPECT_EQ(published.uri, "output:/" + description.folder);
  ASSERT_OK_AND_ASSIGN(const PublishedProduct read, ReadPublished(*stores_, published.uri));
  EXPECT_EQ(read.key, description.key);
  ASSERT_EQ(read.assets.size(), published.assets.size());
  for (size_t i = 0; i < read.assets.size(); ++i) {
    EXPECT_EQ(read.assets[i].name, published.assets[i].name);
    EXPECT_EQ(read.assets[i].sha256, published.assets[i].sha256);
    EXPECT_EQ(read.assets[i].pixel_digest, published.assets[i].pixel_digest);
    ASSERT_OK_AND_ASSIGN(const std::string bytes, stores_->ReadAll(published.uri + "/" + read.assets[i].file));
    EXPECT_EQ(Sha256Of(bytes), read.assets[i].sha256);
    EXPECT_EQ(static_cast<int64_t>(bytes.size()), read.assets[i].size_bytes);
  }
  ASSERT_OK_AND_ASSIGN(const ProductDescription again, ReadDescription(*stores_, published.uri));
  EXPECT_EQ(again.folder, description.folder);
  EXPECT_EQ(again.parameters, description.parameters);
  EXPECT_EQ(again.grid, description.grid);
  EXPECT_EQ(again.datetime, description.datetime);
  EXPECT_EQ(again.numbers, description.numbers);
  EXPECT_EQ(again.texts, description.texts);
  EXPECT_EQ(again.notes, description.notes);
  ASSERT_OK_AND_ASSIGN(const auto classes, ReadClasses(*stores_, published.uri));
  ASSERT_EQ(classes.at("SCL").size(), 1u);
  EXPECT_EQ(classes.at("SCL")[0].name, "vegetation & co");
  EXPECT_EQ(classes.at("SCL")[0].colour, "#00a000");
  ASSERT_EQ(again.inputs.size(), 1u);
  EXPECT_EQ(again.inputs[0].uri, "S2A_X");
}

TEST_F(PublicationTest, TheItemIsStacAndTellsNoPlaceOrTime) {
  ProductDescription description = Describe();
  ASSERT_OK_AND_ASSIGN(const PublishedProduct first, PublishOne(description));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, stores_->ReadAll(first.uri + "/item.json"));
  description.inputs[0].uri = "input:/elsewhere/deep/S2A_X.zip";  // packed, it is the same scene
  ASSERT_OK(PublishOne(description));
  ASSERT_OK_AND_ASSIGN(const std::string again, stores_->ReadAll(first.uri + "/item.json"));
  EXPECT_EQ(bytes, again);
  EXPECT_EQ(bytes.find("somewhere"), std::string::npos);
  const auto item = nlohmann::json::parse(bytes);
  EXPECT_EQ(item["stac_version"], "1.1.0");
  EXPECT_EQ(item["type"], "Feature");
  EXPECT_EQ(item["properties"]["proj:code"], "EPSG:32633");
  EXPECT_EQ(item["properties"]["grid:code"], "MGRS-33TVL");
  EXPECT_EQ(item["properties"]["datetime"], "2015-07-11T10:00:08Z");
  const auto& blue = item["assets"]["B02"];
  EXPECT_EQ(blue["bands"][0]["eo:common_name"], "blue");
  EXPECT_EQ(blue["bands"][0]["raster:scale"], 0.0001);
  EXPECT_EQ(blue["bands"][0]["nodata"], -9999);
  EXPECT_EQ(blue["file:checksum"].get<std::string>().substr(0, 4), "1220");
  EXPECT_EQ(item["assets"]["SCL"]["bands"][0]["classification:classes"][0]["name"], "vegetation___co");
  EXPECT_EQ(item["assets"]["thumbnail"]["roles"][0], "thumbnail");
  EXPECT_NEAR(item["bbox"][0].get<double>(), 13.75, 0.05);  // 399960 m east in zone 33 at 45 N
  EXPECT_NEAR(item["bbox"][3].get<double>(), 45.15, 0.05);
}

TEST_F(PublicationTest, KeepsPlacesInTheRunRecord) {
  ASSERT_OK_AND_ASSIGN(const PublishedProduct product, PublishOne(Describe()));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, stores_->ReadAll(product.uri + "/run.json"));
  EXPECT_EQ(nlohmann::json::parse(bytes)["inputs"][0]["uri"], "input:/somewhere/S2A_X.SAFE");
}

TEST_F(PublicationTest, MakesAThumbnailAndStyles) {
  ASSERT_OK_AND_ASSIGN(const PublishedProduct product, PublishOne(Describe()));
  ASSERT_OK_AND_ASSIGN(const std::string png, stores_->ReadAll(product.uri + "/thumbnail.png"));
  EXPECT_EQ(png.substr(1, 3), "PNG");
  ASSERT_OK_AND_ASSIGN(const std::string style, stores_->ReadAll(product.uri + "/SCL.qml"));
  EXPECT_NE(style.find("value=\"4\" color=\"#00a000\" alpha=\"255\" label=\"vegetation &amp; co\""), std::string::npos);
}

// A store that fails at the nth write: whatever was written, no item is there.
class FailingStore final : public storage::ObjectStore {
 public:
  FailingStore(std::shared_ptr<storage::ObjectStore> store, int writes) : store_(std::move(store)), left_(writes) {}
  absl::StatusOr<storage::ObjectInfo> Stat(const std::string& path) override { return store_->Stat(path); }
  absl::StatusOr<std::vector<storage::ObjectInfo>> List(const std::string& prefix, bool recursive) override {
    return store_->List(prefix, recursive);
  }
  absl::StatusOr<size_t> Read(const std::string& path, const std::string& etag, int64_t offset, size_t length,
                              char* buffer) override {
    return store_->Read(path, etag, offset, length, buffer);
  }
  absl::StatusOr<storage::ObjectInfo> Write(const std::string& path, int64_t size,
                                            const storage::ByteProducer& producer) override {
    if (left_.fetch_sub(1) <= 0) return absl::UnavailableError(path + ": the disk went away");
    return store_->Write(path, size, producer);
  }
  absl::Status Delete(const std::string& path) override { return store_->Delete(path); }

 private:
  const std::shared_ptr<storage::ObjectStore> store_;
  std::atomic<int> left_;
};

TEST_F(PublicationTest, ABrokenPublicationIsNoProduct) {
  const auto whole = stores_;
  for (int writes = 0; writes < 8; ++writes) {
    auto stores = std::make_shared<storage::StoreSet>();
    ASSERT_OK_AND_ASSIGN(storage::ObjectStore* const store, whole->Find("output"));
    stores->Add("output",
                std::make_shared<FailingStore>(std::shared_ptr<storage::ObjectStore>(store, [](void*) {}), writes));
    stores_ = stores;
    EXPECT_THAT(PublishOne(Describe()), testing::StatusIs(absl::StatusCode::kUnavailable, "went away")) << writes;
    EXPECT_THAT(ReadPublished(*stores_, "output:/" + Describe().folder),
                testing::StatusIs(absl::StatusCode::kNotFound, "item.json"))
        << writes;
  }
}

TEST_F(PublicationTest, ADamagedItemIsDataLoss) {
  ASSERT_OK_AND_ASSIGN(const PublishedProduct product, PublishOne(Describe()));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, stores_->ReadAll(product.uri + "/item.json"));
  ASSERT_OK(stores_->WriteAll(product.uri + "/item.json", bytes.substr(0, bytes.size() / 2)));
  EXPECT_THAT(ReadPublished(*stores_, product.uri), testing::StatusIs(absl::StatusCode::kDataLoss, "item.json"));
  ASSERT_OK(stores_->WriteAll(product.uri + "/item.json", "{\"assets\": {}}"));
  EXPECT_THAT(ReadPublished(*stores_, product.uri), testing::StatusIs(absl::StatusCode::kDataLoss, "properties"));
}

TEST_F(PublicationTest, OpensAsReflectance) {
  ASSERT_OK_AND_ASSIGN(const PublishedProduct product, PublishOne(Describe()));
  ASSERT_OK_AND_ASSIGN(const auto l2a, OpenReflectance(stores_, product.uri));
  EXPECT_EQ(l2a->metadata().acquisition, "S2A_20150711T100008_R122_T33TVL");
  EXPECT_EQ(l2a->metadata().platform, "S2A");
  EXPECT_EQ(l2a->metadata().day, absl::CivilDay(2015, 7, 11));
  EXPECT_EQ(l2a->metadata().grid10, Describe().grid);
  EXPECT_EQ(l2a->metadata().bands, (std::vector<std::string>{"B02", "B03", "B04"}));
  EXPECT_EQ(l2a->metadata().sun_zenith_deg, 30);
  EXPECT_EQ(l2a->ResolutionOf("B02"), 10);
  ASSERT_OK_AND_ASSIGN(const auto blue, l2a->ReadBand("B02", {-1, 6, 10, 3}));
  EXPECT_EQ(blue(0, 0), -9999);  // outside
  EXPECT_EQ(blue(1, 0), 400);
  EXPECT_EQ(blue(6, 1), -9999);
  ASSERT_OK_AND_ASSIGN(const auto scl, l2a->ReadScl({47, 59, 2, 2}));
  EXPECT_EQ(scl(0, 0), 4);
  EXPECT_EQ(scl(1, 1), 0);
  EXPECT_THAT(l2a->ReadBand("B12", {0, 0, 1, 1}), testing::StatusIs(absl::StatusCode::kNotFound, "B12"));
}

TEST_F(PublicationTest, ADamagedRasterIsDataLossNamingIt) {
  ASSERT_OK_AND_ASSIGN(const PublishedProduct product, PublishOne(Describe()));
  ASSERT_OK_AND_ASSIGN(std::string bytes, stores_->ReadAll(product.uri + "/B03.tif"));
  ASSERT_OK(stores_->WriteAll(product.uri + "/B03.tif", bytes.substr(0, bytes.size() - 40)));
  ASSERT_OK_AND_ASSIGN(const auto reader, RasterReader::Open(stores_, product.uri + "/B03.tif"));
  Image<int16_t> pixels(96, 120);
  EXPECT_THAT(reader->Read({0, 0, 96, 120}, -9999, pixels.view()),
              testing::StatusIs(absl::StatusCode::kDataLoss, "B03.tif"));
  ASSERT_OK(stores_->WriteAll(product.uri + "/B03.tif", "no raster"));
  EXPECT_THAT(RasterReader::Open(stores_, product.uri + "/B03.tif"),
              testing::StatusIs(absl::StatusCode::kDataLoss, "B03.tif"));
  EXPECT_THAT(RasterReader::Open(stores_, product.uri + "/B99.tif"),
              testing::StatusIs(absl::StatusCode::kNotFound, "B99.tif"));
}

TEST(Layout, FoldersEndInTheShortKey) {
  const HexDigest key = Sha256Of("x");
  EXPECT_EQ(CompositeFolder("33TVL", "2021-06", key), "composite/33TVL/2021-06_" + key.substr(0, 12));
  EXPECT_EQ(SeasonTileFolder("crop-type", "site", "2021", "33TVL", key),
            "crop-type/site/2021/33TVL_" + key.substr(0, 12));
  EXPECT_EQ(InputFolder(key), "inputs/" + key);
}

}  // namespace
}  // namespace arpent::product
