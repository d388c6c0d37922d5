// Workers that are wrong, or somebody else's: what they say must not fill the state, hide a run from its clients or stop
// those who read all products. And clocks that are set.
#include "services/coordinator/worker_report.h"

#include <cmath>
#include <limits>

#include "services/coordinator/clock_jumps.h"
#include "services/coordinator/coordinator_for_test.h"

namespace arpent::coordinator {
namespace {

TEST(WorkerReport, SentencesAreClippedAtWholeCharacters) {
  EXPECT_EQ(Clipped("short"), "short");
  for (int before = 4090; before < 4100; ++before) {
    const std::string clipped = Clipped(std::string(before, 'x') + std::string(1000, 'y') + "\xe2\x82\xac\xe2\x82\xac");
    EXPECT_LT(clipped.size(), 4200u);
    run::v1::Cell cell, read;
    cell.set_error_message(Clipped(std::string(before, 'x') + "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"));
    EXPECT_TRUE(read.ParseFromString(cell.SerializeAsString())) << "is UTF-8 still";
  }
}

TEST(WorkerReport, CallersAreBoundedAndNumbersAreNumbers) {
  SynchronizeRequest request;
  EXPECT_THAT(CheckCaller(request), StatusIs(absl::StatusCode::kInvalidArgument, "worker_id"));
  request.set_worker_id(std::string(257, 'w'));
  EXPECT_THAT(CheckCaller(request), StatusIs(absl::StatusCode::kInvalidArgument, "worker_id: at most 256"));
  request.set_worker_id("w");
  for (int i = 0; i < 1001; ++i) request.add_stages("l2a@1");
  EXPECT_THAT(CheckCaller(request), StatusIs(absl::StatusCode::kInvalidArgument, "stages"));
  EXPECT_EQ(Fraction(std::nan("")), 0);
  EXPECT_EQ(Fraction(-1), 0);
  EXPECT_EQ(Fraction(7), 1);
  worker::v1::TaskUsage usage;
  for (const auto& [kind, seconds] : std::map<std::string, double>{
           {"cpu", 2}, {"disk_wait", std::nan("")}, {"other", -1}, {"cache_wait", std::numeric_limits<double>::infinity()},
           {"made up", 1}}) {
    (*usage.mutable_time_seconds())[kind] = seconds;
  }
  Cell cell;
  AddUsage(usage, &cell);
  EXPECT_EQ(cell.time_seconds_size(), 1);
  EXPECT_EQ(cell.time_seconds().at("cpu"), 2);
}

TEST(WorkerReport, AProductLiesInTheOutputStoreUnderItsKey) {
  const auto check = [](const std::string& uri, const std::string& key = "k") {
    worker::v1::TaskDone done;
    done.mutable_product()->set_key(key);
    done.mutable_product()->set_uri(uri);
    return CheckProduct("k", done);
  };
  EXPECT_OK(check("output:/l2a/33TVL/2021/a_k"));
  for (const char* const uri : {"", "l2a", "input:/l2a/a_k", "output:/", "output:/l2a/../../etc", "output://host/a", "file:///etc"}) {
    EXPECT_THAT(check(uri), StatusIs(absl::StatusCode::kInternal, "under key 'k'")) << uri;
  }
  EXPECT_THAT(check("output:/l2a/a_k", "other"), StatusIs(absl::StatusCode::kInternal, "under key 'other' for task k"));
}

// A worker that floods its reports: the run's ledger stays readable within a client's 4 MB, and the run goes on.
TEST_F(CoordinatorTest, AFloodOfWordsAndAWrongPlaceFailTheTaskOnly) {
  const RunMessage run = Start();
  SynchronizeRequest request = Request();
  request.set_slots(40);
  ASSERT_OK_AND_ASSIGN(SynchronizeResponse response, coordinator_->Synchronize(request));
  for (const Task& task : response.begin()) *request.add_finished() = Outcome(task);
  ASSERT_OK_AND_ASSIGN(response, coordinator_->Synchronize(request));
  request.clear_finished();
  ASSERT_EQ(response.begin_size(), 5);
  for (int i = 0; i < 5; ++i) {
    TaskOutcome outcome = Outcome(response.begin(i));
    if (i < 3) {
      outcome.mutable_failed()->set_code("INVALID_ARGUMENT");
      outcome.mutable_failed()->set_message(std::string(20 << 20, 'x'));
    } else if (i == 3) {
      outcome.mutable_skipped()->set_reason(std::string(20 << 20, 'y'));
    } else {
      outcome.mutable_done()->mutable_product()->set_uri("output:/../somewhere/else");
    }
    *request.add_finished() = outcome;
  }
  ASSERT_OK(coordinator_->Synchronize(request).status());
  size_t bytes = 0;
  for (const auto& [id, cell] : Cells(run)) bytes += cell.ByteSizeLong();
  EXPECT_LT(bytes, 100000u);
  EXPECT_THAT(Cells(run).at("l2a/" + response.begin(4).acquisition()).error_message(), HasSubstr("somewhere/else"));
  Work();
  ExpectSums(Get(run));
  EXPECT_TRUE(Get(run).has_end_time());
  std::string next;
  ASSERT_OK_AND_ASSIGN(const auto products, coordinator_->ListProducts({}, &next));
  for (const auto& product : products) {
    EXPECT_TRUE(absl::StartsWith(product.uri(), "output:/")) << product.uri();
  }
}

TEST(ClockJumps, AreToldFromDrift) {
  ClockJumps jumps;
  const absl::Time wall = absl::FromUnixSeconds(1600000000);
  const std::chrono::steady_clock::time_point steady{};
  using std::chrono::seconds;
  EXPECT_EQ(jumps.Look(wall, steady), absl::ZeroDuration());
  EXPECT_EQ(jumps.Look(wall + absl::Seconds(11), steady + seconds(10)), absl::ZeroDuration());
  EXPECT_EQ(jumps.Look(wall + absl::Seconds(3611), steady + seconds(10)), absl::Hours(1));
  EXPECT_EQ(jumps.Look(wall + absl::Seconds(3612), steady + seconds(11)), absl::ZeroDuration());
  EXPECT_EQ(jumps.Look(wall + absl::Seconds(13), steady + seconds(12)), -absl::Hours(1));
}

TEST_F(CoordinatorTest, AClockThatIsSetTakesNoLeaseAndKeepsNone) {
  const RunMessage run = Start();
  ASSERT_OK_AND_ASSIGN(const SynchronizeResponse leased, coordinator_->Synchronize(Request("a")));
  ASSERT_EQ(leased.begin_size(), 2);
  // An hour ahead: nobody was silent for so long.
  clock_.Advance(absl::Hours(1));
  coordinator_->ClockJumped(absl::Hours(1));
  ASSERT_OK(coordinator_->Tick());
  EXPECT_EQ(coordinator_->ListWorkers().size(), 1u);
  EXPECT_EQ(Counts(Get(run), "discover").running(), 2);
  // A day back: a worker that dies is noticed after the time of its lease all the same.
  clock_.Advance(-absl::Hours(24));
  coordinator_->ClockJumped(-absl::Hours(24));
  clock_.Advance(policy_.queue.lease + absl::Seconds(1));
  ASSERT_OK(coordinator_->Tick());
  EXPECT_EQ(Counts(Get(run), "discover").running(), 0);
  EXPECT_TRUE(coordinator_->ListWorkers().empty());
  clock_.Advance(policy_.queue.longest_backoff);
  Work();
  EXPECT_EQ(Get(run).state(), RUN_STATE_SUCCEEDED);
}

// Thousands of ended runs: lists are pages, and the second that a coordinator lives by stays its own.
TEST_F(CoordinatorTest, ThousandsOfRunsAreListedByPage) {
  for (int i = 0; i < 3000; ++i) {
    const RunMessage run = Start();
    ASSERT_OK(coordinator_->CancelRun(run.run_id()).status());
    if (i % 3 == 0) clock_.Advance(absl::Seconds(1));
  }
  std::set<std::string> ids;
  for (size_t offset = 0;; offset += 100) {
    const std::vector<RunMessage> page = coordinator_->ListRuns("north", offset, 100);
    for (const RunMessage& run : page) EXPECT_TRUE(ids.insert(run.run_id()).second);
    if (page.size() < 100) break;
  }
  EXPECT_EQ(ids.size(), 3000u);
  const absl::Time begin = absl::Now();
  for (int tick = 0; tick < 10; ++tick) ASSERT_OK(coordinator_->Tick());
  EXPECT_LT(absl::Now() - begin, absl::Seconds(2));
  Restart();
  EXPECT_EQ(coordinator_->ListRuns("north", 0, 100000).size(), 3000u);
}

}  // namespace
}  // namespace arpent::coordinator
