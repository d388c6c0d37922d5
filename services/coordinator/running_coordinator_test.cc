#include "services/coordinator/running_coordinator.h"

#include <thread>

#include "absl/strings/str_cat.h"
#include "arpent/product/v1/product_service.grpc.pb.h"
#include "arpent/run/v1/run_service.grpc.pb.h"
#include "arpent/site/v1/site_service.grpc.pb.h"
#include "arpent/worker/v1/worker_service.grpc.pb.h"
#include "common/base/digest.h"
#include "common/rpc/convert.h"
#include "common/rpc/server.h"
#include "common/rpc/status.h"
#include "common/stages/catalog.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"
#include "services/coordinator/store/postgres_for_test.h"

namespace arpent::coordinator {
namespace {

using ::arpent::testing::StatusIs;

// A served coordinator with its state in a file, as the program has it, and clients of its services.
class Served {
 public:
  explicit Served(const std::string& state, absl::Duration leader_term = absl::Seconds(15)) {
    auto running = StartCoordinator({.state = state, .leader_term = leader_term}, clock_, metrics_);
    EXPECT_OK(running.status());
    running_ = *std::move(running);
    auto server = rpc::Server::Start({.listen = "127.0.0.1:0"}, running_->services(), metrics_);
    EXPECT_OK(server.status());
    server_ = *std::move(server);
    const auto channel = server_->InProcessChannel();
    sites = site::v1::SiteService::NewStub(channel);
    runs = run::v1::RunService::NewStub(channel);
    products = product::v1::ProductService::NewStub(channel);
    workers = worker::v1::WorkerService::NewStub(channel);
  }
  ~Served() {
    running_->Stop();
    server_->Stop(absl::Seconds(5));
  }
  RunningCoordinator& running() { return *running_; }

  template <typename Response, typename Stub, typename Method, typename Request>
  absl::StatusOr<Response> Call(Stub& stub, Method method, const Request& request) {
    grpc::ClientContext context;
    Response response;
    const grpc::Status status = ((*stub).*method)(&context, request, &response);
    if (!status.ok()) return rpc::FromGrpc(status);
    return response;
  }

  absl::StatusOr<worker::v1::SynchronizeResponse> Synchronize(const worker::v1::SynchronizeRequest& request) {
    return Call<worker::v1::SynchronizeResponse>(workers, &worker::v1::WorkerService::Stub::Synchronize, request);
  }
  absl::StatusOr<run::v1::StartRunResponse> StartRun(const std::string& request_id) {
    run::v1::StartRunRequest request;
    request.set_request_id(request_id);
    request.set_site("s");
    return Call<run::v1::StartRunResponse>(runs, &run::v1::RunService::Stub::StartRun, request);
  }

  std::unique_ptr<site::v1::SiteService::Stub> sites;
  std::unique_ptr<run::v1::RunService::Stub> runs;
  std::unique_ptr<product::v1::ProductService::Stub> products;
  std::unique_ptr<worker::v1::WorkerService::Stub> workers;

 private:
  SystemClock clock_;
  telemetry::Metrics metrics_;
  std::unique_ptr<RunningCoordinator> running_;
  std::unique_ptr<rpc::Server> server_;
};

site::v1::ApplySiteRequest SiteOf(const std::string& name) {
  site::v1::ApplySiteRequest request;
  request.mutable_site()->set_name(name);
  request.mutable_site()->set_area("bbox:14,45,16,47");
  request.mutable_site()->add_inputs()->set_uri("input:/l1c");
  auto* const season = request.mutable_site()->add_seasons();
  season->set_name("2021");
  season->set_start("2021-05-01");
  season->set_end("2021-05-31");
  return request;
}

worker::v1::SynchronizeRequest Worker() {
  worker::v1::SynchronizeRequest request;
  request.set_worker_id("w");
  for (const char* const stage : {"discover", "l2a", "composite"}) request.add_stages((*stages::FindStage(stage))->Versioned());
  request.set_slots(2);
  request.set_memory_bytes(int64_t{8} << 30);
  *request.mutable_max_wait() = rpc::ToProto(absl::Seconds(5));
  return request;
}

worker::v1::TaskOutcome Done(const worker::v1::Task& task) {
  worker::v1::TaskOutcome outcome;
  outcome.set_task_id(task.task_id());
  outcome.set_fencing_token(task.fencing_token());
  if (task.stage() == "discover") {
    worker::v1::FoundScene* const scene = outcome.mutable_done()->add_scenes();
    scene->set_acquisition("S2A_20210510T100000_R122_T33TVL");
    scene->set_kind("sentinel2-l1c");
    scene->set_tile("33TVL");
    scene->set_digest(Sha256Of("scene"));
    scene->mutable_sensing_start()->set_seconds(1620640800);
  } else {
    outcome.mutable_done()->mutable_product()->set_key(task.task_id());
    outcome.mutable_done()->mutable_product()->set_uri("output:/" + task.task_id());
  }
  return outcome;
}

TEST(RunningCoordinator, ARunFromApplyToTheEndOfItsWatchOverARestart) {
  const testing::TemporaryFolder folder;
  std::string run_id;
  int64_t sequence = 0;
  worker::v1::SynchronizeRequest request = Worker();
  {
    Served served(folder.File("state.db"));
    ASSERT_OK((served.Call<site::v1::ApplySiteResponse>(served.sites, &site::v1::SiteService::Stub::ApplySite, SiteOf("s"))));
    ASSERT_OK_AND_ASSIGN(const auto started, served.StartRun("once"));
    run_id = started.run().run_id();
    ASSERT_OK_AND_ASSIGN(const auto leased, served.Synchronize(request));
    ASSERT_EQ(leased.begin_size(), 1);
    *request.add_finished() = Done(leased.begin(0));
    ASSERT_OK(served.Synchronize(request));

    grpc::ClientContext context;
    run::v1::WatchRunRequest watch;
    watch.set_run_id(run_id);
    const auto stream = served.runs->WatchRun(&context, watch);
    run::v1::WatchRunResponse response;
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.run().run_id(), run_id);
    sequence = response.sequence();
    context.TryCancel();
    while (stream->Read(&response)) {
    }
    stream->Finish().IgnoreError();
  }
  // The worker holds a lease that the first coordinator gave, and knows nothing of its end.
  Served served(folder.File("state.db"));
  ASSERT_OK_AND_ASSIGN(const auto same, served.StartRun("once"));
  EXPECT_EQ(same.run().run_id(), run_id);
  std::thread watcher([&] {
    grpc::ClientContext context;
    run::v1::WatchRunRequest watch;
    watch.set_run_id(run_id);
    watch.set_after_sequence(sequence);
    const auto stream = served.runs->WatchRun(&context, watch);
    run::v1::WatchRunResponse response;
    while (stream->Read(&response)) {
      EXPECT_GT(response.sequence(), sequence);
      sequence = response.sequence();
    }
    EXPECT_TRUE(stream->Finish().ok());
    EXPECT_EQ(response.run().state(), run::v1::RUN_STATE_SUCCEEDED) << response.DebugString();
  });
  *request.mutable_max_wait() = rpc::ToProto(absl::Milliseconds(100));
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto response, served.Synchronize(request));
    request.clear_finished();
    for (const auto& task : response.begin()) *request.add_finished() = Done(task);
    if (request.finished().empty()) break;
  }
  watcher.join();

  run::v1::ListCellsRequest cells;
  cells.set_run_id(run_id);
  cells.set_page_size(2);
  std::set<std::string> ids;
  do {
    ASSERT_OK_AND_ASSIGN(const auto page, (served.Call<run::v1::ListCellsResponse>(
                                              served.runs, &run::v1::RunService::Stub::ListCells, cells)));
    EXPECT_LE(page.cells_size(), 2);
    for (const auto& cell : page.cells()) EXPECT_TRUE(ids.insert(cell.cell_id()).second);
    cells.set_page_token(page.next_page_token());
  } while (!cells.page_token().empty());
  EXPECT_THAT(ids, ::testing::ElementsAre("composite/33TVL/2021-05", "discover/inputs[0]",
                                          "l2a/S2A_20210510T100000_R122_T33TVL"));
  cells.set_page_token("x");
  EXPECT_THAT((served.Call<run::v1::ListCellsResponse>(served.runs, &run::v1::RunService::Stub::ListCells, cells)).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, "page_token"));
}

TEST(RunningCoordinator, AStandbyRefusesUntilItLeadsAndThenGoesOn) {
  ARPENT_REQUIRE_POSTGRES();
  const std::string state = PostgresForTest::Shared().NewDatabase();
  auto leader = std::make_unique<Served>(state);
  while (!leader->running().coordinator().ok()) absl::SleepFor(absl::Milliseconds(10));
  Served standby(state);
  ASSERT_OK((leader->Call<site::v1::ApplySiteResponse>(leader->sites, &site::v1::SiteService::Stub::ApplySite, SiteOf("s"))));
  ASSERT_OK_AND_ASSIGN(const auto started, leader->StartRun("once"));
  EXPECT_THAT(standby.StartRun("once").status(), StatusIs(absl::StatusCode::kUnavailable, "stands by"));
  bool leads = true;
  standby.running().WatchLeadership([&leads](bool now) { leads = now; });
  EXPECT_FALSE(leads);
  standby.running().WatchLeadership(nullptr);
  leader.reset();
  while (!standby.running().coordinator().ok()) absl::SleepFor(absl::Milliseconds(10));
  ASSERT_OK_AND_ASSIGN(const auto same, standby.StartRun("once"));
  EXPECT_EQ(same.run().run_id(), started.run().run_id());
}

TEST(RunningCoordinator, ALongPollEndsWhenThereIsWorkAndWhenItStops) {
  Served served("");
  ASSERT_OK((served.Call<site::v1::ApplySiteResponse>(served.sites, &site::v1::SiteService::Stub::ApplySite, SiteOf("s"))));
  worker::v1::SynchronizeRequest request = Worker();
  *request.mutable_max_wait() = rpc::ToProto(absl::Seconds(60));
  const absl::Time begin = absl::Now();
  std::thread worker([&] {
    ASSERT_OK_AND_ASSIGN(const auto response, served.Synchronize(request));
    EXPECT_EQ(response.begin_size(), 1);
    request.set_worker_id("other");
    EXPECT_FALSE(served.Synchronize(request).value_or(worker::v1::SynchronizeResponse()).begin_size() > 0);
  });
  while ((*served.running().coordinator())->ListWorkers().empty()) std::this_thread::yield();
  ASSERT_OK(served.StartRun("r"));
  while ((*served.running().coordinator())->ListWorkers().size() < 2) std::this_thread::yield();
  served.running().Stop();
  worker.join();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(30));
}

TEST(RunningCoordinator, SitesArePagedAndErrorsKeepTheirCode) {
  Served served("");
  for (const char* const name : {"a", "b", "c"}) {
    ASSERT_OK((served.Call<site::v1::ApplySiteResponse>(served.sites, &site::v1::SiteService::Stub::ApplySite, SiteOf(name))));
  }
  site::v1::ListSitesRequest request;
  request.set_page_size(2);
  ASSERT_OK_AND_ASSIGN(auto page, (served.Call<site::v1::ListSitesResponse>(
                                      served.sites, &site::v1::SiteService::Stub::ListSites, request)));
  ASSERT_EQ(page.sites_size(), 2);
  EXPECT_EQ(page.sites(0).composite().period(), "month") << "with its defaults";
  request.set_page_token(page.next_page_token());
  ASSERT_OK_AND_ASSIGN(page, (served.Call<site::v1::ListSitesResponse>(
                                 served.sites, &site::v1::SiteService::Stub::ListSites, request)));
  ASSERT_EQ(page.sites_size(), 1);
  EXPECT_EQ(page.next_page_token(), "");
  site::v1::ApplySiteRequest wrong = SiteOf("d");
  wrong.mutable_site()->mutable_composite()->set_period("week");
  EXPECT_THAT((served.Call<site::v1::ApplySiteResponse>(served.sites, &site::v1::SiteService::Stub::ApplySite, wrong)).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, "composite.period"));
  EXPECT_THAT(served.StartRun("r").status(), StatusIs(absl::StatusCode::kNotFound, "there is no site 's'"));
}

}  // namespace
}  // namespace arpent::coordinator
