#include "common/stages/discover/discover_stage.h"

#include <fstream>

#include "common/product/l2a_fixture.h"

namespace arpent::stages {
namespace {

using ::arpent::testing::StatusIs;

class Discover : public product::OutputStoreTest {
 protected:
  absl::StatusOr<TaskResult> Run(const std::string& kind, const std::string& uri) {
    TaskSpec task;
    task.stage = "discover";
    task.parameters.Set("kind", kind);
    task.parameters.Set("column", "zone");
    task.inputs = {{"input", "", uri}};
    StageContext context;
    context.stores = stores_;
    return RunDiscover(task, context);
  }
  HexDigest FileDigest(const std::string& uri) {
    const auto result = Run("file", uri);
    EXPECT_OK(result);
    return result.ok() ? result->listing.scenes.at(0).digest : "";
  }
};

TEST_F(Discover, AFileHasTheDigestOfItsBytes) {
  ASSERT_OK(stores_->WriteAll("output:/dem.tif", "abc"));
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(FileDigest("output:/dem.tif"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_THAT(Run("file", "output:/none.tif").status(), StatusIs(absl::StatusCode::kNotFound, "none.tif"));
}

TEST_F(Discover, AShapefilesSiblingsCount) {
  ASSERT_OK(stores_->WriteAll("output:/fields.shp", "geometry"));
  ASSERT_OK(stores_->WriteAll("output:/fields.dbf", "attributes"));
  const HexDigest before = FileDigest("output:/fields.shp");
  ASSERT_OK(stores_->WriteAll("output:/fields.dbf", "others"));
  const HexDigest after = FileDigest("output:/fields.shp");
  EXPECT_NE(before, after);
  ASSERT_OK(stores_->WriteAll("output:/fields.txt", "no part of it"));
  EXPECT_EQ(FileDigest("output:/fields.shp"), after);
}

constexpr char kZones[] = R"({"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"zone":"steppe"},"geometry":{"type":"Polygon","coordinates":
[[[14,45],[15,45],[15,46],[14,45]]]}},
{"type":"Feature","properties":{"zone":"delta"},"geometry":{"type":"Polygon","coordinates":
[[[15,45],[16.5,45],[16,47.25],[15,45]]]}},
{"type":"Feature","properties":{"zone":"steppe"},"geometry":{"type":"Polygon","coordinates":
[[[14,46],[15,46],[15,47],[14,46]]]}}]})";

TEST_F(Discover, AnAreaHasTheBoxOfItsPolygons) {
  ASSERT_OK(stores_->WriteAll("output:/zones.geojson", kZones));
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run("area", "output:/zones.geojson"));
  ASSERT_EQ(result.listing.scenes.size(), 1u);
  const scene::FoundScene& area = result.listing.scenes[0];
  EXPECT_EQ(area.digest, FileDigest("output:/zones.geojson"));
  EXPECT_NEAR(area.west_deg, 14, 1e-9);
  EXPECT_NEAR(area.south_deg, 45, 1e-9);
  EXPECT_NEAR(area.east_deg, 16.5, 1e-9);
  EXPECT_NEAR(area.north_deg, 47.25, 1e-9);
  ASSERT_OK(stores_->WriteAll("output:/text.geojson", "no polygons"));
  EXPECT_THAT(Run("area", "output:/text.geojson").status(),
              StatusIs(absl::StatusCode::kInvalidArgument, "text.geojson"));
}

TEST_F(Discover, StrataHaveNames) {
  ASSERT_OK(stores_->WriteAll("output:/zones.geojson", kZones));
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run("strata", "output:/zones.geojson"));
  ASSERT_EQ(result.listing.scenes.size(), 3u);
  EXPECT_EQ(result.listing.scenes[0].digest, FileDigest("output:/zones.geojson"));
  EXPECT_EQ(result.listing.scenes[1].kind, "stratum");
  EXPECT_EQ(result.listing.scenes[1].product_id, "delta");
  EXPECT_EQ(result.listing.scenes[2].product_id, "steppe");
}

TEST_F(Discover, ListsOurOwnL2aWithTheirKeys) {
  const std::string june = Publish(product::FakeL2a::Constant(absl::CivilDay(2021, 6, 11), 1000));
  const std::string may = Publish(product::FakeL2a::Constant(absl::CivilDay(2021, 5, 2), 1000));
  ASSERT_OK(stores_->WriteAll("output:/l2a/33TVL/2021/broken_000000000000/item.json", "{"));
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run("arpent-l2a", "output:/l2a"));
  ASSERT_EQ(result.listing.scenes.size(), 2u);
  const scene::FoundScene& first = result.listing.scenes[0];
  EXPECT_EQ(first.uri, may);
  EXPECT_EQ(first.acquisition, "S2A_20210502T100008_R122_T33TVL");
  EXPECT_EQ(first.platform, "S2A");
  EXPECT_EQ(first.tile, "33TVL");
  EXPECT_EQ(first.digest, product::ReadPublished(*stores_, may)->key);
  EXPECT_EQ(absl::ToCivilDay(first.sensing_start, absl::UTCTimeZone()), absl::CivilDay(2021, 5, 2));
  EXPECT_LT(first.west_deg, first.east_deg);
  ASSERT_EQ(result.listing.rejected.size(), 1u);
  EXPECT_THAT(result.listing.rejected[0].status, StatusIs(absl::StatusCode::kInvalidArgument, "broken"));
}

TEST_F(Discover, NamesAKindThatItCannotRead) {
  EXPECT_THAT(Run("spot5", "output:/l2a").status(), StatusIs(absl::StatusCode::kInvalidArgument, "spot5"));
}

}  // namespace
}  // namespace arpent::stages
