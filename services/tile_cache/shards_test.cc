// Several shards with caches of their own over one storage, as a cluster has them, and clients that know all of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/remote_store.h"
#include "common/rpc/server.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"
#include "services/tile_cache/cache_service.h"
#include "services/tile_cache/gateway.h"

namespace arpent::tile_cache {
namespace {

using rpc::CacheShards;
using rpc::RemoteStore;
using testing::StatusIs;

// One shard that can die and come back at its address.
class Shard {
 public:
  explicit Shard(const std::string& folder, const std::string& options = "") {
    GatewayOptions gateway{.stores = {"output=file://" + folder + options}};
    gateway.cache.memory_bytes = 16 << 20;
    auto opened = Gateway::Open(gateway, metrics_, clock_);
    EXPECT_OK(opened.status());
    gateway_ = *std::move(opened);
    service_ = std::make_unique<CacheService>(gateway_->stores());
    Start();
  }
  void Start() {
    auto server = rpc::Server::Start({.listen = address_}, {service_.get()}, metrics_);
    EXPECT_OK(server.status());
    server_ = *std::move(server);
    address_ = server_->address();
  }
  void Kill() { server_.reset(); }
  const std::string& address() const { return address_; }
  std::string metrics() const { return metrics_.Text(); }

 private:
  SystemClock clock_;
  telemetry::Metrics metrics_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<CacheService> service_;
  std::string address_ = "127.0.0.1:0";
  std::unique_ptr<rpc::Server> server_;
};

class ShardsTest : public ::testing::Test {
 protected:
  ShardsTest() {
    for (int i = 0; i < 3; ++i) shards_.push_back(std::make_unique<Shard>(folder_.path()));
  }
  // As two clients may have been told of them: in any order.
  std::shared_ptr<const CacheShards> Known(bool reversed) {
    std::vector<CacheShards::Shard> list;
    for (size_t i = 0; i < shards_.size(); ++i) {
      // An own connection for each client.
      const rpc::ChannelOptions options{.max_message_bytes = (reversed ? 64 : 65) << 20};
      list.push_back({absl::StrCat("tile-cache-", i), *rpc::OpenChannel(shards_[i]->address(), options)});
    }
    if (reversed) std::reverse(list.begin(), list.end());
    return std::make_shared<CacheShards>(list);
  }
  RemoteStore Client(bool reversed = false) {
    return RemoteStore("output", Known(reversed), {.retry = {.give_up_after = absl::Seconds(60)}}, clock_);
  }
  // A path that the shard owns.
  std::string PathOf(size_t shard) {
    const auto known = Known(false);
    for (int i = 0;; ++i) {
      const std::string path = absl::StrCat("l2a/object-", i);
      if (known->ShardNameOf("output", path) == absl::StrCat("tile-cache-", shard)) return path;
    }
  }

  testing::TemporaryFolder folder_;
  SystemClock clock_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

TEST_F(ShardsTest, NobodyReadsAnOldVersionWhoeverWrote) {
  RemoteStore one = Client(), other = Client(/*reversed=*/true);
  for (int i = 0; i < 30; ++i) {
    const std::string path = absl::StrCat("crop-mask/object-", i);
    EXPECT_THAT(other.Stat(path), StatusIs(absl::StatusCode::kNotFound, path));
    for (const char* const version : {"first", "second", "third"}) {
      RemoteStore& writer = version[0] == 's' ? other : one;
      ASSERT_OK(storage::WriteAll(writer, path, version));
      for (RemoteStore* const reader : {&one, &other}) {
        ASSERT_OK_AND_ASSIGN(const std::string bytes, storage::ReadAll(*reader, path));
        EXPECT_EQ(bytes, version) << path;
      }
    }
    ASSERT_OK(other.Delete(path));
    EXPECT_THAT(one.Stat(path), StatusIs(absl::StatusCode::kNotFound, path));
    EXPECT_THAT(storage::ReadAll(one, path), StatusIs(absl::StatusCode::kNotFound, path));
  }
}

TEST_F(ShardsTest, AShardThatIsDownIsWaitedForAndTheOthersServe) {
  RemoteStore client = Client();
  const std::string lost = PathOf(1), kept = PathOf(2);
  ASSERT_OK(storage::WriteAll(client, lost, "lost"));
  ASSERT_OK(storage::WriteAll(client, kept, "kept"));
  shards_[1]->Kill();
  ASSERT_OK_AND_ASSIGN(const std::string others, storage::ReadAll(client, kept));
  EXPECT_EQ(others, "kept");
  std::atomic<bool> ended = false;
  absl::StatusOr<std::string> read;
  std::thread reader([&] {
    read = storage::ReadAll(client, lost);
    ended = true;
  });
  absl::SleepFor(absl::Milliseconds(700));
  EXPECT_FALSE(ended) << "nothing but its own shard may answer";
  shards_[1]->Start();
  reader.join();
  ASSERT_OK(read);
  EXPECT_EQ(*read, "lost");
}

TEST_F(ShardsTest, AStoreKeepsItsOwnRequestLimit) {
  Shard slow(folder_.path(), "?requests-per-second=5");
  RemoteStore client("output", std::make_shared<CacheShards>(std::vector<CacheShards::Shard>{
                                   {"slow", *rpc::OpenChannel(slow.address(), {})}}),
                     {}, clock_);
  const absl::Time begin = absl::Now();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(client.Stat(absl::StrCat("absent-", i)).ok());
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(800)) << "a burst of 5, then 5 a second";
}

TEST(GatewayOpen, TwoStoresOfABucketHaveOneSetOfOptions) {
  SystemClock clock;
  telemetry::Metrics metrics;
  GatewayOptions options{.stores = {"input=s3://bucket/l1c?endpoint=http://a&requests-at-once=4",
                                    "output=s3://bucket/products?endpoint=http://b"}};
  options.cache.memory_bytes = 1 << 20;
  EXPECT_THAT(Gateway::Open(options, metrics, clock).status(), StatusIs(absl::StatusCode::kInvalidArgument, "s3://bucket"));
}

}  // namespace
}  // namespace arpent::tile_cache
