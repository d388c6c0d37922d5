#include <gtest/gtest.h>

#include <thread>

#include "absl/synchronization/notification.h"
#include "common/storage/caching_store.h"
#include "common/storage/file_store.h"
#include "common/storage/limited_store.h"
#include "common/storage/measured_store.h"
#include "common/testing/fake_clock.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::storage {
namespace {

using testing::StatusIs;
using ::testing::HasSubstr;

class Decorators : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder_;
  testing::FakeClock clock_;
  telemetry::Metrics metrics_;
  std::shared_ptr<ObjectStore> files_ = *FileStore::Open(folder_.path());
  std::shared_ptr<ObjectStore> measured_ = std::make_shared<MeasuredStore>("input", files_, metrics_);
  std::unique_ptr<BlockCache> cache_ = *BlockCache::Open({}, metrics_);
  CachingStore caching_{"input", measured_, *cache_, {}, clock_};

  double Asked(const std::string& operation, const std::string& code) {
    return metrics_.AddCounter("arpent_storage_requests_total", "", {"store", "operation", "code"})
        .With({"input", operation, code})
        .Value();
  }
};

TEST_F(Decorators, CountsRequestsBytesAndCodes) {
  ASSERT_OK(WriteAll(*measured_, "a", "12345"));
  ASSERT_OK(ReadAll(*measured_, "a"));
  EXPECT_FALSE(measured_->Stat("none").ok());
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, HasSubstr("arpent_storage_bytes_total{operation=\"write\",store=\"input\"} 5"));
  EXPECT_THAT(text, HasSubstr("arpent_storage_bytes_total{operation=\"read\",store=\"input\"} 5"));
  EXPECT_THAT(text, HasSubstr("arpent_storage_requests_total{code=\"NOT_FOUND\",operation=\"stat\",store=\"input\"} 1"));
  EXPECT_THAT(text, HasSubstr("arpent_storage_request_duration_seconds_count{operation=\"stat\",store=\"input\"} 2"));
}

TEST_F(Decorators, WhatWasWrittenIsReadFromTheCache) {
  const std::string bytes(5000000, 'w');
  ASSERT_OK(WriteAll(caching_, "product", bytes));
  ASSERT_OK_AND_ASSIGN(const std::string back, ReadAll(caching_, "product"));
  EXPECT_TRUE(back == bytes);
  EXPECT_EQ(Asked("read", "OK"), 0);
}

TEST_F(Decorators, AbsenceIsRememberedBriefly) {
  EXPECT_FALSE(caching_.Stat("late").ok());
  ASSERT_OK(WriteAll(*files_, "late", "x"));  // behind our back
  EXPECT_FALSE(caching_.Stat("late").ok());
  EXPECT_EQ(Asked("stat", "NOT_FOUND"), 1);
  clock_.Advance(absl::Milliseconds(1100));
  EXPECT_OK(caching_.Stat("late"));
}

TEST_F(Decorators, AChangeBehindOurBackIsSeenSoonAndNeverMixed) {
  ASSERT_OK(WriteAll(*files_, "object", std::string(100, 'a')));
  ASSERT_OK_AND_ASSIGN(std::string bytes, ReadAll(caching_, "object"));
  ASSERT_OK(WriteAll(*files_, "object", std::string(3000000, 'b')));
  char buffer[200];
  // Still the old version as a whole, out of the cache.
  ASSERT_OK_AND_ASSIGN(const size_t got, caching_.Read("object", "", 0, sizeof(buffer), buffer));
  EXPECT_EQ(std::string(buffer, got), std::string(100, 'a'));
  clock_.Advance(absl::Seconds(3));
  ASSERT_OK_AND_ASSIGN(bytes, ReadAll(caching_, "object"));
  EXPECT_EQ(bytes, std::string(3000000, 'b'));
}

TEST_F(Decorators, AReplacedVersionIsFoundOutByItsReader) {
  ASSERT_OK(WriteAll(*files_, "object", std::string(100, 'a')));
  ASSERT_OK(caching_.Stat("object"));
  ASSERT_OK(WriteAll(*files_, "object", std::string(100, 'b')));
  char buffer[100];
  // Nothing was cached: the stale stat is noticed at the storage and asked anew.
  ASSERT_OK_AND_ASSIGN(const size_t got, caching_.Read("object", "", 0, sizeof(buffer), buffer));
  EXPECT_EQ(std::string(buffer, got), std::string(100, 'b'));
}

TEST_F(Decorators, AWriteMakesItsFoldersKnown) {
  EXPECT_FALSE(caching_.Stat("a/b").ok());
  ASSERT_OK(WriteAll(caching_, "a/b/c", "x"));
  EXPECT_OK(caching_.Stat("a/b"));
  ASSERT_OK(caching_.Delete("a/b/c"));
  EXPECT_FALSE(caching_.Stat("a/b").ok());
}

TEST_F(Decorators, TooManyAtOnceAreAskedToComeBack) {
  LimitedStore limited("input", files_, {.at_once = 1, .longest_wait = absl::Milliseconds(20)}, clock_);
  absl::Notification inside, leave;
  std::thread writer([&] {
    EXPECT_OK(limited.Write("a", 0, [&](char*, size_t) -> absl::StatusOr<size_t> {
      inside.Notify();
      leave.WaitForNotification();
      return 0;
    }));
  });
  inside.WaitForNotification();
  EXPECT_THAT(limited.Stat("a"), StatusIs(absl::StatusCode::kResourceExhausted, "input"));
  leave.Notify();
  writer.join();
  EXPECT_OK(limited.Stat("a"));
}

TEST_F(Decorators, RequestsASecondAreKept) {
  LimitedStore limited("input", files_, {.per_second = 10, .longest_wait = absl::Seconds(1)}, clock_);
  const absl::Time begin = clock_.Now();
  for (int i = 0; i < 60; ++i) EXPECT_THAT(limited.Stat("none"), StatusIs(absl::StatusCode::kNotFound, ""));
  const absl::Duration took = clock_.Now() - begin;  // 10 at once, then 10 a second
  EXPECT_GE(took, absl::Seconds(4.9));
  EXPECT_LE(took, absl::Seconds(5.2));
}

}  // namespace
}  // namespace arpent::storage
