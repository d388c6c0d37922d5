#include "services/coordinator/sweep/sweep_plan.h"

#include <gmock/gmock.h>

#include "common/product/publication.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class Sweeping : public ::testing::Test {
 protected:
  Sweeping() {
    auto stores = std::make_shared<storage::StoreSet>();
    stores->Add("output", *storage::FileStore::Open(folder_.path()));
    stores_ = stores;
    state_.now = absl::Now();
  }

  // Publishes a product made of `inputs` (names of earlier ones) and tells the coordinator's list of it.
  void Add(const std::string& name, const std::string& stage, const std::string& place, const std::string& site,
           const std::vector<std::string>& inputs, bool current = true) {
    product::ProductDescription description;
    description.stage = stage;
    description.key = Sha256Of(name);
    description.folder = absl::StrCat(place, "_", description.key.substr(0, 12));
    for (const std::string& input : inputs) description.inputs.push_back({"input", Sha256Of(input), "output:/" + input});
    product::Publication publication(stores_, scratch_.path(), description);
    ASSERT_OK(publication.AddFile("data", "data.json", "application/json", "data", name));
    ASSERT_OK(publication.Publish());
    auto& product = state_.products.emplace_back();
    product.set_stage(stage);
    product.set_key(description.key);
    product.set_uri("output:/" + description.folder);
    product.set_site(site);
    product.set_current(current);
    names_[description.folder] = name;
  }
  void Age(const std::string& name, absl::Duration age) {
    for (const auto& [folder, own] : names_) {
      if (own != name) continue;
      const std::string time = absl::FormatTime(absl::RFC3339_sec, state_.now - age, absl::UTCTimeZone());
      ASSERT_OK(stores_->WriteAll("output:/" + folder + "/run.json", absl::StrCat("{\"published\":\"", time, "\"}")));
    }
  }
  void AddSite(const std::string& name, const std::map<std::string, std::string>& retention) {
    auto& site = state_.sites.emplace_back();
    site.set_name(name);
    for (const auto& [stage, span] : retention) (*site.mutable_retention())[stage] = span;
  }
  std::vector<std::string> Going() {
    const absl::StatusOr<SweepPlan> plan = PlanSweep(*stores_, state_);
    EXPECT_OK(plan.status());
    std::vector<std::string> names;
    if (!plan.ok()) return names;
    for (const auto& removal : plan->removals) {
      EXPECT_FALSE(removal.objects.empty());
      EXPECT_TRUE(removal.objects.front().ends_with("/item.json"));
      names.push_back(absl::StrCat(names_[removal.folder], ": ", removal.reason));
    }
    return names;
  }

  testing::TemporaryFolder folder_, scratch_;
  std::shared_ptr<const storage::StoreSet> stores_;
  SweepState state_;
  std::map<std::string, std::string> names_;  // by folder
};

TEST_F(Sweeping, OldVersionsGoUnlessAKeptProductWasMadeOfThem) {
  Add("l2a-1", "l2a", "l2a/33TVL/2021/A", "", {}, /*current=*/false);
  Add("l2a-2", "l2a", "l2a/33TVL/2021/A", "", {});
  Add("june-1", "composite", "composite/33TVL/2021-06", "", {"l2a-1"}, /*current=*/false);
  EXPECT_THAT(Going(), UnorderedElementsAre("l2a-1: old version", "june-1: old version"));
  // A map that still stands on the old composite keeps it, and what that was made of.
  Add("map", "map", "map/s/2021/map", "s", {"june-1"});
  EXPECT_THAT(Going(), IsEmpty());
}

TEST_F(Sweeping, RetentionGoesByStageAndAge) {
  AddSite("s", {{"l2a", "30d"}, {"composite", "keep"}});
  Add("old", "l2a", "l2a/33TVL/2021/A", "", {});
  Add("young", "l2a", "l2a/33TVL/2021/B", "", {});
  Add("used", "l2a", "l2a/33TVL/2021/C", "", {});
  Add("june", "composite", "composite/33TVL/2021-06", "", {"used"});
  for (const char* name : {"old", "used", "june"}) Age(name, absl::Hours(24 * 31));
  Age("young", absl::Hours(24 * 29));
  EXPECT_THAT(Going(), ElementsAre("old: older than 30d"));
  // Another site that shares the stage and says nothing keeps it.
  AddSite("other", {});
  EXPECT_THAT(Going(), IsEmpty());
}

TEST_F(Sweeping, ASitesOwnProductsGoByItsOwnRule) {
  AddSite("s", {{"crop-mask", "10d"}});
  AddSite("t", {});
  Add("of s", "crop-mask", "crop-mask/s/2021/33TVL", "s", {});
  Add("of t", "crop-mask", "crop-mask/t/2021/33TVL", "t", {});
  for (const char* name : {"of s", "of t"}) Age(name, absl::Hours(24 * 11));
  EXPECT_THAT(Going(), ElementsAre("of s: older than 10d"));
}

TEST_F(Sweeping, WhatARunInProgressUsesStays) {
  Add("l2a-1", "l2a", "l2a/33TVL/2021/A", "", {}, /*current=*/false);
  state_.runs_in_progress = true;
  state_.in_use = {state_.products.front().uri()};
  EXPECT_THAT(Going(), IsEmpty());
}

TEST_F(Sweeping, UnknownFoldersGoButNotWhileTheyMayBeNews) {
  Add("unknown", "l2a", "l2a/33TVL/2021/A", "", {});
  state_.products.clear();
  ASSERT_OK(stores_->WriteAll("output:/l2a/33TVL/2021/B_000000000000/B02.tif", "under way"));
  ASSERT_OK(stores_->WriteAll("output:/l2a/collection.json", "{}"));
  state_.runs_in_progress = true;
  EXPECT_THAT(Going(), IsEmpty());
  Age("unknown", absl::Hours(25));
  EXPECT_THAT(Going(), ElementsAre("unknown: unknown"));
  state_.runs_in_progress = false;
  EXPECT_THAT(Going(), ElementsAre("unknown: unknown"));
}

TEST_F(Sweeping, WhatWasNeverFinishedAndLeftOverWorkGoAfterADayUnlessACellOfItsKeyIsOpen) {
  const std::string key = Sha256Of("in parts"), other = Sha256Of("other");
  for (const std::string& path :
       {absl::StrCat("l2a/33TVL/2021/B_", key.substr(0, 12), "/B02.tif"), absl::StrCat("work/", key, "/2x2-0/item.json"),
        absl::StrCat("work/", key, "/2x2-0/CM.tif"), absl::StrCat("work/", other, "/made.SAFE/B02.jp2"),
        std::string("l2a/notes/readme.txt"), std::string("l2a/collection.json"), std::string("inputs/abc/parcels.gpkg")}) {
    ASSERT_OK(stores_->WriteAll("output:/" + path, "bytes"));
  }
  const auto going = [this] {
    const absl::StatusOr<SweepPlan> plan = PlanSweep(*stores_, state_);
    EXPECT_OK(plan.status());
    std::vector<std::string> lines;
    for (const auto& removal : plan->removals) {
      lines.push_back(absl::StrCat(removal.folder, ": ", removal.reason, ", ", removal.objects.size()));
    }
    return lines;
  };
  state_.now += absl::Hours(23);
  EXPECT_THAT(going(), IsEmpty());
  state_.now += absl::Hours(2);
  const std::string unfinished = absl::StrCat("l2a/33TVL/2021/B_", key.substr(0, 12), ": unfinished, 1");
  const std::string parts = absl::StrCat("work/", key, ": left-over work, 2");
  const std::string made = absl::StrCat("work/", other, ": left-over work, 1");
  EXPECT_THAT(going(), UnorderedElementsAre(unfinished, parts, made));
  state_.runs_in_progress = true;
  state_.open_keys = {key};
  EXPECT_THAT(going(), ElementsAre(made));
}

TEST_F(Sweeping, ADamagedItemOfAKeptProductStopsIt) {
  Add("l2a-1", "l2a", "l2a/33TVL/2021/A", "", {}, /*current=*/false);
  Add("map", "map", "map/s/2021/map", "s", {"l2a-1"});
  ASSERT_OK(stores_->WriteAll(state_.products.back().uri() + "/item.json", "{"));
  EXPECT_THAT(PlanSweep(*stores_, state_).status(), arpent::testing::StatusIs(absl::StatusCode::kDataLoss, "map/s/2021"));
}

TEST_F(Sweeping, TheCoordinatorForgetsFirst) {
  Add("l2a-1", "l2a", "l2a/33TVL/2021/A", "", {}, /*current=*/false);
  ASSERT_OK_AND_ASSIGN(const SweepPlan plan, PlanSweep(*stores_, state_));
  EXPECT_GT(plan.bytes, 0);
  storage::ObjectStore& output = **stores_->Find("output");
  EXPECT_FALSE(Sweep(output, plan, [](const std::string&) { return absl::UnavailableError("away"); }).ok());
  EXPECT_OK(stores_->Stat(state_.products.front().uri() + "/item.json").status());
  std::vector<std::string> forgotten;
  ASSERT_OK(Sweep(output, plan, [&](const std::string& key) {
    forgotten.push_back(key);
    return absl::OkStatus();
  }));
  EXPECT_THAT(forgotten, ElementsAre(Sha256Of("l2a-1")));
  EXPECT_TRUE(absl::IsNotFound(stores_->Stat(state_.products.front().uri() + "/item.json").status()));
}

}  // namespace
}  // namespace arpent::coordinator
