#include "common/scene/stac_catalogue.h"

#include <filesystem>

#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::scene {
namespace {

namespace fs = std::filesystem;
using ::arpent::testing::SharedData;
using ::arpent::testing::StatusIs;

class Stac : public ::testing::Test {
 protected:
  void SetUp() override {
    auto stores = std::make_shared<storage::StoreSet>();
    stores->Add("input", *storage::FileStore::Open(folder_.path()));
    stores_ = stores;
    storage::InstallVsiArpent(stores_);
  }
  void Write(const std::string& path, const std::string& text) { ASSERT_OK(stores_->WriteAll("input:/" + path, text)); }

  testing::TemporaryFolder folder_;
  std::shared_ptr<const storage::StoreSet> stores_;
};

TEST_F(Stac, FollowsLinksToProductsAndRejectsTheRestByName) {
  Write("stac/catalog.json", R"({"type": "Catalog", "links": [{"rel": "self", "href": "https://elsewhere/catalog.json"},
    {"rel": "child", "href": "./s2/collection.json"}, {"rel": "item", "href": "https://elsewhere/item.json"},
    {"rel": "item", "href": "./lost.json"}]})");
  Write("stac/s2/collection.json", R"({"type": "Collection", "links": [{"rel": "parent", "href": "../catalog.json"},
    {"rel": "child", "href": "../catalog.json"}, {"rel": "item", "href": "a.json"}, {"rel": "item", "href": "b.json"},
    {"rel": "item", "href": "c.json"}, {"rel": "item", "href": "d.json"}]})");
  Write("stac/s2/a.json", R"({"type": "Feature", "assets": {"blue": {"href": "../../l1c/A.SAFE/GRANULE/x_B02.jp2"},
    "product_metadata": {"href": "../../l1c/A.SAFE/MTD_MSIL1C.xml"}}})");
  Write("stac/s2/b.json", R"({"type": "Feature", "assets": {"data": {"href": "input:/l1c/B.zip"}}})");
  Write("stac/s2/c.json", R"({"type": "Feature", "assets": {"blue": {"href": "x.jp2"}}})");
  Write("stac/s2/d.json", R"({"type": "Feature", "assets": {"mtl": {"href": "../../landsat/LC08/LC08_MTL.txt"}}})");
  ASSERT_OK_AND_ASSIGN(const StacProducts found, FollowStac(*stores_, "input:/stac/catalog.json"));
  EXPECT_EQ(found.products, (std::vector<std::string>{"input:/l1c/A.SAFE", "input:/l1c/B.zip", "input:/landsat/LC08"}));
  ASSERT_EQ(found.rejected.size(), 3u);
  EXPECT_THAT(found.rejected[0].status, StatusIs(absl::StatusCode::kInvalidArgument, "https://elsewhere/item.json"));
  EXPECT_THAT(found.rejected[1].status, StatusIs(absl::StatusCode::kInvalidArgument, "lost.json"));
  EXPECT_THAT(found.rejected[2].status, StatusIs(absl::StatusCode::kInvalidArgument, "c.json: has no asset"));
}

TEST_F(Stac, HrefsStayInTheStore) {
  EXPECT_EQ(*ResolveHref("input:/a/b/c.json", "../d/./e.json"), "input:/a/d/e.json");
  EXPECT_EQ(*ResolveHref("input:/a/b/c.json", "/e.json"), "input:/e.json");
  EXPECT_THAT(ResolveHref("input:/a/c.json", "../../e.json").status(), StatusIs(absl::StatusCode::kInvalidArgument, "out of the store"));
  EXPECT_THAT(ResolveHref("input:/a/c.json", "s3://b/e.json").status(), StatusIs(absl::StatusCode::kInvalidArgument, "s3://b"));
}

TEST_F(Stac, NoStacDocumentIsAnError) {
  Write("x.json", "[1]");
  EXPECT_THAT(FollowStac(*stores_, "input:/x.json").status(), StatusIs(absl::StatusCode::kInvalidArgument, "x.json"));
  EXPECT_THAT(FollowStac(*stores_, "input:/none.json").status(), StatusIs(absl::StatusCode::kNotFound, "none.json"));
}

TEST_F(Stac, ScenesAreListedThroughACatalogue) {
  ARPENT_REQUIRE_SHARED_DATA("safe_l1c_slovenia_example");
  fs::copy(SharedData("safe_l1c_slovenia_example"), folder_.File("l1c"), fs::copy_options::recursive);
  std::string links;
  for (const auto& entry : fs::directory_iterator(folder_.File("l1c"))) {
    if (entry.path().extension() != ".SAFE") continue;
    const std::string name = entry.path().filename();
    Write("stac/" + name + ".json", R"({"type": "Feature", "assets": {"m": {"href": "../l1c/)" + name + R"(/MTD_MSIL1C.xml"}}})");
    links += (links.empty() ? "" : ", ") + std::string(R"({"rel": "item", "href": ")") + name + R"(.json"})";
  }
  Write("stac/catalog.json", R"({"type": "Catalog", "links": [)" + links + "]}");
  ASSERT_OK_AND_ASSIGN(const SceneListing through, ListScenes(stores_, "input:/stac/catalog.json", "sentinel2-l1c", 1));
  ASSERT_OK_AND_ASSIGN(const SceneListing direct, ListScenes(stores_, "input:/l1c", "sentinel2-l1c", 1));
  ASSERT_EQ(through.scenes.size(), 5u);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(through.scenes[i].digest, direct.scenes[i].digest);
}

}  // namespace
}  // namespace arpent::scene
