#include "common/rpc/retry.h"

#include <gtest/gtest.h>

#include "common/testing/fake_clock.h"
#include "common/testing/status_matchers.h"

namespace arpent::rpc {
namespace {

using testing::StatusIs;

double Longest() { return 1; }
bool NotCancelled() { return false; }

TEST(CallWithRetry, WaitsLongerEachTimeUntilItWorks) {
  testing::FakeClock clock;
  const absl::Time begin = clock.Now();
  int calls = 0;
  EXPECT_OK(CallWithRetry({.first_delay = absl::Seconds(1), .longest_delay = absl::Seconds(3)}, clock, Longest,
                          NotCancelled, [&] { return ++calls < 5 ? absl::UnavailableError("away") : absl::OkStatus(); }));
  EXPECT_EQ(calls, 5);
  EXPECT_EQ(clock.Now() - begin, absl::Seconds(1 + 2 + 3 + 3));
}

TEST(CallWithRetry, JitterKeepsAtLeastHalfTheDelay) {
  testing::FakeClock clock;
  const absl::Time begin = clock.Now();
  int calls = 0;
  EXPECT_OK(CallWithRetry({.first_delay = absl::Seconds(4)}, clock, [] { return 0.0; }, NotCancelled,
                          [&] { return ++calls < 2 ? absl::ResourceExhaustedError("full") : absl::OkStatus(); }));
  EXPECT_EQ(clock.Now() - begin, absl::Seconds(2));
}

TEST(CallWithRetry, WhatIsNotTransientIsFinal) {
  testing::FakeClock clock;
  for (const auto code : {absl::StatusCode::kNotFound, absl::StatusCode::kDeadlineExceeded, absl::StatusCode::kDataLoss,
                          absl::StatusCode::kAborted, absl::StatusCode::kInternal}) {
    int calls = 0;
    EXPECT_THAT(CallWithRetry({}, clock, Longest, NotCancelled,
                              [&] {
                                ++calls;
                                return absl::Status(code, "final");
                              }),
                StatusIs(code, "final"));
    EXPECT_EQ(calls, 1);
  }
}

TEST(CallWithRetry, GivesUpWithTheLastError) {
  testing::FakeClock clock;
  const absl::Time begin = clock.Now();
  EXPECT_THAT(CallWithRetry({.give_up_after = absl::Seconds(20)}, clock, Longest, NotCancelled,
                            [] { return absl::UnavailableError("still away"); }),
              StatusIs(absl::StatusCode::kUnavailable, "still away"));
  EXPECT_LE(clock.Now() - begin, absl::Seconds(20));
}

TEST(CallWithRetry, ACancelledCallerStopsWaiting) {
  testing::FakeClock clock;
  const absl::Time begin = clock.Now();
  const auto cancelled = [&] { return clock.Now() - begin > absl::Seconds(1); };
  EXPECT_THAT(CallWithRetry({.first_delay = absl::Hours(1), .longest_delay = absl::Hours(1),
                             .give_up_after = absl::Hours(9)},
                            clock, Longest, cancelled, [] { return absl::UnavailableError("away"); }),
              StatusIs(absl::StatusCode::kUnavailable, "away"));
  EXPECT_LE(clock.Now() - begin, absl::Seconds(2));
}

}  // namespace
}  // namespace arpent::rpc
