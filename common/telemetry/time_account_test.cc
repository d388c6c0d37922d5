#include "common/telemetry/time_account.h"

#include <gtest/gtest.h>

#include <thread>

#include "common/base/parallel.h"

namespace arpent::telemetry {
namespace {

TEST(TimeAccount, KindsAreDisjointAndAWaitIsAWait) {
  TimeAccount account;
  {
    ScopedTaskContext scope(&account);
    ScopedWait outer(TimeKind::kCacheWait);
    ScopedWait inner(TimeKind::kStorageWait);  // inside another wait: not counted twice
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  const TaskTimes times = account.Times();
  EXPECT_GE(times[TimeKind::kCacheWait], absl::Milliseconds(25));
  EXPECT_EQ(times[TimeKind::kStorageWait], absl::ZeroDuration());
  EXPECT_LT(times[TimeKind::kOther], absl::Milliseconds(10));
}

TEST(TimeAccount, FollowsTheTaskIntoItsThreads) {
  TimeAccount account;
  {
    ScopedTaskContext scope(&account);
    (void)ParallelFor(4, 2, [](size_t) {
      EXPECT_NE(CurrentTimeAccount(), nullptr);
      return absl::OkStatus();
    });
  }
  EXPECT_EQ(CurrentTimeAccount(), nullptr);
}

}  // namespace
}  // namespace arpent::telemetry
