#include "services/coordinator/queue/task_queue.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "common/testing/fake_clock.h"
#include "common/testing/status_matchers.h"

namespace arpent::coordinator {
namespace {

using ::arpent::testing::FakeClock;
using ::arpent::testing::StatusIs;

const TaskDemand kDemand{.stage = "l2a", .stage_version = "l2a@1", .share = "s", .core_seconds = 1, .memory_bytes = 10};

WorkerOffer Offer(const std::string& worker, int slots = 4, int64_t memory = 100) {
  return {.worker_id = worker, .stage_versions = {"l2a@1"}, .slots = slots, .memory_bytes = memory};
}

class TaskQueueTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  QueuePolicy policy_;
  TaskQueue queue_{policy_, clock_, [] { return 0.0; }};

  Lease LeaseOne(const std::string& worker) {
    const std::vector<Lease> leases = queue_.LeaseFor(Offer(worker), 1);
    EXPECT_EQ(leases.size(), 1u);
    return leases.empty() ? Lease{} : leases[0];
  }
};

TEST_F(TaskQueueTest, LeasesAsManyAsSlotsAndMemoryAllow) {
  for (int i = 0; i < 20; ++i) queue_.Add(absl::StrCat("t", i), kDemand);
  EXPECT_EQ(queue_.LeaseFor(Offer("few slots", 3), 99).size(), 3u);
  EXPECT_EQ(queue_.LeaseFor(Offer("few slots", 3), 99).size(), 0u);
  EXPECT_EQ(queue_.LeaseFor(Offer("little memory", 9, 45), 99).size(), 4u);
  EXPECT_EQ(queue_.LeaseFor(Offer("asks for little", 9), 2).size(), 2u);
}

TEST_F(TaskQueueTest, AnExpiredLeaseGoesToAnotherAndItsHolderIsTooLate) {
  queue_.Add("t", kDemand);
  const Lease first = LeaseOne("a");
  clock_.Advance(policy_.lease - absl::Seconds(1));
  EXPECT_TRUE(queue_.ExpireLeases().empty());
  ASSERT_OK(queue_.Extend("t", first.token).status());
  clock_.Advance(policy_.lease);
  const std::vector<AttemptEnd> ended = queue_.ExpireLeases();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].worker_id, "a");
  EXPECT_FALSE(ended[0].final);
  clock_.Advance(policy_.longest_backoff);
  const Lease second = LeaseOne("b");
  EXPECT_GT(second.token, first.token);
  EXPECT_EQ(second.attempt, 2);
  EXPECT_THAT(queue_.Extend("t", first.token), StatusIs(absl::StatusCode::kAborted, "holds no lease"));
  EXPECT_THAT(queue_.Complete("t", first.token), StatusIs(absl::StatusCode::kAborted, ""));
  EXPECT_OK(queue_.Complete("t", second.token));
  EXPECT_THAT(queue_.Complete("t", second.token), StatusIs(absl::StatusCode::kAborted, ""));
}

TEST_F(TaskQueueTest, AttemptsAreBoundedByTheCauseOfTheFailure) {
  const struct {
    absl::Status status;
    int attempts;
  } cases[] = {{absl::InvalidArgumentError("x"), 1},
               {absl::NotFoundError("x"), 1},
               {absl::PermissionDeniedError("x"), 1},
               {absl::DataLossError("x"), policy_.attempts_at_damaged_data},
               {absl::UnavailableError("x"), policy_.attempts},
               {absl::InternalError("x"), policy_.attempts}};
  for (const auto& [status, expected] : cases) {
    queue_.Add("t", kDemand);
    int attempts = 0;
    for (bool final = false; !final; ++attempts) {
      const Lease lease = LeaseOne("w");
      ASSERT_OK_AND_ASSIGN(const AttemptEnd end, queue_.Fail("t", lease.token, status));
      final = end.final;
      clock_.Advance(policy_.longest_backoff);
    }
    EXPECT_EQ(attempts, expected) << status;
    EXPECT_FALSE(queue_.Contains("t"));
  }
}

TEST_F(TaskQueueTest, BackoffGrowsAndAHandBackCostsNothing) {
  queue_.Add("t", kDemand);
  absl::Duration before = absl::ZeroDuration();
  for (int attempt = 1; attempt < policy_.attempts; ++attempt) {
    ASSERT_OK(queue_.Return("t", LeaseOne("drains").token));
    ASSERT_OK(queue_.Fail("t", LeaseOne("w").token, absl::UnavailableError("x")).status());
    EXPECT_TRUE(queue_.LeaseFor(Offer("w"), 1).empty());
    const absl::Duration wait = queue_.Find("t")->not_before - clock_.Now();
    EXPECT_GT(wait, before);
    before = wait;
    clock_.Advance(wait);
  }
  ASSERT_OK_AND_ASSIGN(const AttemptEnd end, queue_.Fail("t", LeaseOne("w").token, absl::UnavailableError("x")));
  EXPECT_TRUE(end.final);
  EXPECT_EQ(end.attempts, policy_.attempts);
}

TEST_F(TaskQueueTest, ARemovedTaskIsNobodysAndALeaseSurvivesARestart) {
  queue_.Add("gone", kDemand);
  const Lease gone = LeaseOne("w");
  queue_.Remove("gone");
  EXPECT_THAT(queue_.Extend("gone", gone.token), StatusIs(absl::StatusCode::kAborted, ""));

  queue_.Add("kept", kDemand);
  const Lease kept = LeaseOne("w");
  TaskQueue next(policy_, clock_, [] { return 0.0; }, queue_.last_token());
  next.Add("kept", kDemand);
  next.Restore(kept);
  EXPECT_TRUE(next.LeaseFor(Offer("other"), 1).empty());
  EXPECT_OK(next.Complete("kept", kept.token));
}

TEST_F(TaskQueueTest, AHigherPriorityOvertakes) {
  queue_.Add("a", kDemand);
  queue_.Add("b", kDemand);
  TaskDemand urgent = kDemand;
  urgent.priority = 3;
  queue_.Add("b", urgent);
  EXPECT_EQ(LeaseOne("w").task_id, "b");
}

// 10,000 random steps against a model that knows only what must never happen: a task lost, published twice, held by two,
// or tried too often.
TEST(TaskQueueModel, TenThousandRandomSteps) {
  constexpr uint32_t kSeed = 20211101;
  SCOPED_TRACE(absl::StrCat("seed ", kSeed));
  std::mt19937 random(kSeed);
  FakeClock clock;
  const QueuePolicy policy{.lease = absl::Seconds(10), .attempts = 3, .longest_backoff = absl::Seconds(20)};
  const auto jitter = [&random] { return random() / 4294967296.0; };
  auto queue = std::make_unique<TaskQueue>(policy, clock, jitter);

  struct Model {
    enum { kOpen, kPublished, kFailed } state = kOpen;
    int attempts = 0;           // that must count
    int64_t token = 0;          // of the live lease, 0: none
    absl::Time expiry;
  };
  std::map<std::string, Model> model;
  std::vector<Lease> given;     // every lease ever given: stale ones come back too
  int64_t newest_token = 0;
  int published = 0, failed = 0, submitted = 0;

  const auto on_end = [&](const AttemptEnd& end) {
    Model& task = model.at(end.task_id);
    ++task.attempts;
    ASSERT_LE(task.attempts, policy.attempts);
    ASSERT_EQ(end.attempts, task.attempts);
    task.token = 0;
    if (end.final) task.state = Model::kFailed, ++failed;
  };
  const auto expire = [&] {
    for (auto& [id, task] : model) {
      if (task.token == 0 || task.expiry > clock.Now()) continue;
      ASSERT_EQ(queue->LeaseOf(id)->token, task.token);
    }
    for (const AttemptEnd& end : queue->ExpireLeases()) {
      ASSERT_LE(model.at(end.task_id).expiry, clock.Now());
      on_end(end);
    }
  };
  const auto lease = [&] {
    const std::string worker = absl::StrCat("w", random() % 5);
    for (const Lease& one : queue->LeaseFor(Offer(worker, 6, 1000), 1 + random() % 3)) {
      Model& task = model.at(one.task_id);
      ASSERT_EQ(task.state, Model::kOpen);
      ASSERT_EQ(task.token, 0) << "held by two";
      ASSERT_GT(one.token, newest_token);
      newest_token = task.token = one.token;
      task.expiry = one.expiry;
      given.push_back(one);
    }
  };
  const auto restart = [&] {
    std::vector<Lease> leases;
    auto next = std::make_unique<TaskQueue>(policy, clock, jitter, queue->last_token());
    for (const auto& [id, task] : model) {
      if (task.state != Model::kOpen) continue;
      next->Add(id, kDemand, task.attempts);
      if (const auto held = queue->LeaseOf(id)) next->Restore(*held);
    }
    queue = std::move(next);
  };

  for (int step = 0; step < 10000 && !::testing::Test::HasFatalFailure(); ++step) {
    const uint32_t choice = random() % 100;
    if (choice < 15) {
      const std::string id = absl::StrCat("task", submitted++);
      model[id] = {};
      queue->Add(id, kDemand);
    } else if (choice < 45) {
      lease();
    } else if (choice < 55) {
      clock.Advance(absl::Milliseconds(random() % 6000));
      expire();
    } else if (choice < 56) {
      restart();
    } else if (!given.empty()) {
      const Lease& one = given[given.size() - 1 - random() % std::min<size_t>(given.size(), 12)];
      Model& task = model.at(one.task_id);
      const bool is_live = task.token == one.token;
      if (choice < 70) {
        const auto extended = queue->Extend(one.task_id, one.token);
        ASSERT_EQ(extended.ok(), is_live);
        if (is_live) task.expiry = extended->expiry;
      } else if (choice < 85) {
        ASSERT_EQ(queue->Complete(one.task_id, one.token).ok(), is_live);
        if (is_live) task.state = Model::kPublished, task.token = 0, ++published;
      } else if (choice < 95) {
        const auto end = queue->Fail(one.task_id, one.token, absl::UnavailableError("away"));
        ASSERT_EQ(end.ok(), is_live);
        if (end.ok()) on_end(*end);
      } else {
        ASSERT_EQ(queue->Return(one.task_id, one.token).ok(), is_live);
        if (is_live) task.token = 0;
      }
    }
  }
  // Nothing is lost: what is left can be finished.
  for (int round = 0; round < 10000 && published + failed < submitted; ++round) {
    lease();
    for (auto& [id, task] : model) {
      if (task.token != 0 && queue->Complete(id, task.token).ok()) task.state = Model::kPublished, task.token = 0, ++published;
    }
    clock.Advance(absl::Seconds(1));
    expire();
  }
  EXPECT_EQ(published + failed, submitted);
  EXPECT_EQ(queue->size(), 0u);
  EXPECT_GT(published, 500);
  EXPECT_GT(failed, 10);
}

}  // namespace
}  // namespace arpent::coordinator
