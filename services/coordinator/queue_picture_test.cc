#include "services/coordinator/queue_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/testing/fake_clock.h"
#include "common/testing/status_matchers.h"

namespace arpent::coordinator {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class QueuePictureTest : public ::testing::Test {
 protected:
  void Hear(const std::string& worker, int slots, int64_t memory_bytes, bool draining = false) {
    arpent::worker::v1::SynchronizeRequest request;
    request.set_worker_id(worker);
    request.add_stages("l2a@1");
    request.set_slots(slots);
    request.set_memory_bytes(memory_bytes);
    request.set_draining(draining);
    roster_.Hear(request, clock_.Now());
  }

  void Add(const std::string& task, const std::string& share = "north", int priority = 0, int64_t memory_bytes = 1'000'000'000) {
    queue_.Add(task, {.stage = "l2a", .stage_version = "l2a@1", .share = share, .priority = priority, .memory_bytes = memory_bytes});
  }

  std::vector<Lease> LeaseTo(const std::string& worker, int slots, int64_t memory_bytes) {
    return queue_.LeaseFor({.worker_id = worker, .stage_versions = {"l2a@1"}, .slots = slots, .memory_bytes = memory_bytes}, 1);
  }

  std::string Why(const std::string& task, int attempts = 0, const std::string& code = "") {
    return QueuePicture(roster_, queue_, clock_.Now()).WhyItWaits(*queue_.Find(task), attempts, code);
  }

  testing::FakeClock clock_;
  WorkerRoster roster_{absl::Minutes(1)};
  TaskQueue queue_{QueuePolicy{}, clock_, [] { return 0.5; }};
};

TEST_F(QueuePictureTest, NobodyOffersTheStage) {
  Add("a");
  EXPECT_EQ(Why("a"), "a worker that offers l2a@1; there is none");
  Hear("w", 1, 2'000'000'000, /*draining=*/true);
  EXPECT_EQ(Why("a"), "a worker that offers l2a@1; those that do are draining");
}

TEST_F(QueuePictureTest, MemoryInAllAndMemoryNow) {
  Add("a");
  Hear("small", 2, 500'000'000);
  EXPECT_EQ(Why("a"), "a worker with 1000 MB; the largest has 500 MB");
  Hear("w", 2, 1'500'000'000);
  EXPECT_EQ(Why("a"), "the next call of a worker with a free slot");
  ASSERT_EQ(LeaseTo("w", 2, 1'500'000'000).size(), 1u);
  EXPECT_EQ(Why("a"), "") << "it is leased";
  Add("b");
  EXPECT_EQ(Why("b"), "memory: it needs 1000 MB, workers with a free slot have at most 500 MB free");
}

TEST_F(QueuePictureTest, ItsTurnAmongOthers) {
  Hear("w", 1, 4'000'000'000);
  Add("running");
  ASSERT_EQ(LeaseTo("w", 1, 4'000'000'000).size(), 1u);
  Add("a");
  EXPECT_EQ(Why("a"), "its turn: the slot for l2a is busy");
  Add("b");
  Add("c", "south");
  Add("d", "south", /*priority=*/5);
  EXPECT_THAT(Why("a"), AllOf(HasSubstr("1 ready with a higher priority go first"), HasSubstr("2 ready of its site and sensor"),
                              HasSubstr("fair share: 1 ready of others")));
  EXPECT_THAT(Why("d"), Not(HasSubstr("fair share")));
}

TEST_F(QueuePictureTest, BackoffSaysUntilWhenAndAfterWhat) {
  Hear("w", 1, 4'000'000'000);
  Add("a");
  const std::vector<Lease> leases = LeaseTo("w", 1, 4'000'000'000);
  ASSERT_EQ(leases.size(), 1u);
  ASSERT_OK(queue_.Fail("a", leases[0].token, absl::UnavailableError("storage")).status());
  const auto task = queue_.Find("a");
  ASSERT_EQ(task->state, TaskQueue::State::kBackoff);
  EXPECT_THAT(Why("a", 1, "UNAVAILABLE"),
              AllOf(HasSubstr("attempt 2 in 1s"), HasSubstr(absl::FormatTime("%H:%M:%SZ", task->not_before, absl::UTCTimeZone())),
                    HasSubstr("after UNAVAILABLE")));
}

}  // namespace
}  // namespace arpent::coordinator
