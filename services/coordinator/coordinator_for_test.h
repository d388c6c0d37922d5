// A coordinator with a fake worker, for its tests.
#ifndef ARPENT_SERVICES_COORDINATOR_COORDINATOR_FOR_TEST_H_
#define ARPENT_SERVICES_COORDINATOR_COORDINATOR_FOR_TEST_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/convert.h"
#include "common/rpc/site_file.h"
#include "common/stages/catalog.h"
#include "common/testing/fake_clock.h"
#include "common/testing/status_matchers.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/store/memory_store.h"

namespace arpent::coordinator {

using namespace run::v1;  // NOLINT: outcomes and states
using RunMessage = run::v1::Run;  // gtest has a Run of its own
using ::arpent::testing::FakeClock;
using ::arpent::testing::StatusIs;
using ::testing::HasSubstr;
using worker::v1::FoundScene;
using worker::v1::SynchronizeRequest;
using worker::v1::SynchronizeResponse;
using worker::v1::Task;
using worker::v1::TaskOutcome;

inline constexpr char kSite[] = R"(name: north
area: "bbox:14,45,16,47"
inputs: [{uri: "input:/l1c"}]
seasons: [{name: "2021", start: 2021-05-01, end: 2021-06-30, products: [composite, vegetation, crop-mask, crop-type, map]}]
composite: {method: median}
parcels: {file: "output:/inputs/p/parcels.gpkg"}
)";

inline FoundScene Scene(const std::string& tile, const std::string& day, const std::string& version = "04.00") {
  FoundScene scene;
  scene.set_acquisition(absl::StrCat("S2A_", day, "T100000_R122_T", tile));
  scene.set_product_id(absl::StrCat(scene.acquisition(), "_N", version));
  scene.set_uri(absl::StrCat("input:/l1c/", scene.product_id(), ".SAFE"));
  scene.set_kind("sentinel2-l1c");
  scene.set_platform("S2A");
  scene.set_tile(tile);
  const absl::CivilDay civil(std::stoi(day.substr(0, 4)), std::stoi(day.substr(4, 2)), std::stoi(day.substr(6)));
  const absl::Time time = absl::FromCivil(civil, absl::UTCTimeZone());
  *scene.mutable_sensing_start() = rpc::ToProto(time + absl::Hours(10));
  scene.set_processing_baseline(version);
  scene.set_digest(Sha256Of(scene.product_id()));
  scene.set_west_deg(14.9);
  scene.set_south_deg(45.9);
  scene.set_east_deg(15);
  scene.set_north_deg(46);
  return scene;
}

// A coordinator whose one worker does every task in an instant, as `Outcome` says.
class CoordinatorTest : public ::testing::Test {
 protected:
  CoordinatorTest() {
    scenes_ = {Scene("33TVL", "20210510"), Scene("33TVL", "20210520"), Scene("33TVL", "20210615"),
               Scene("33TWL", "20210511"), Scene("33TWL", "20210612")};
    Restart();
    Apply(kSite);
  }

  void Restart() {
    coordinator_.reset();
    auto opened = Coordinator::Open(policy_, store_, clock_, [] { return 0.5; }, counters_);
    ASSERT_OK(opened.status());
    coordinator_ = *std::move(opened);
  }

  void Apply(const std::string& yaml) {
    site::v1::ApplySiteRequest request;
    ASSERT_OK_AND_ASSIGN(*request.mutable_site(), rpc::ParseSiteYaml(yaml, "site.yaml"));
    ASSERT_OK(coordinator_->ApplySite(request).status());
  }

  RunMessage Start(bool plan_only = false) {
    StartRunRequest request;
    request.set_request_id(absl::StrCat("r", ++requests_));
    request.set_site("north");
    request.set_plan_only(plan_only);
    const absl::StatusOr<RunMessage> run = coordinator_->StartRun(request);
    EXPECT_OK(run.status());
    return run.value_or(RunMessage());
  }

  SynchronizeRequest Request(const std::string& worker = "w") const {
    SynchronizeRequest request;
    request.set_worker_id(worker);
    for (const char* const stage : {"discover", "composite", "vegetation", "samples", "train", "crop-mask", "crop-type",
                                    "validate", "map"}) {
      request.add_stages((*stages::FindStage(stage))->Versioned());
    }
    request.add_stages(absl::StrCat((*stages::FindStage("l2a"))->Versioned(), "#tables1"));
    request.set_slots(4);
    request.set_memory_bytes(int64_t{8} << 30);
    return request;
  }

  TaskOutcome Outcome(const Task& task) {
    TaskOutcome outcome;
    outcome.set_task_id(task.task_id());
    outcome.set_fencing_token(task.fencing_token());
    (*outcome.mutable_usage()->mutable_time_seconds())["cpu"] = 1;
    if (const auto failure = failures_.find(task.acquisition()); task.stage() == "l2a" && failure != failures_.end()) {
      outcome.mutable_failed()->set_code(std::string(CodeName(failure->second)));
      outcome.mutable_failed()->set_message("B02.jp2 is cut short");
      return outcome;
    }
    if (task.stage() == "l2a" && cloudy_.count(task.acquisition()) > 0) {
      outcome.mutable_skipped()->set_reason("cloudy");
      return outcome;
    }
    worker::v1::TaskDone* const done = outcome.mutable_done();
    if (task.part() > 0) return outcome;
    if (task.stage() != "discover") {
      done->mutable_product()->set_key(task.task_id());
      done->mutable_product()->set_uri(absl::StrCat("output:/", task.stage(), "/", task.task_id().substr(0, 12)));
      return outcome;
    }
    if (absl::StartsWith(task.parameters(1).value(), "file")) {
      FoundScene* const file = done->add_scenes();
      file->set_kind("file");
      file->set_digest(Sha256Of(task.inputs(0).uri()));
      return outcome;
    }
    for (const FoundScene& scene : scenes_) *done->add_scenes() = scene;
    for (const std::string& uri : rejected_) {
      auto* const rejected = done->add_rejected();
      rejected->set_uri(uri);
      rejected->set_code("INVALID_ARGUMENT");
      rejected->set_message("there is no manifest");
    }
    return outcome;
  }

  // Works until there is nothing to do; returns the tasks done, by stage.
  std::map<std::string, int> Work() {
    std::map<std::string, int> tasks;
    SynchronizeRequest request = Request();
    for (int round = 0; round < 1000; ++round) {
      const absl::StatusOr<SynchronizeResponse> response = coordinator_->Synchronize(request);
      EXPECT_OK(response.status());
      EXPECT_EQ(response->acknowledged_size(), request.finished_size());
      request.clear_finished();
      for (const Task& task : response->begin()) {
        ++tasks[task.stage()];
        *request.add_finished() = Outcome(task);
      }
      if (request.finished().empty()) {
        clock_.Advance(absl::Seconds(30));
        EXPECT_OK(coordinator_->Tick());
        if (round > 5 && coordinator_->Synchronize(request)->begin().empty()) break;
      }
    }
    return tasks;
  }

  RunMessage Get(const RunMessage& run) { return *coordinator_->GetRun(run.run_id()); }

  std::map<std::string, Cell> Cells(const RunMessage& run) {
    int next = -1;
    std::map<std::string, Cell> cells;
    const auto listed = coordinator_->ListCells(run.run_id(), 0, 100000, [](const Cell&) { return true; }, &next);
    EXPECT_OK(listed.status());
    for (const Cell& cell : *listed) cells[cell.cell_id()] = cell;
    return cells;
  }

  static void ExpectSums(const RunMessage& run) {
    for (const StageCounts& stage : run.stages()) {
      EXPECT_EQ(stage.expected(), stage.waiting() + stage.ready() + stage.running() + stage.done() + stage.skipped() +
                                      stage.failed() + stage.missing_input() + stage.cancelled())
          << stage.ShortDebugString();
    }
  }
  static StageCounts Counts(const RunMessage& run, const std::string& stage) {
    for (const StageCounts& counts : run.stages()) {
      if (counts.stage() == stage) return counts;
    }
    return {};
  }

  FakeClock clock_{absl::FromCivil(absl::CivilDay(2022, 1, 1), absl::UTCTimeZone())};
  telemetry::Metrics metrics_;
  CoordinatorCounters counters_{metrics_};
  MemoryStore store_;
  CoordinatorPolicy policy_;
  std::unique_ptr<Coordinator> coordinator_;
  int requests_ = 0;
  std::vector<FoundScene> scenes_;
  std::vector<std::string> rejected_;
  std::map<std::string, absl::StatusCode> failures_;  // by acquisition
  std::set<std::string> cloudy_;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_COORDINATOR_FOR_TEST_H_
