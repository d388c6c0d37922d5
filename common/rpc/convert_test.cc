#include "common/rpc/convert.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "common/testing/status_matchers.h"

namespace arpent::rpc {
namespace {

using testing::StatusIs;

stages::TaskSpec ExampleSpec() {
  stages::TaskSpec spec{.stage = "composite",
                        .algorithm_version = 3,
                        .tile = "33TVL",
                        .period = "2021-06",
                        .site = "site",
                        .season = "2021",
                        .stratum = "all",
                        .degraded = true};
  spec.parameters.Set("method", "weighted-average");
  spec.parameters.Set("half_window_days", 25);
  spec.inputs = {{"l2a", "k2", "output:/l2a/b"}, {"l2a", "k1", "output:/l2a/a"}};
  return spec;
}

TEST(Convert, ATaskKeepsItsKey) {
  const stages::TaskSpec spec = ExampleSpec();
  worker::v1::Task task;
  SetSpec(spec, &task);
  ASSERT_OK_AND_ASSIGN(const stages::TaskSpec back, SpecOf(task));
  EXPECT_EQ(back.Key(), spec.Key());
  EXPECT_EQ(back.inputs[0].uri, "output:/l2a/b");  // their order is part of the key
  EXPECT_TRUE(back.degraded);
  EXPECT_EQ(UnitOf(back), "2021-06");
}

TEST(Convert, AGarbledTaskIsRefused) {
  worker::v1::Task task;
  task.set_task_id("t7");
  EXPECT_THAT(SpecOf(task), StatusIs(absl::StatusCode::kInvalidArgument, "t7"));
  SetSpec(ExampleSpec(), &task);
  *task.add_parameters() = task.parameters(0);
  EXPECT_THAT(SpecOf(task), StatusIs(absl::StatusCode::kInvalidArgument, "parameters"));
}

TEST(Convert, AResultSurvivesTheWay) {
  stages::TaskResult result;
  result.product = {.uri = "output:/l2a/x", .key = "abc", .numbers = {{"eo:cloud_cover", 12.5}}, .degraded = true};
  result.product.assets = {{"B02", "B02.tif", 123, "sha", "pixels"}};
  result.listing.scenes = {{.uri = "input:/s", .kind = "sentinel2-l1c", .tile = "33TVL",
                            .sensing_start = absl::FromUnixMillis(1436608808123), .cloud_percent = 3, .west_deg = -1}};
  result.listing.rejected = {{"input:/error.SAFE", absl::InvalidArgumentError("no product")}};
  result.pixels = 99;
  result.area_km2 = 1.5;
  worker::v1::TaskOutcome outcome, again;
  SetResult(ExampleSpec(), result, &outcome);
  ASSERT_OK_AND_ASSIGN(const stages::TaskResult back, ResultOf(outcome));
  SetResult(ExampleSpec(), back, &again);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(outcome, again));
  EXPECT_EQ(back.product.assets[0].pixel_digest, "pixels");
  EXPECT_EQ(back.listing.scenes[0].sensing_start, result.listing.scenes[0].sensing_start);
  EXPECT_EQ(back.listing.rejected[0].status, result.listing.rejected[0].status);
}

TEST(Convert, ASkipKeepsItsReason) {
  stages::TaskResult result;
  result.outcome = stages::TaskResult::Outcome::kSkipped;
  result.skip_reason = "cloudy";
  worker::v1::TaskOutcome outcome;
  SetResult(ExampleSpec(), result, &outcome);
  ASSERT_OK_AND_ASSIGN(const stages::TaskResult back, ResultOf(outcome));
  EXPECT_EQ(back.outcome, stages::TaskResult::Outcome::kSkipped);
  EXPECT_EQ(back.skip_reason, "cloudy");
  outcome.mutable_failed();
  EXPECT_THAT(ResultOf(outcome), StatusIs(absl::StatusCode::kInvalidArgument, "outcome"));
}

TEST(Convert, TimesBeforeTheEpochKeepTheirNanoseconds) {
  for (const absl::Time time : {absl::FromUnixNanos(-1), absl::FromUnixNanos(1623225330123456789), absl::UnixEpoch()}) {
    const google::protobuf::Timestamp proto = ToProto(time);
    EXPECT_GE(proto.nanos(), 0);
    EXPECT_EQ(FromProto(proto), time);
  }
  EXPECT_EQ(FromProto(ToProto(absl::Milliseconds(1500))), absl::Milliseconds(1500));
}

TEST(Convert, TimesByKind) {
  telemetry::TaskTimes times;
  times[telemetry::TimeKind::kCacheWait] = absl::Seconds(2);
  worker::v1::TaskUsage usage;
  SetTimes(times, &usage);
  EXPECT_EQ(usage.time_seconds().at("cache_wait"), 2);
  EXPECT_EQ(TimesOf(usage)[telemetry::TimeKind::kCacheWait], absl::Seconds(2));
}

}  // namespace
}  // namespace arpent::rpc
