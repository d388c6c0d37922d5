#include "common/worker/worker.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <set>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/rpc/server.h"
#include "common/rpc/status.h"
#include "common/stages/catalog.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::worker {
namespace {

using testing::StatusIs;
using ::testing::HasSubstr;

// The version of `stage` that a worker of this build runs; 1 for a stage that none runs.
int OfferedVersion(const std::string& stage) {
  const auto info = stages::FindStage(stage);
  return info.ok() ? (*info)->algorithm_version : 1;
}

// A coordinator in one page: a queue of tasks, fencing tokens, acknowledged outcomes, failures on demand.
class SmallCoordinator {
 public:
  void Enqueue(const std::string& task_id, const std::string& stage) {
    absl::MutexLock lock(&mutex_);
    v1::Task task;
    task.set_task_id(task_id);
    task.set_stage(stage);
    task.set_algorithm_version(OfferedVersion(stage));
    task.set_fencing_token(++token_);
    queue_.push_back(task);
  }

  absl::StatusOr<v1::SynchronizeResponse> Answer(const v1::SynchronizeRequest& request) {
    absl::MutexLock lock(&mutex_);
    last_ = request;
    ++calls_;
    if (failures_ > 0) {
      --failures_;
      return refusal_;
    }
    v1::SynchronizeResponse response;
    const auto something = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return !queue_.empty() || !stop_.empty() || !request.finished().empty();
    };
    mutex_.AwaitWithTimeout(absl::Condition(&something), absl::Seconds(request.max_wait().seconds()) +
                                                             absl::Nanoseconds(request.max_wait().nanos()));
    for (const v1::TaskOutcome& outcome : request.finished()) {
      outcomes_[outcome.task_id()] = outcome;
      ++deliveries_[outcome.task_id()];
      if (forget_acknowledgements_ > 0) continue;
      auto* const acknowledged = response.add_acknowledged();
      acknowledged->set_task_id(outcome.task_id());
      acknowledged->set_fencing_token(outcome.fencing_token());
    }
    if (!request.finished().empty() && forget_acknowledgements_ > 0) --forget_acknowledgements_;
    for (const std::string& task_id : stop_) response.add_stop_task_ids(task_id);
    stop_.clear();
    int free = request.draining() ? 0 : request.slots() - request.running_size();
    for (; free > 0 && !queue_.empty(); --free, queue_.pop_front()) *response.add_begin() = queue_.front();
    return response;
  }

  void Stop(const std::string& task_id) {
    absl::MutexLock lock(&mutex_);
    stop_.insert(task_id);
  }
  void FailCalls(int count, absl::Status refusal) {
    absl::MutexLock lock(&mutex_);
    failures_ = count;
    refusal_ = std::move(refusal);
  }
  void ForgetAcknowledgements(int count) {
    absl::MutexLock lock(&mutex_);
    forget_acknowledgements_ = count;
  }
  // Waits until the task's outcome came; fails the test after 10 s.
  v1::TaskOutcome Outcome(const std::string& task_id) {
    absl::MutexLock lock(&mutex_);
    const auto came = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return outcomes_.count(task_id) > 0; };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&came), absl::Seconds(10))) << task_id;
    return outcomes_[task_id];
  }
  bool HasOutcome(const std::string& task_id) {
    absl::MutexLock lock(&mutex_);
    return outcomes_.count(task_id) > 0;
  }
  int Deliveries(const std::string& task_id) {
    absl::MutexLock lock(&mutex_);
    return deliveries_[task_id];
  }
  void WaitForCall(const std::function<bool(const v1::SynchronizeRequest&)>& wanted) {
    absl::MutexLock lock(&mutex_);
    const auto came = [&] { return wanted(last_); };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&came), absl::Seconds(10)));
  }
  int calls() {
    absl::MutexLock lock(&mutex_);
    return calls_;
  }

 private:
  absl::Mutex mutex_;
  std::list<v1::Task> queue_;
  std::set<std::string> stop_;
  std::map<std::string, v1::TaskOutcome> outcomes_;
  std::map<std::string, int> deliveries_;
  v1::SynchronizeRequest last_;
  absl::Status refusal_;
  int failures_ = 0, forget_acknowledgements_ = 0, calls_ = 0;
  int64_t token_ = 0;
};

class DirectLink final : public CoordinatorLink {
 public:
  explicit DirectLink(SmallCoordinator& coordinator) : coordinator_(coordinator) {}
  absl::StatusOr<v1::SynchronizeResponse> Synchronize(const v1::SynchronizeRequest& request) override {
    return coordinator_.Answer(request);
  }

 private:
  SmallCoordinator& coordinator_;
};

class WorkerTest : public ::testing::Test {
 protected:
  WorkerTest() {
    stages_["l2a"] = [](const stages::TaskSpec&, const stages::StageContext& context) -> absl::StatusOr<stages::TaskResult> {
      EXPECT_TRUE(std::filesystem::is_empty(context.scratch));
      stages::TaskResult result;
      result.product.uri = "output:/l2a/x";
      result.product.key = "k";
      result.pixels = 100;
      return result;
    };
    stages_["map"] = [](const stages::TaskSpec&, const stages::StageContext&) -> absl::StatusOr<stages::TaskResult> {
      return absl::DataLossError("B02.jp2: cut short");
    };
    stages_["train"] = [](const stages::TaskSpec&, const stages::StageContext&) -> absl::StatusOr<stages::TaskResult> {
      throw std::runtime_error("a bug");
    };
    // Runs until it is released or cancelled.
    stages_["composite"] = [this](const stages::TaskSpec&,
                                  const stages::StageContext& context) -> absl::StatusOr<stages::TaskResult> {
      context.progress(0.5);
      while (!release_.WaitForNotificationWithTimeout(absl::Milliseconds(5))) {
        if (context.cancelled()) return absl::CancelledError("stopped");
      }
      return stages::TaskResult{.outcome = stages::TaskResult::Outcome::kSkipped, .skip_reason = "no-data"};
    };
    options_.worker_id = "w";
    options_.slots = 2;
    options_.stages = {"l2a@1"};
    options_.heartbeat = absl::Milliseconds(20);
    options_.longest_poll = absl::Milliseconds(500);
  }
  ~WorkerTest() override { (void)Finish().ok(); }

  void Start(std::unique_ptr<CoordinatorLink> link = nullptr) {
    if (link == nullptr) link = std::make_unique<DirectLink>(coordinator_);
    worker_ = std::make_unique<Worker>(
        options_, TaskRunner(stages_, std::make_shared<storage::StoreSet>(), {.scratch = folder_.path()}, metrics_),
        std::move(link), metrics_);
    thread_ = std::thread([this] { result_ = worker_->Run(); });
  }
  absl::Status Finish() {
    if (!thread_.joinable()) return result_;
    worker_->Drain();
    thread_.join();
    return result_;
  }

  testing::TemporaryFolder folder_;
  telemetry::Metrics metrics_;
  SmallCoordinator coordinator_;
  stages::StageRegistry stages_;
  WorkerOptions options_;
  absl::Notification release_;
  std::unique_ptr<Worker> worker_;
  std::thread thread_;
  absl::Status result_;
};

TEST_F(WorkerTest, RunsTasksAndReportsHowTheyEnded) {
  coordinator_.Enqueue("good", "l2a");
  coordinator_.Enqueue("damaged", "map");
  coordinator_.Enqueue("buggy", "train");
  coordinator_.Enqueue("foreign", "vegetation");
  Start();
  const v1::TaskOutcome good = coordinator_.Outcome("good");
  EXPECT_EQ(good.done().product().uri(), "output:/l2a/x");
  EXPECT_EQ(good.usage().pixels(), 100);
  EXPECT_EQ(coordinator_.Outcome("damaged").failed().code(), "DATA_LOSS");
  EXPECT_THAT(coordinator_.Outcome("damaged").failed().message(), HasSubstr("B02.jp2"));
  EXPECT_EQ(coordinator_.Outcome("buggy").failed().code(), "INTERNAL");
  EXPECT_EQ(coordinator_.Outcome("foreign").failed().code(), "UNIMPLEMENTED");
  EXPECT_OK(Finish());
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, HasSubstr("arpent_tasks_total{outcome=\"done\",stage=\"l2a\"} 1"));
  EXPECT_THAT(text, HasSubstr("arpent_tasks_total{outcome=\"failed\",stage=\"map\"} 1"));
  EXPECT_THAT(text, HasSubstr("arpent_tasks_total{outcome=\"failed\",stage=\"unknown\"} 1"));
  EXPECT_THAT(text, HasSubstr("arpent_worker_slots{stage=\"any\",state=\"draining\"} 2"));
}

TEST_F(WorkerTest, RefusesAnotherAlgorithmVersion) {
  v1::Task task;
  task.set_task_id("old");
  task.set_stage("l2a");
  task.set_algorithm_version(99);
  TaskControl control;
  const TaskRunner runner(stages_, std::make_shared<storage::StoreSet>(), {.scratch = folder_.path()}, metrics_);
  EXPECT_EQ(runner.Run(task, control).failed().code(), "UNIMPLEMENTED");
}

TEST_F(WorkerTest, NoTaskIdLeavesTheScratchFolder) {
  v1::Task task;
  task.set_task_id("../escape/../../x");
  task.set_stage("l2a");
  task.set_algorithm_version(OfferedVersion("l2a"));
  TaskControl control;
  const std::string scratch = folder_.path() + "/deep/scratch";
  std::string used;
  stages_["l2a"] = [&used](const stages::TaskSpec&, const stages::StageContext& context) {
    used = context.scratch;
    return absl::StatusOr<stages::TaskResult>(absl::DataLossError("enough"));
  };
  const TaskRunner runner(stages_, std::make_shared<storage::StoreSet>(), {.scratch = scratch}, metrics_);
  EXPECT_EQ(runner.Run(task, control).failed().code(), "DATA_LOSS");
  EXPECT_EQ(std::filesystem::path(used).lexically_normal().parent_path(), scratch);
}

TEST_F(WorkerTest, RepeatsOutcomesUntilTheyAreAcknowledged) {
  coordinator_.ForgetAcknowledgements(3);
  coordinator_.Enqueue("t", "l2a");
  Start();
  coordinator_.Outcome("t");
  EXPECT_OK(Finish());
  EXPECT_EQ(coordinator_.Deliveries("t"), 4);
}

TEST_F(WorkerTest, KeepsWorkingWhileTheCoordinatorIsAway) {
  coordinator_.FailCalls(3, absl::UnavailableError("restarting"));
  coordinator_.Enqueue("t", "l2a");
  Start();
  EXPECT_TRUE(coordinator_.Outcome("t").has_done());
  EXPECT_TRUE(worker_->connected());
}

TEST_F(WorkerTest, StopsWhenItIsRefused) {
  coordinator_.FailCalls(1, absl::PermissionDeniedError("no worker identity"));
  Start();
  thread_.join();
  EXPECT_THAT(result_, StatusIs(absl::StatusCode::kPermissionDenied, "no worker identity"));
}

TEST_F(WorkerTest, OutlivesTheRenewalOfItsToken) {
  coordinator_.Enqueue("first", "l2a");
  Start();
  coordinator_.Outcome("first");
  coordinator_.FailCalls(3, absl::UnauthenticatedError("this server does not know the token"));
  coordinator_.Enqueue("second", "l2a");
  EXPECT_TRUE(coordinator_.Outcome("second").has_done());
  EXPECT_OK(Finish());
}

TEST_F(WorkerTest, ReportsProgressAndStopsWhatIsCancelled) {
  coordinator_.Enqueue("long", "composite");
  Start();
  coordinator_.WaitForCall([](const auto& request) {
    return request.running_size() == 1 && request.running(0).done_fraction() == 0.5;
  });
  EXPECT_THAT(metrics_.Text(), HasSubstr("arpent_worker_slots{stage=\"composite\",state=\"busy\"} 1"));
  coordinator_.Stop("long");
  coordinator_.WaitForCall([](const auto& request) { return request.running_size() == 0; });
  EXPECT_OK(Finish());
  EXPECT_FALSE(coordinator_.HasOutcome("long"));
}

TEST_F(WorkerTest, DrainLetsShortTasksFinish) {
  coordinator_.Enqueue("long", "composite");
  Start();
  coordinator_.WaitForCall([](const auto& request) { return request.running_size() == 1; });
  worker_->Drain();
  coordinator_.WaitForCall([](const auto& request) { return request.draining(); });
  release_.Notify();
  EXPECT_OK(Finish());
  EXPECT_EQ(coordinator_.Outcome("long").skipped().reason(), "no-data");
}

TEST_F(WorkerTest, DrainHandsBackWhatTakesTooLong) {
  options_.drain_grace = absl::Milliseconds(30);
  coordinator_.Enqueue("long", "composite");
  Start();
  coordinator_.WaitForCall([](const auto& request) { return request.running_size() == 1; });
  EXPECT_OK(Finish());
  EXPECT_TRUE(coordinator_.Outcome("long").has_returned());
}

TEST_F(WorkerTest, RetiresAfterItsLifetime) {
  options_.lifetime = absl::Milliseconds(50);
  Start();
  thread_.join();
  EXPECT_OK(result_);
}

TEST_F(WorkerTest, AnIdleWorkerDoesNotHammerTheCoordinator) {
  Start();
  absl::SleepFor(absl::Milliseconds(600));
  EXPECT_LE(coordinator_.calls(), 3);
  for (int i = 0; i < 50; ++i) coordinator_.Enqueue("t" + std::to_string(i), "l2a");
  const absl::Time begin = absl::Now();
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(coordinator_.Outcome("t" + std::to_string(i)).has_done());
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
}

TEST(WorkerSize, FillsTheCoresAsFarAsMemoryAllows) {
  WorkerOptions options;
  SizeFor({.cpus = 16, .memory_bytes = int64_t{64} << 30}, &options);
  EXPECT_EQ(options.slots, 16);
  EXPECT_EQ(options.threads_per_task, 1);
  SizeFor({.cpus = 16, .memory_bytes = int64_t{8} << 30}, &options);
  EXPECT_EQ(options.slots, 4);
  EXPECT_EQ(options.threads_per_task, 4);
  SizeFor({.cpus = 0.5, .memory_bytes = int64_t{1} << 30}, &options);
  EXPECT_EQ(options.slots, 1);
  EXPECT_EQ(options.threads_per_task, 1);
}

// The same conversation over gRPC.
class FakeWorkerService final : public v1::WorkerService::Service {
 public:
  explicit FakeWorkerService(SmallCoordinator& coordinator) : coordinator_(coordinator) {}
  grpc::Status Synchronize(grpc::ServerContext*, const v1::SynchronizeRequest* request,
                           v1::SynchronizeResponse* response) override {
    auto answer = coordinator_.Answer(*request);
    if (!answer.ok()) return rpc::ToGrpc(answer.status());
    *response = *std::move(answer);
    return grpc::Status::OK;
  }

 private:
  SmallCoordinator& coordinator_;
};

TEST_F(WorkerTest, SpeaksGrpc) {
  FakeWorkerService service(coordinator_);
  telemetry::Metrics server_metrics;
  ASSERT_OK_AND_ASSIGN(const auto server, rpc::Server::Start({.listen = "127.0.0.1:0"}, {&service}, server_metrics));
  coordinator_.FailCalls(1, absl::UnavailableError("no leader"));
  coordinator_.Enqueue("t", "l2a");
  Start(std::make_unique<GrpcCoordinatorLink>(server->InProcessChannel()));
  EXPECT_TRUE(coordinator_.Outcome("t").has_done());
  EXPECT_OK(Finish());
}

}  // namespace
}  // namespace arpent::worker
