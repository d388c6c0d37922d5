#include "common/rpc/site_file.h"

#include <google/protobuf/util/message_differencer.h>

#include <fstream>

#include "common/rpc/site_rules.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::rpc {
namespace {

using arpent::site::v1::Site;
using arpent::testing::StatusIs;
using google::protobuf::util::MessageDifferencer;

constexpr char kWhole[] = R"(name: ukraine-east
area: east.gpkg
crs: EPSG:32637
inputs: [{uri: "input:/l1c", kind: sentinel2-l1c, poll: 1h}, {uri: "input:/landsat", kind: landsat-l1}]
auxiliary: {dem: "input:/dem.vrt", aerosol: continental}
seasons: [{name: "2021", start: 2021-03-01, end: 2021-10-31, products: [composite, crop-mask, crop-type, map]}]
l2a: {processor: arpent, cloud_limit: 0.9, adjacency: true, terrain: true}
composite: {period: month, method: weighted-average, latency: 5d}
parcels: {file: parcels.shp, columns: {id: ID, crop: CROP, land_cover: LC, code: CODE}, legend: legend.csv}
reference_map: {file: landcover.tif, crop_classes: [10, 20]}
strata: {file: strata.gpkg, column: stratum}
train: {learner: auto, trees: 100, max_depth: 25, seed: 1}
map: {regions: {file: districts.gpkg, column: name}}
retention: {l2a: 400d, composite: keep}
limits: {threads_per_task: 0, tasks_at_once: 0}
)";

constexpr char kLeast[] = R"(name: least
area: "bbox:14,45,15,46"
inputs: [{uri: "input:/l1c"}]
seasons: [{name: s, start: 2021-03-01, end: 2021-10-31}]
)";

TEST(SiteFile, ReadsEveryFieldOfTheDocumentedExample) {
  ASSERT_OK_AND_ASSIGN(const Site site, ParseSiteYaml(kWhole, "site.yaml"));
  EXPECT_OK(ValidateSite(site));
  EXPECT_EQ(site.name(), "ukraine-east");
  EXPECT_EQ(site.inputs(0).poll(), "1h");
  EXPECT_EQ(site.seasons(0).start(), "2021-03-01");
  EXPECT_EQ(site.seasons(0).products_size(), 4);
  EXPECT_EQ(site.l2a().cloud_limit(), 0.9);
  EXPECT_TRUE(site.l2a().has_adjacency());
  EXPECT_FALSE(site.l2a().has_cirrus());
  EXPECT_EQ(site.reference_map().crop_classes(1), 20);
  EXPECT_EQ(site.parcels().columns().land_cover(), "LC");
  EXPECT_EQ(site.retention().at("l2a"), "400d");
}

TEST(SiteFile, WhatIsWrittenReadsBackEqual) {
  for (const char* const text : {kWhole, kLeast}) {
    ASSERT_OK_AND_ASSIGN(Site site, ParseSiteYaml(text, "site.yaml"));
    FillSiteDefaults(&site);
    ASSERT_OK_AND_ASSIGN(const Site again, ParseSiteYaml(SiteToYaml(site), "again.yaml"));
    EXPECT_TRUE(MessageDifferencer::Equals(site, again)) << SiteToYaml(site);
    EXPECT_OK(ValidateSite(again));
  }
}

TEST(SiteFile, ErrorsNameFileAndLine) {
  const struct {
    std::string text, expected;
  } cases[] = {
      {"name: a\ncolour: red\n", "site.yaml:2: unknown key 'colour'"},
      {"l2a:\n  cloud_limits: 0.5\n", "site.yaml:2: unknown key 'l2a.cloud_limits'; known here: processor, cloud_limit"},
      {"l2a:\n  adjacency: maybe\n", "site.yaml:2: 'l2a.adjacency' is 'maybe': true or false expected"},
      {"train:\n\n  trees: many\n", "site.yaml:3: 'train.trees' is 'many': a whole number expected"},
      {"l2a: {cloud_limit: high}\n", "site.yaml:1: 'l2a.cloud_limit' is 'high': a number expected"},
      {"name: a\nname: b\n", "site.yaml:2: 'name' is given twice"},
      {"seasons: {name: a}\n", "site.yaml:1: 'seasons': a list expected"},
      {"inputs:\n- uri: a\n- url: b\n", "site.yaml:3: unknown key 'inputs[1].url'"},
      {"area: [1, 2]\n", "site.yaml:1: 'area': one value expected"},
      {"name:\n", "site.yaml:1: 'name' has no value"},
      {"name: {a\n", "site.yaml:2: "},
      {"- a\n", "site.yaml:1: the site: fields expected"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_THAT(ParseSiteYaml(text, "site.yaml").status(), StatusIs(absl::StatusCode::kInvalidArgument, expected));
  }
}

TEST(SiteFile, ReadingAFileNamesIt) {
  const testing::TemporaryFolder folder;
  EXPECT_THAT(ReadSiteFile(folder.File("none.yaml")).status(), StatusIs(absl::StatusCode::kNotFound, "none.yaml"));
  std::ofstream(folder.File("site.yaml")) << "name: a b\n";
  EXPECT_THAT(ReadSiteFile(folder.File("site.yaml")).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, "site.yaml: name: 'a b' is no name"));
}

TEST(SiteRules, DefaultsFollowWhatTheSiteHas) {
  ASSERT_OK_AND_ASSIGN(Site site, ParseSiteYaml(kLeast, "site.yaml"));
  Site with_parcels = site;
  with_parcels.mutable_parcels()->set_file("p.gpkg");
  FillSiteDefaults(&site);
  FillSiteDefaults(&with_parcels);
  EXPECT_THAT(site.seasons(0).products(), ::testing::ElementsAre("composite"));
  EXPECT_THAT(with_parcels.seasons(0).products(), ::testing::ElementsAre("composite", "crop-mask", "crop-type", "map"));
  EXPECT_EQ(site.inputs(0).kind(), "sentinel2-l1c");
  EXPECT_EQ(site.l2a().cloud_limit(), 0.9);
  EXPECT_EQ(site.composite().method(), "weighted-average");
  EXPECT_FALSE(with_parcels.parcels().has_columns()) << "a column that is written out would be demanded";
}

TEST(SiteRules, ErrorsNameTheField) {
  const struct {
    std::string more, expected;
  } cases[] = {
      {"composite: {period: week}", "composite.period"},
      {"composite: {method: mean}", "composite.method: 'mean' is none of weighted-average"},
      {"l2a: {cloud_limit: 90}", "l2a.cloud_limit: 90 is not within 0..1"},
      {"tiles: [33TVL, 99ZZZ]", "tiles[1]"},
      {"crs: 32633", "crs: '32633' is not of the form"},
      {"retention: {l3a: 3d}", "retention.l3a"},
      {"retention: {l2a: long}", "retention.l2a: 'long' is not a span"},
      {"train: {trees: 0}", "train.trees: 0 is less than 1"},
      {"reference_map: {file: a.tif}", "reference_map.crop_classes: is required"},
      {"strata: {column: s}", "strata.file: is required"},
      {"train: {trees: 2000000000}", "train.trees: 2000000000 is more than 100000"},
      {"features: {step_days: 100000}", "features.step_days: 100000 is more than 366"},
      {"auxiliary: {dem: \"https://me:secret@host/dem.tif\"}", "auxiliary.dem: has a user or password"},
      {"reference_map: {file: \"s3://key:secret@bucket/a.tif\", crop_classes: [1]}", "reference_map.file: has a user"},
      {"auxiliary: {dem: \"a\\nb\"}", "auxiliary.dem: has a control character"},
  };
  for (const auto& [more, expected] : cases) {
    ASSERT_OK_AND_ASSIGN(const Site site, ParseSiteYaml(std::string(kLeast) + more + "\n", "site.yaml"));
    EXPECT_THAT(ValidateSite(site), StatusIs(absl::StatusCode::kInvalidArgument, expected));
  }
  const struct {
    std::string text, expected;
  } whole[] = {
      {"area: x", "name: is required"},
      {"name: a", "area: is required"},
      {"name: a\narea: bbox:1,2,3", "area: 'bbox:1,2,3' is not bbox:W,S,E,N"},
      {"name: a\narea: 'tiles:33TVL,foo'", "area"},
      {"name: a\narea: f.gpkg", "inputs: at least one"},
      {"name: a\narea: f.gpkg\ninputs: [{uri: u, kind: spot}]", "inputs[0].kind: 'spot' is none of"},
      {"name: a\narea: f.gpkg\ninputs: [{uri: u}]", "seasons: at least one"},
      {"name: a\narea: f\ninputs: [{uri: u}]\nseasons: [{name: s, start: 2021-05-01, end: 2021-04-01}]",
       "seasons[0].end: is before"},
      {"name: a\narea: f\ninputs: [{uri: u}]\nseasons: [{name: s, start: 0001-01-01, end: 9999-12-31}]",
       "seasons[0].end: a season is at most 1100 days"},
      {"name: ../a\narea: f", "name: '../a' is no name"},
      {"name: a\narea: f\ninputs: [{uri: u}]\nseasons: [{name: a/b, start: 2021-03-01, end: 2021-04-01}]",
       "seasons[0].name: 'a/b' is no name"},
      {"name: a\narea: f\ninputs: [{uri: \"https://me:secret@host/l1c\"}]", "inputs[0].uri: has a user or password"},
      {"name: a\narea: f\ninputs: [{uri: u}]\nseasons: [{name: s, start: 2021-03-01, end: 2021-04-01, products: [map]}]",
       "seasons[0].products: map needs `parcels` or `reference_map`"},
  };
  for (const auto& [text, expected] : whole) {
    ASSERT_OK_AND_ASSIGN(const Site site, ParseSiteYaml(text, "site.yaml"));
    EXPECT_THAT(ValidateSite(site), StatusIs(absl::StatusCode::kInvalidArgument, expected));
  }
}

TEST(SiteRules, ErrorsDoNotRepeatSecretsAndTheWholeIsBounded) {
  ASSERT_OK_AND_ASSIGN(Site site, ParseSiteYaml(kLeast, "site.yaml"));
  site.mutable_inputs(0)->set_uri("https://me:secret@host/l1c");
  EXPECT_EQ(ValidateSite(site).message().find("secret"), std::string::npos);
  site.mutable_inputs(0)->set_uri("https://host/l1c/a@b");
  EXPECT_OK(ValidateSite(site));
  for (int i = 0; i < 200000; ++i) site.add_tiles("33TVL");
  EXPECT_THAT(ValidateSite(site), StatusIs(absl::StatusCode::kInvalidArgument, "bytes large, at most"));
}

TEST(SiteRules, Spans) {
  ASSERT_OK_AND_ASSIGN(const absl::Duration five_days, ParseSpan("5d"));
  EXPECT_EQ(five_days, absl::Hours(120));
  for (const char* const wrong : {"", "d", "5", "-1d", "5w", "1.5h"}) EXPECT_FALSE(ParseSpan(wrong).ok()) << wrong;
}

}  // namespace
}  // namespace arpent::rpc
