#include "common/product/catalog.h"

#include <nlohmann/json.hpp>

#include "common/testing/status_matchers.h"

namespace arpent::product {
namespace {

using Json = nlohmann::json;
using ::arpent::testing::StatusIs;

constexpr char kFolder[] = "l2a/33TVL/2015/S2A_20150711T100008_R122_T33TVL_0123456789ab";
constexpr char kItem[] = R"({"type":"Feature","stac_version":"1.1.0","id":"S2A_20150711T100008_R122_T33TVL_0123456789ab",
"bbox":[14.5,45.8,14.6,45.9],"properties":{"datetime":"2015-07-11T10:00:08Z"},
"links":[{"rel":"derived_from","href":"urn:sha256:12"}],"assets":{"B02":{"href":"./B02.tif"}}})";
constexpr char kMonth[] = R"({"type":"Feature","bbox":[14.0,45.0,14.5,46.0],"properties":{"datetime":null,
"start_datetime":"2015-06-01T00:00:00Z","end_datetime":"2015-06-30T23:59:59Z"},"links":[],"assets":{}})";

TEST(Catalog, AnEntryHasItsPlaceAndItsTime) {
  ASSERT_OK_AND_ASSIGN(const CatalogEntry entry, ReadCatalogEntry(kFolder, kItem));
  EXPECT_EQ(entry.kind(), "l2a");
  EXPECT_EQ(entry.latest_path(), "latest/l2a/33TVL/2015/S2A_20150711T100008_R122_T33TVL.json");
  EXPECT_EQ(entry.first_time, "2015-07-11T10:00:08Z");
  EXPECT_EQ(entry.last_time, entry.first_time);
  ASSERT_OK_AND_ASSIGN(const CatalogEntry month, ReadCatalogEntry("composite/33TVL/2015-06_0123456789ab", kMonth));
  EXPECT_EQ(month.first_time, "2015-06-01T00:00:00Z");
  EXPECT_EQ(month.last_time, "2015-06-30T23:59:59Z");
  EXPECT_THAT(ReadCatalogEntry(kFolder, "{").status(), StatusIs(absl::StatusCode::kDataLoss, kFolder));
}

TEST(Catalog, TheLatestItemPointsIntoTheImmutableFolder) {
  ASSERT_OK_AND_ASSIGN(const CatalogEntry entry, ReadCatalogEntry(kFolder, kItem));
  ASSERT_OK_AND_ASSIGN(const std::string latest, LatestItem(entry, kItem));
  const Json item = Json::parse(latest);
  EXPECT_EQ(item["id"], "S2A_20150711T100008_R122_T33TVL");
  EXPECT_EQ(item["collection"], "l2a");
  EXPECT_EQ(item["assets"]["B02"]["href"], std::string("../../../../") + kFolder + "/B02.tif");
  std::map<std::string, std::string> links;
  for (const Json& link : item["links"]) links[link["rel"]] = link["href"];
  EXPECT_EQ(links["derived_from"], "urn:sha256:12");
  EXPECT_EQ(links["root"], "../../../../catalog.json");
  EXPECT_EQ(links["collection"], "../../../../l2a/collection.json");
}

TEST(Catalog, ACollectionSpansItsProducts) {
  ASSERT_OK_AND_ASSIGN(CatalogEntry first, ReadCatalogEntry(kFolder, kItem));
  ASSERT_OK_AND_ASSIGN(CatalogEntry second, ReadCatalogEntry("l2a/33TVL/2015/other_0123456789ab", kMonth));
  const Json collection = Json::parse(CollectionJson({first, second}));
  EXPECT_EQ(collection["id"], "l2a");
  EXPECT_EQ(collection["extent"]["spatial"]["bbox"], Json::parse("[[14.0,45.0,14.6,46.0]]"));
  EXPECT_EQ(collection["extent"]["temporal"]["interval"], Json::parse(R"([["2015-06-01T00:00:00Z","2015-07-11T10:00:08Z"]])"));
  EXPECT_EQ(collection["links"][2]["href"], "../latest/l2a/33TVL/2015/S2A_20150711T100008_R122_T33TVL.json");
  first.box_deg.reset();
  first.first_time = first.last_time = "";
  EXPECT_EQ(Json::parse(CollectionJson({first}))["extent"]["spatial"]["bbox"][0][0], -180);
}

TEST(Catalog, TheRootRemembersWhatItShows) {
  const std::string root = CatalogJson({"composite", "l2a"}, "abc");
  EXPECT_EQ(CatalogDigest(root), "abc");
  EXPECT_EQ(CatalogDigest("no json"), "");
  EXPECT_EQ(Json::parse(root)["links"][2]["href"], "./l2a/collection.json");
}

}  // namespace
}  // namespace arpent::product
