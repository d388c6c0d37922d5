// How many task completions per second a coordinator makes durable: workers in threads lease and complete tasks of one
// large run through the same calls that the gRPC service makes, with the state in SQLite.
//
// queue_speed FOLDER [SCENES] [WORKERS] [SLOTS]: prints one line of a table. FOLDER must be on the disk to be measured.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/base/resources.h"
#include "common/rpc/convert.h"
#include "common/rpc/retry.h"
#include "common/stages/catalog.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/store/sqlite_store.h"

namespace arpent::coordinator {
namespace {

using worker::v1::SynchronizeRequest;

constexpr absl::Duration kLongestSilence = absl::Minutes(1);
constexpr absl::Duration kTick = absl::Milliseconds(250);

void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "queue_speed: %s\n", status.ToString().c_str());
  std::exit(1);
}

// One scene a day on as many tiles as it takes: every l2a task of the run is independent.
void FindScenes(int count, worker::v1::TaskDone* done) {
  const absl::Time start = absl::FromCivil(absl::CivilDay(2021, 1, 1), absl::UTCTimeZone());
  for (int i = 0; i < count; ++i) {
    worker::v1::FoundScene* const scene = done->add_scenes();
    scene->set_acquisition(absl::StrCat("S2A_", i));
    scene->set_product_id(scene->acquisition());
    scene->set_kind("sentinel2-l1c");
    scene->set_tile(absl::StrCat("33T", std::string(1, 'A' + i / 365 % 20), std::string(1, 'A' + i / 7300)));
    scene->set_uri(absl::StrCat("input:/", i));
    scene->set_digest(Sha256Of(scene->uri()));
    *scene->mutable_sensing_start() = rpc::ToProto(start + absl::Hours(24) * (i % 365));
  }
}

// A product as large as a real L2A's: thirteen bands and five masks with their checksums.
void Publish(const worker::v1::Task& task, product::v1::Product* product) {
  product->set_key(task.task_id());
  product->set_uri(absl::StrCat("output:/l2a/33TVL/2021/", task.acquisition(), "_", task.task_id().substr(0, 12)));
  for (int i = 0; i < 18; ++i) {
    product::v1::Asset* const asset = product->add_assets();
    asset->set_name(absl::StrCat("B", i));
    asset->set_file(absl::StrCat("B", i, ".tif"));
    asset->set_size_bytes(100 << 20);
    asset->set_sha256(task.task_id());
    asset->set_pixel_digest(task.task_id());
  }
}

void Work(Coordinator& coordinator, const std::string& name, int scenes, int slots, std::atomic<int>& completed) {
  SynchronizeRequest request;
  request.set_worker_id(name);
  for (const char* const stage : {"discover", "l2a"}) request.add_stages((*stages::FindStage(stage))->Versioned());
  request.set_slots(slots);
  request.set_memory_bytes(int64_t{1} << 50);
  *request.mutable_max_wait() = rpc::ToProto(absl::Milliseconds(50));
  absl::Time heard = absl::Now();
  while (completed < scenes) {
    const auto response = coordinator.Synchronize(request);
    Require(response.status());
    if (!response->begin().empty()) heard = absl::Now();
    if (absl::Now() - heard > kLongestSilence) Require(absl::InternalError("the coordinator gives no task any more"));
    for (const auto& outcome : request.finished()) completed += outcome.done().has_product();
    request.clear_finished();
    for (const worker::v1::Task& task : response->begin()) {
      worker::v1::TaskOutcome* const outcome = request.add_finished();
      outcome->set_task_id(task.task_id());
      outcome->set_fencing_token(task.fencing_token());
      if (task.stage() == "discover") {
        FindScenes(scenes, outcome->mutable_done());
      } else {
        Publish(task, outcome->mutable_done()->mutable_product());
      }
    }
  }
}

int Main(const std::string& folder, int scenes, int workers, int slots) {
  const std::string file = absl::StrCat(folder, "/queue_speed.db");
  auto store = OpenSqliteStore(file);
  Require(store.status());
  telemetry::Metrics metrics;
  CoordinatorCounters counters(metrics);
  SystemClock clock;
  auto coordinator = Coordinator::Open({}, **store, clock, rpc::RandomFraction, counters);
  Require(coordinator.status());
  site::v1::ApplySiteRequest site;
  site.mutable_site()->set_name("load");
  site.mutable_site()->set_area("bbox:-180,-80,180,80");
  site.mutable_site()->add_inputs()->set_uri("input:/");
  auto* const season = site.mutable_site()->add_seasons();
  season->set_name("2021");
  season->set_start("2021-01-01");
  season->set_end("2021-12-31");
  season->add_products("l2a");
  Require((*coordinator)->ApplySite(site).status());
  run::v1::StartRunRequest start;
  start.set_request_id(absl::StrCat(absl::ToUnixNanos(absl::Now())));
  start.set_site("load");
  Require((*coordinator)->StartRun(start).status());

  std::atomic<int> completed = 0;
  const absl::Time begin = absl::Now();
  std::vector<std::thread> threads;
  for (int i = 0; i < workers; ++i) {
    threads.emplace_back([&, i] { Work(**coordinator, absl::StrCat("w", i), scenes, slots, completed); });
  }
  // As the served coordinator does beside its calls.
  absl::Notification ended;
  std::thread ticks([&] {
    while (!ended.WaitForNotificationWithTimeout(kTick)) Require((*coordinator)->Tick());
  });
  for (std::thread& thread : threads) thread.join();
  ended.Notify();
  ticks.join();
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  std::printf("| %d | %d x %d | %.1f | %.0f | %.0f |\n", scenes, workers, slots, seconds, scenes / seconds,
              PeakResidentBytes() / 1e6);
  return 0;
}

}  // namespace
}  // namespace arpent::coordinator

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: queue_speed FOLDER [SCENES] [WORKERS] [SLOTS]\n");
    return 2;
  }
  const auto argument = [&](int i, int otherwise) { return argc > i ? std::atoi(argv[i]) : otherwise; };
  return arpent::coordinator::Main(argv[1], argument(2, 50000), argument(3, 16), argument(4, 16));
}
