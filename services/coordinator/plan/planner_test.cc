#include "services/coordinator/plan/planner.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/rpc/convert.h"
#include "common/rpc/site_file.h"
#include "common/rpc/site_rules.h"
#include "common/testing/status_matchers.h"
#include "services/coordinator/plan/resolve.h"

namespace arpent::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using worker::v1::FoundScene;

const absl::Time kLater = absl::FromCivil(absl::CivilDay(2023, 1, 1), absl::UTCTimeZone());

absl::CivilDay Day(int month, int day) { return absl::CivilDay(2021, month, day); }

FoundScene Scene(const std::string& tile, absl::CivilDay day, const std::string& kind = "sentinel2-l1c") {
  FoundScene scene;
  const bool landsat = kind == "landsat-l1";
  scene.set_acquisition(absl::StrCat(landsat ? "LC08_" : "S2A_", absl::FormatCivilTime(day), "_", tile));
  scene.set_product_id(scene.acquisition());
  scene.set_kind(kind);
  scene.set_tile(tile);
  scene.set_uri(absl::StrCat("input:/", scene.acquisition()));
  scene.set_digest(Sha256Of(scene.acquisition()));
  *scene.mutable_sensing_start() = rpc::ToProto(absl::FromCivil(day, absl::UTCTimeZone()) + absl::Hours(10));
  scene.set_west_deg(14.8);
  scene.set_south_deg(45.8);
  scene.set_east_deg(15);
  scene.set_north_deg(46);
  return scene;
}

site::v1::Site MakeSite(const std::string& more, const std::string& products = "composite",
                        const std::string& area = "bbox:14,45,16,47") {
  auto site = rpc::ParseSiteYaml(absl::StrCat("name: s\narea: \"", area, "\"\ninputs: [{uri: a}]\nseasons: [{name: x, start: "
                                              "2021-05-10, end: 2021-06-20, products: [", products, "]}]\n", more),
                                 "site.yaml");
  EXPECT_OK(site.status());
  EXPECT_OK(rpc::ValidateSite(*site));
  rpc::FillSiteDefaults(&*site);
  return *site;
}

Plan MakePlan(const site::v1::Site& site, const std::vector<FoundScene>& scenes, absl::Time now = kLater,
              Discoveries discoveries = {}) {
  for (const FoundScene& scene : scenes) *discoveries["discover/inputs[0]"].add_scenes() = scene;
  auto plan = PlanRun(site, site.seasons(0), discoveries, now);
  EXPECT_OK(plan.status());
  return *std::move(plan);
}

std::vector<std::string> Ids(const Plan& plan, const std::string& prefix) {
  std::vector<std::string> ids;
  for (const PlannedCell& cell : plan.cells) {
    if (cell.cell_id.rfind(prefix, 0) == 0) ids.push_back(cell.cell_id.substr(prefix.size()));
  }
  return ids;
}

const PlannedCell& Find(const Plan& plan, const std::string& id) {
  for (const PlannedCell& cell : plan.cells) {
    if (cell.cell_id == id) return cell;
  }
  ADD_FAILURE() << "no cell " << id;
  return plan.cells.front();
}

// The cells that fill a cell's slots, by id; "-" for what is given with the slot.
std::vector<std::string> Inputs(const Plan& plan, const std::string& id) {
  std::vector<std::string> inputs;
  for (const Slot& slot : Find(plan, id).slots) {
    inputs.push_back(absl::StrCat(slot.role, "=", slot.upstream < 0 ? "-" : plan.cells[slot.upstream].cell_id));
  }
  return inputs;
}

TEST(Planner, MedianLooksInsideItsPeriodAndTheAverageBesideIt) {
  const std::vector<FoundScene> scenes = {
      Scene("33TVL", Day(4, 20)), Scene("33TVL", Day(4, 25)), Scene("33TVL", Day(5, 31)),
      Scene("33TVL", Day(6, 30)), Scene("33TVL", Day(7, 11)), Scene("33TVL", Day(7, 12))};
  const Plan median = MakePlan(MakeSite("composite: {method: median}\n"), scenes);
  EXPECT_THAT(Ids(median, "l2a/"), ElementsAre("S2A_2021-05-31_33TVL", "S2A_2021-06-30_33TVL"));
  EXPECT_THAT(Inputs(median, "composite/33TVL/2021-05"), ElementsAre("l2a=l2a/S2A_2021-05-31_33TVL"));
  EXPECT_THAT(Inputs(median, "composite/33TVL/2021-06"), ElementsAre("l2a=l2a/S2A_2021-06-30_33TVL"));
  // Mid-May is day 16, mid-June 15.5: 25 days reach from April 21 to June 10, and from May 22 to July 10.
  const Plan average = MakePlan(MakeSite(""), scenes);
  EXPECT_THAT(Inputs(average, "composite/33TVL/2021-05"),
              ElementsAre("l2a=l2a/S2A_2021-04-25_33TVL", "l2a=l2a/S2A_2021-05-31_33TVL"));
  EXPECT_THAT(Inputs(average, "composite/33TVL/2021-06"),
              ElementsAre("l2a=l2a/S2A_2021-05-31_33TVL", "l2a=l2a/S2A_2021-06-30_33TVL"));
  EXPECT_THAT(Ids(average, "l2a/"), SizeIs(3)) << "what nothing looks at is not planned";
}

TEST(Planner, CropStagesFollowTheContract) {
  const Plan plan = MakePlan(
      MakeSite("auxiliary: {dem: d.tif}\nparcels: {file: p.gpkg, columns: {code: KULTURA}}\nstrata: {file: z.gpkg}\nmap: {regions: "
               "{file: r.gpkg, column: n}}\n",
               "crop-type, crop-mask, map"),
      {Scene("33TVL", Day(5, 12)), Scene("33TVL", Day(5, 2)), Scene("33TWL", Day(6, 1))});
  EXPECT_THAT(Ids(plan, "discover/"), ElementsAre("inputs[0]", "dem", "parcels", "regions", "strata"));
  EXPECT_THAT(Inputs(plan, "l2a/S2A_2021-05-12_33TVL"), ElementsAre("scene=-", "dem=discover/dem", "tables=-"));
  EXPECT_THAT(Inputs(plan, "samples/33TVL"),
              ElementsAre("l2a=l2a/S2A_2021-05-12_33TVL", "parcels=discover/parcels", "strata=discover/strata"));
  EXPECT_THAT(Inputs(plan, "train/all-crop-mask"), ElementsAre("samples=samples/33TVL", "samples=samples/33TWL"));
  EXPECT_THAT(Inputs(plan, "crop-mask/33TVL"),
              ElementsAre("l2a=l2a/S2A_2021-05-12_33TVL", "model=train/all-crop-mask", "strata=discover/strata"));
  EXPECT_THAT(Inputs(plan, "crop-type/33TVL"),
              ElementsAre("l2a=l2a/S2A_2021-05-12_33TVL", "model=train/all-crop-type", "crop-mask=crop-mask/33TVL",
                          "strata=discover/strata"));
  EXPECT_THAT(Inputs(plan, "validate/crop-type"), ElementsAre("crop-type=crop-type/33TVL", "crop-type=crop-type/33TWL",
                                                              "parcels=discover/parcels", "strata=discover/strata"));
  EXPECT_THAT(Inputs(plan, "map"),
              ElementsAre("crop-mask=crop-mask/33TVL", "crop-mask=crop-mask/33TWL", "crop-type=crop-type/33TVL",
                          "crop-type=crop-type/33TWL", "regions=discover/regions"));
  const stages::TaskSpec& samples = Find(plan, "samples/33TVL").task;
  EXPECT_EQ(samples.site, "s");
  EXPECT_EQ(samples.parameters.values().at("purposes"), "crop-mask,crop-type");
  EXPECT_EQ(samples.parameters.values().at("columns_named"), "KULTURA");
  EXPECT_EQ(samples.parameters.values().at("start"), "2021-05-10");
  EXPECT_EQ(Find(plan, "map").task.parameters.values().at("crs"), "EPSG:32633");
  for (size_t i = 0; i < plan.cells.size(); ++i) {
    for (const Slot& slot : plan.cells[i].slots) EXPECT_LT(slot.upstream, static_cast<int>(i));
  }
  EXPECT_GT(Find(plan, "l2a/S2A_2021-05-12_33TVL").path_seconds, Find(plan, "samples/33TVL").path_seconds);
}

TEST(Planner, AReferenceMapTrainsTheMaskAlone) {
  const Plan plan = MakePlan(MakeSite("reference_map: {file: lc.tif, crop_classes: [3, 4]}\n", "map"),
                             {Scene("33TVL", Day(5, 12))});
  EXPECT_THAT(Inputs(plan, "samples/33TVL"),
              ElementsAre("l2a=l2a/S2A_2021-05-12_33TVL", "reference-map=discover/reference-map"));
  EXPECT_EQ(Find(plan, "samples/33TVL").task.parameters.values().at("crop_classes"), "3,4");
  EXPECT_EQ(Find(plan, "samples/33TVL").task.parameters.values().at("purposes"), "crop-mask");
  EXPECT_THAT(Ids(plan, "crop-type/"), IsEmpty());
  EXPECT_THAT(Ids(plan, "validate/"), IsEmpty());
}

TEST(Planner, OneModelPerStratum) {
  Discoveries discoveries;
  for (const char* const name : {"steppe", "delta"}) {
    FoundScene* const stratum = discoveries["discover/strata"].add_scenes();
    stratum->set_kind("stratum");
    stratum->set_product_id(name);
  }
  const Plan plan = MakePlan(MakeSite("parcels: {file: p}\nstrata: {file: z}\n", "crop-mask"),
                             {Scene("33TVL", Day(5, 12))}, kLater, discoveries);
  EXPECT_THAT(Ids(plan, "train/"), ElementsAre("delta-crop-mask", "steppe-crop-mask"));
  EXPECT_EQ(Find(plan, "train/delta-crop-mask").task.stratum, "delta");
  EXPECT_EQ(Find(plan, "discover/strata").task.parameters.values().at("kind"), "strata");
  EXPECT_EQ(Find(plan, "discover/strata").task.parameters.values().at("column"), "stratum");
}

TEST(Planner, TheAreaChoosesTheScenes) {
  std::vector<FoundScene> scenes = {Scene("33TVL", Day(5, 12)), Scene("33TWL", Day(5, 13))};
  scenes[1].set_west_deg(16.1);
  scenes[1].set_east_deg(16.5);
  EXPECT_THAT(Ids(MakePlan(MakeSite(""), scenes), "l2a/"), ElementsAre("S2A_2021-05-12_33TVL"));
  EXPECT_THAT(Ids(MakePlan(MakeSite("", "composite", "tiles:33TWL"), scenes), "l2a/"), ElementsAre("S2A_2021-05-13_33TWL"));
  EXPECT_THAT(Ids(MakePlan(MakeSite("tiles: [33TWL]\n"), scenes), "l2a/"), IsEmpty());
  const site::v1::Site of_file = MakeSite("", "composite", "area.gpkg");
  EXPECT_THAT(PlanRun(of_file, of_file.seasons(0), {}, kLater).status(),
              arpent::testing::StatusIs(absl::StatusCode::kFailedPrecondition, "area")) << "rather nothing than everything";
  Discoveries discoveries;
  FoundScene* const area = discoveries["discover/area"].add_scenes();
  area->set_west_deg(16.2);
  area->set_east_deg(17);
  area->set_south_deg(45);
  area->set_north_deg(47);
  EXPECT_THAT(Ids(MakePlan(MakeSite("", "composite", "area.gpkg"), scenes, kLater, discoveries), "l2a/"),
              ElementsAre("S2A_2021-05-13_33TWL"));
}

FoundScene Strip(absl::Duration start, const std::string& baseline) {
  const absl::Time sensed = absl::FromCivil(Day(6, 2), absl::UTCTimeZone()) + absl::Hours(10) + start;
  FoundScene scene = Scene("33TVL", Day(6, 2));
  scene.set_acquisition(absl::StrCat("S2A_", absl::FormatTime("%Y%m%dT%H%M%S", sensed, absl::UTCTimeZone()), "_R122_T33TVL"));
  scene.set_processing_baseline(baseline);
  scene.set_product_id(absl::StrCat(scene.acquisition(), "_N", baseline));
  scene.set_digest(Sha256Of(scene.product_id()));
  *scene.mutable_sensing_start() = rpc::ToProto(sensed);
  return scene;
}

TEST(Planner, TwoDatastripsAreTwoScenesOfOneDateAndVersionsOfOneSupersedeEachOther) {
  // Made again, a product may state a start that is some seconds off.
  const auto site = MakeSite("", "composite", "tiles:33TVL");
  const Plan plan = MakePlan(site, {Strip(absl::ZeroDuration(), "02.09"), Strip(absl::Minutes(2), "02.09"),
                                    Strip(absl::Seconds(118), "05.00"), Strip(absl::Seconds(2), "05.00")});
  EXPECT_THAT(Ids(plan, "l2a/"),
              ElementsAre("S2A_20210602T100002_R122_T33TVL", HasSubstr("S2A_20210602T100000_R122_T33TVL~"),
                          "S2A_20210602T100158_R122_T33TVL", HasSubstr("S2A_20210602T100200_R122_T33TVL~")));
  int skipped = 0;
  for (const PlannedCell& cell : plan.cells) {
    if (cell.known && cell.known->reason.rfind("superseded by S2A_20210602T100", 0) == 0) ++skipped;
  }
  EXPECT_EQ(skipped, 2);
  EXPECT_THAT(Inputs(plan, "composite/33TVL/2021-06"),
              ElementsAre("l2a=l2a/S2A_20210602T100002_R122_T33TVL", "l2a=l2a/S2A_20210602T100158_R122_T33TVL"));
}

TEST(Planner, LandsatIsAlignedToEveryTileItTouches) {
  const Plan plan = MakePlan(MakeSite("composite: {method: median}\n"),
                             {Scene("191028", Day(5, 14), "landsat-l1"), Scene("33TVL", Day(5, 12))});
  const std::vector<std::string> aligned = Ids(plan, "align/33TVL/");
  EXPECT_THAT(aligned, ElementsAre("LC08_2021-05-14_191028"));
  EXPECT_THAT(Inputs(plan, "composite/33TVL/2021-05"),
              ElementsAre("l2a=align/33TVL/LC08_2021-05-14_191028", "l2a=l2a/S2A_2021-05-12_33TVL"));
  EXPECT_EQ(Find(plan, "align/33TVL/LC08_2021-05-14_191028").sensor, "landsat");
  EXPECT_EQ(Find(plan, "composite/33TVL/2021-05").sensor, "");
}

TEST(Planner, OpenAndEmptyPeriodsAreSkipped) {
  const std::vector<FoundScene> scenes = {Scene("33TVL", Day(5, 12)), Scene("33TVL", Day(5, 13))};
  const site::v1::Site site = MakeSite("composite: {method: median}\n");
  const auto at = [](int month, int day) { return absl::FromCivil(absl::CivilDay(2021, month, day), absl::UTCTimeZone()); };
  EXPECT_EQ(Find(MakePlan(site, scenes, at(6, 5)), "composite/33TVL/2021-05").known->reason,
            "period is open until 2021-06-06");
  const Plan closed = MakePlan(site, scenes, at(7, 6));
  EXPECT_FALSE(Find(closed, "composite/33TVL/2021-05").known.has_value());
  EXPECT_EQ(Find(closed, "composite/33TVL/2021-06").known->reason, "no scene in its window");
}

TEST(Planner, AnL2aIsTakenAsItIs) {
  for (const char* const kind : {"arpent-l2a", "sentinel2-l2a", "maja-l2a"}) {
    const Plan plan = MakePlan(MakeSite("composite: {method: median}\n"), {Scene("33TVL", Day(5, 12), kind)});
    const PlannedCell& l2a = Find(plan, "l2a/S2A_2021-05-12_33TVL");
    ASSERT_TRUE(l2a.known.has_value());
    EXPECT_EQ(l2a.known->outcome, run::v1::CELL_OUTCOME_DONE);
    EXPECT_EQ(l2a.known->uri, "input:/S2A_2021-05-12_33TVL");
  }
}

TEST(Resolve, KeysChangeWithEveryInputAndOnlyThen) {
  const Plan plan = MakePlan(MakeSite("composite: {method: median}\n"),
                             {Scene("33TVL", Day(5, 12)), Scene("33TVL", Day(5, 13))});
  const int composite = static_cast<int>(&Find(plan, "composite/33TVL/2021-05") - plan.cells.data());
  std::map<std::string, CellResult> results;
  const auto resolve = [&] {
    return Resolve(plan, composite, [&](int cell) { return results[plan.cells[cell].cell_id]; }, "");
  };
  results["l2a/S2A_2021-05-12_33TVL"] = {run::v1::CELL_OUTCOME_DONE, "", "k1", "u1"};
  results["l2a/S2A_2021-05-13_33TVL"] = {run::v1::CELL_OUTCOME_DONE, "", "k2", "u2"};
  const Resolution whole = resolve();
  ASSERT_EQ(whole.kind, Resolution::Kind::kReady);
  EXPECT_FALSE(whole.task.degraded);
  results["l2a/S2A_2021-05-13_33TVL"].uri = "elsewhere";
  EXPECT_EQ(resolve().task.Key(), whole.task.Key()) << "where an input lies does not matter";
  results["l2a/S2A_2021-05-13_33TVL"].outcome = run::v1::CELL_OUTCOME_SKIPPED;
  EXPECT_FALSE(resolve().task.degraded);
  EXPECT_NE(resolve().task.Key(), whole.task.Key());
  results["l2a/S2A_2021-05-13_33TVL"].outcome = run::v1::CELL_OUTCOME_FAILED;
  EXPECT_TRUE(resolve().task.degraded);
  results["l2a/S2A_2021-05-12_33TVL"].outcome = run::v1::CELL_OUTCOME_SKIPPED;
  EXPECT_EQ(resolve().kind, Resolution::Kind::kMissingInput);
  EXPECT_THAT(resolve().reason, HasSubstr("l2a/S2A_2021-05-13_33TVL ended as FAILED"));
  results["l2a/S2A_2021-05-13_33TVL"] = {run::v1::CELL_OUTCOME_SKIPPED, "cloudy"};
  EXPECT_EQ(resolve().kind, Resolution::Kind::kSkipped);
}

TEST(FindSeason, NamesThoseThatExist) {
  const site::v1::Site site = MakeSite("");
  EXPECT_OK(FindSeason(site, "").status());
  EXPECT_THAT(FindSeason(site, "y").status(), arpent::testing::StatusIs(absl::StatusCode::kNotFound, "it has x"));
}

}  // namespace
}  // namespace arpent::coordinator
