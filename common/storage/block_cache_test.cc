#include "common/storage/block_cache.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "absl/synchronization/notification.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::storage {
namespace {

namespace fs = std::filesystem;
using testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The storage: one version's bytes, and what was asked of it.
struct Origin {
  std::string bytes;
  absl::Mutex mutex;
  std::vector<std::pair<int64_t, size_t>> requests;

  BlockCache::Fetch Fetch() {
    return [this](int64_t offset, size_t length, char* buffer) -> absl::StatusOr<size_t> {
      absl::MutexLock lock(&mutex);
      requests.emplace_back(offset, length);
      if (offset >= static_cast<int64_t>(bytes.size())) return 0;
      return bytes.copy(buffer, length, static_cast<size_t>(offset));
    };
  }
};

class BlockCacheTest : public ::testing::Test {
 protected:
  BlockCacheTest() {
    std::mt19937 random(5);
    for (int i = 0; i < 10500; ++i) origin_.bytes.push_back(static_cast<char>(random()));
  }
  void Open(const BlockCacheOptions& options) {
    cache_.reset();
    auto cache = BlockCache::Open(options, metrics_);
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }
  void ExpectRead(int64_t offset, size_t length) {
    std::string buffer(length, '?');
    ASSERT_OK_AND_ASSIGN(const size_t got, cache_->Read(version_, offset, length, buffer.data(), origin_.Fetch()));
    const size_t size = origin_.bytes.size();
    const std::string expected =
        offset >= static_cast<int64_t>(size) ? "" : origin_.bytes.substr(static_cast<size_t>(offset), length);
    ASSERT_EQ(got, expected.size());
    ASSERT_TRUE(buffer.substr(0, got) == expected) << offset << "+" << length;
  }
  double Requests(const std::string& result) {
    return metrics_.AddCounter("arpent_cache_requests_total", "", {"result"}).With({result}).Value();
  }

  testing::TemporaryFolder folder_;
  telemetry::Metrics metrics_;
  Origin origin_;
  const ObjectVersion version_{"input", "object", "etag-1"};
  std::unique_ptr<BlockCache> cache_;
};

TEST_F(BlockCacheTest, RandomReadsEqualTheObject) {
  for (const auto& [memory, disk] : std::vector<std::pair<int64_t, int64_t>>{{1 << 20, 0}, {3000, 0}, {0, 0}, {2500, 40000}}) {
    Open({.memory_bytes = memory, .disk_folder = disk > 0 ? folder_.path() : "", .disk_bytes = disk,
          .block_bytes = 1000, .blocks_per_fetch = 3});
    std::mt19937 random(7);
    for (int i = 0; i < 400; ++i) ExpectRead(static_cast<int64_t>(random() % 11000), random() % 5000);
  }
}

TEST_F(BlockCacheTest, NeighboursAreFetchedTogetherAndOnce) {
  Open({.block_bytes = 1000, .blocks_per_fetch = 4});
  ExpectRead(2100, 10);
  ExpectRead(500, 4000);  // blocks 0 to 4, of which 2 is there
  EXPECT_THAT(origin_.requests, ElementsAre(std::pair<int64_t, size_t>(2000, 1000), std::pair<int64_t, size_t>(0, 2000),
                                            std::pair<int64_t, size_t>(3000, 1000), std::pair<int64_t, size_t>(4000, 1000)));
  const size_t before = origin_.requests.size();
  ExpectRead(0, 5000);
  EXPECT_EQ(origin_.requests.size(), before);
  EXPECT_EQ(Requests("miss"), 5);
  EXPECT_EQ(Requests("hit_memory"), 6);
}

TEST_F(BlockCacheTest, ManyReadersCostOneRequest) {
  Open({.block_bytes = 1000});
  absl::Notification first_asks, go_on;
  std::atomic<int> fetches = 0;
  const auto slow = [&](int64_t offset, size_t length, char* buffer) -> absl::StatusOr<size_t> {
    if (++fetches == 1) first_asks.Notify();
    go_on.WaitForNotification();
    return origin_.bytes.copy(buffer, length, static_cast<size_t>(offset));
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 8; ++i) {
    readers.emplace_back([&] {
      std::string buffer(1000, '\0');
      EXPECT_EQ(*cache_->Read(version_, 3000, 1000, buffer.data(), slow), 1000u);
      EXPECT_EQ(buffer, origin_.bytes.substr(3000, 1000));
    });
  }
  first_asks.WaitForNotification();
  absl::SleepFor(absl::Milliseconds(50));
  go_on.Notify();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(fetches, 1);
}

TEST_F(BlockCacheTest, AnErrorIsNotKept) {
  Open({.block_bytes = 1000});
  char byte;
  const auto away = [](int64_t, size_t, char*) -> absl::StatusOr<size_t> { return absl::UnavailableError("away"); };
  EXPECT_THAT(cache_->Read(version_, 0, 1, &byte, away), StatusIs(absl::StatusCode::kUnavailable, "away"));
  ExpectRead(0, 1);
}

TEST_F(BlockCacheTest, VersionsAreDifferentObjects) {
  Open({.block_bytes = 1000});
  ExpectRead(0, 1000);
  Origin other;
  other.bytes = std::string(1000, 'n');
  std::string buffer(1000, '\0');
  EXPECT_OK(cache_->Read(ObjectVersion("input", "object", "etag-2"), 0, 1000, buffer.data(), other.Fetch()));
  EXPECT_EQ(buffer, other.bytes);
}

TEST_F(BlockCacheTest, MemoryIsBounded) {
  Open({.memory_bytes = 4000, .block_bytes = 1000});
  ExpectRead(0, 10500);
  EXPECT_THAT(metrics_.Text(), HasSubstr("arpent_cache_bytes{tier=\"memory\"} 3500"));  // three blocks and the short one
  EXPECT_THAT(metrics_.Text(), HasSubstr("arpent_cache_evictions_total{tier=\"memory\"} 7"));
}

TEST_F(BlockCacheTest, TheDiskServesAfterARestart) {
  const BlockCacheOptions options{.disk_folder = folder_.path(), .disk_bytes = 1 << 20, .block_bytes = 1000};
  Open(options);
  ExpectRead(0, 10500);
  cache_->Flush();
  Open(options);
  const size_t before = origin_.requests.size();
  ExpectRead(0, 10500);
  EXPECT_EQ(origin_.requests.size(), before);
  EXPECT_EQ(Requests("hit_disk"), 11);
}

TEST_F(BlockCacheTest, TheDiskIsBoundedAlsoAfterARestart) {
  BlockCacheOptions options{.memory_bytes = 0, .disk_folder = folder_.path(), .disk_bytes = 16384, .block_bytes = 1000};
  const auto files = [&] {
    int count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) count += entry.is_regular_file();
    return count;
  };
  Open(options);
  ExpectRead(0, 10500);
  cache_->Flush();
  EXPECT_EQ(files(), 4);  // of one file-system block each
  options.disk_bytes = 8192;
  Open(options);
  EXPECT_EQ(files(), 2);
}

// Every way in which a file can be wrong: cut short, one bit flipped anywhere, another block's bytes.
TEST_F(BlockCacheTest, DamagedBlocksAreMissesNeverData) {
  const BlockCacheOptions options{.memory_bytes = 0, .disk_folder = folder_.path(), .disk_bytes = 1 << 20, .block_bytes = 1000};
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    Open(options);
    ExpectRead(0, 10500);
    cache_->Flush();
    std::vector<fs::path> blocks;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file()) blocks.push_back(entry.path());
    }
    ASSERT_EQ(blocks.size(), 11u);
    const fs::path victim = blocks[random() % blocks.size()];
    const size_t size = fs::file_size(victim);
    if (round % 3 == 0) {
      fs::resize_file(victim, random() % size);
    } else if (round % 3 == 1) {
      std::fstream file(victim, std::ios::in | std::ios::out | std::ios::binary);
      const auto position = static_cast<std::streamoff>(random() % size);
      file.seekg(position);
      const char flipped = static_cast<char>(file.get() ^ (1 << random() % 8));
      file.seekp(position);
      file.put(flipped);
    } else {
      fs::copy_file(victim == blocks[0] ? blocks[1] : blocks[0], victim, fs::copy_options::overwrite_existing);
    }
    Open(options);
    ExpectRead(0, 10500);
  }
  EXPECT_GT(metrics_.AddCounter("arpent_cache_damaged_total", "", {"tier"}).With({"disk"}).Value(), 30);
}

TEST(SieveIndex, KeepsWhatIsAskedForAgain) {
  SieveIndex<int> index(10);
  for (uint64_t i = 0; i < 10; ++i) EXPECT_TRUE(index.Insert({i, i}, 1, static_cast<int>(i)).empty());
  ASSERT_NE(index.Find({3, 3}), nullptr);
  for (uint64_t i = 100; i < 109; ++i) EXPECT_EQ(index.Insert({i, i}, 1, 0).size(), 1u);  // a scan
  EXPECT_NE(index.Find({3, 3}), nullptr);
  EXPECT_EQ(index.total_weight(), 10);
}

// Against the obvious model: weights add up, the limit holds, what is found is what was put.
TEST(SieveIndex, KeepsItsBooks) {
  SieveIndex<uint64_t> index(1000);
  std::map<uint64_t, std::pair<int64_t, uint64_t>> model;
  std::mt19937_64 random(3);
  for (uint64_t step = 0; step < 20000; ++step) {
    const uint64_t key = random() % 60;
    if (random() % 5 == 0) {
      index.Remove({key, key});
      model.erase(key);
    } else if (random() % 2 == 0) {
      const int64_t weight = static_cast<int64_t>(random() % 120);
      model[key] = {weight, step};
      for (const auto& [id, value] : index.Insert({key, key}, weight, step)) model.erase(id.low);
    }
    const uint64_t* const found = index.Find({key, key});
    ASSERT_EQ(found != nullptr, model.count(key) == 1);
    if (found != nullptr) {
      ASSERT_EQ(*found, model[key].second);
    }
    int64_t total = 0;
    for (const auto& entry : model) total += entry.second.first;
    ASSERT_EQ(index.total_weight(), total);
    ASSERT_LE(total, 1000);
  }
}

}  // namespace
}  // namespace arpent::storage
