// S3Store against a real S3-compatible server (OpenStack Swift). ARPENT_TEST_S3 names a running one, as printed by
// tests/tools/s3_server start; otherwise the test starts its own, which needs root.
#include "common/storage/s3_store.h"

#include <cpl_conv.h>
#include <cpl_vsi.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/storage/block_cache.h"
#include "common/storage/caching_store.h"
#include "common/storage/object_store_contract.h"
#include "common/storage/open_store.h"

namespace arpent::storage {
namespace {

using testing::StatusIs;

class S3Server : public ::testing::Environment {
 public:
  void SetUp() override {
    if (const char* const running = std::getenv("ARPENT_TEST_S3")) {
      endpoint_ = running;
    } else if (geteuid() == 0) {
      folder_ = std::make_unique<testing::TemporaryFolder>();
      const std::string command = absl::StrCat(ARPENT_S3_SERVER, " start ", folder_->path(), " 18580 > ",
                                               folder_->File("environment"), " 2> ", folder_->File("errors"));
      if (std::system(command.c_str()) == 0) endpoint_ = "http://127.0.0.1:18580";
    }
    if (endpoint_.empty()) return;
    std::ofstream(credentials_.File("credentials"))
        << "[default]\naws_access_key_id = arpent:admin\naws_secret_access_key = test-secret\n";
    std::ofstream(credentials_.File("wrong")) << "aws_access_key_id=arpent:admin\naws_secret_access_key=guessed\n";
  }
  void TearDown() override {
    if (folder_ != nullptr) (void)std::system(absl::StrCat(ARPENT_S3_SERVER, " stop ", folder_->path()).c_str());
  }

  bool up() const { return !endpoint_.empty(); }
  // A bucket or prefix that nobody else uses.
  std::string Uri(const std::string& place, const std::string& credentials = "credentials") const {
    return absl::StrCat("s3://", place, "?endpoint=", endpoint_, "&path-style=true&region=us-east-1&credentials=",
                        credentials_.File(credentials));
  }
  std::string NewBucket() {
    const std::string bucket = absl::StrCat("arpent-test-", getpid(), "-", counter_++);
    EXPECT_OK(OpenStore(Uri(bucket)));  // sets the credentials by which the bucket is made
    EXPECT_EQ(VSIMkdir(("/vsis3/" + bucket).c_str(), 0755), 0);
    return bucket;
  }

 private:
  std::string endpoint_;
  std::unique_ptr<testing::TemporaryFolder> folder_;
  testing::TemporaryFolder credentials_;
  std::atomic<int> counter_ = 0;
};

S3Server* const server = static_cast<S3Server*>(::testing::AddGlobalTestEnvironment(new S3Server));

#define ARPENT_REQUIRE_S3() \
  if (!server->up()) GTEST_SKIP() << "SKIPPED: no S3 server (needs root and Debian's swift packages, or ARPENT_TEST_S3)"

std::shared_ptr<ObjectStore> MakeBucket(const std::string&) {
  if (!server->up()) return nullptr;
  return *OpenStore(server->Uri(server->NewBucket()));
}
std::shared_ptr<ObjectStore> MakePrefix(const std::string&) {
  if (!server->up()) return nullptr;
  return *OpenStore(server->Uri(server->NewBucket() + "/deep/prefix"));
}
std::shared_ptr<ObjectStore> MakeCachedBucket(const std::string& folder) {
  if (!server->up()) return nullptr;
  struct Cached {
    SystemClock clock;
    telemetry::Metrics metrics;
    std::unique_ptr<BlockCache> cache;
    std::unique_ptr<CachingStore> store;
  };
  auto cached = std::make_shared<Cached>();
  cached->cache = *BlockCache::Open({.disk_folder = folder, .disk_bytes = 1 << 30}, cached->metrics);
  cached->store = std::make_unique<CachingStore>("s3", MakeBucket(""), *cached->cache, CachingStore::Options(), cached->clock);
  return {cached, cached->store.get()};
}

class S3Test : public ::testing::Test {
 protected:
  void SetUp() override {
    ARPENT_REQUIRE_S3();
    bucket_ = server->NewBucket();
    ASSERT_OK_AND_ASSIGN(store_, OpenStore(server->Uri(bucket_)));
  }
  std::string bucket_;
  std::shared_ptr<ObjectStore> store_;
};

TEST_F(S3Test, WrongCredentialsArePermissionDenied) {
  ASSERT_OK(WriteAll(*store_, "object", "x"));
  ASSERT_OK_AND_ASSIGN(const auto refused, OpenStore(server->Uri(bucket_, "wrong")));
  const auto denied = StatusIs(absl::StatusCode::kPermissionDenied, "");
  char byte;
  EXPECT_THAT(refused->Stat("object"), denied);
  EXPECT_THAT(refused->List("", false), denied);
  EXPECT_THAT(refused->Read("object", "", 0, 1, &byte), denied);
  EXPECT_THAT(WriteAll(*refused, "object", "x"), denied);
}

TEST_F(S3Test, AServiceThatIsAwayIsUnavailable) {
  ASSERT_OK_AND_ASSIGN(const auto away, OpenStore("s3://nowhere?endpoint=http://127.0.0.1:9&path-style=true&anonymous=true"));
  CPLSetThreadLocalConfigOption("GDAL_HTTP_MAX_RETRY", "0");
  char byte;
  EXPECT_THAT(away->Stat("object"), StatusIs(absl::StatusCode::kUnavailable, ""));
  EXPECT_THAT(away->Read("object", "", 0, 1, &byte), StatusIs(absl::StatusCode::kUnavailable, ""));
  EXPECT_THAT(WriteAll(*away, "object", "x"), StatusIs(absl::StatusCode::kUnavailable, ""));
  CPLSetThreadLocalConfigOption("GDAL_HTTP_MAX_RETRY", nullptr);
}

TEST_F(S3Test, ListsMoreThanOnePage) {
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 8; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = writer; i < 1100; i += 8) EXPECT_OK(WriteAll(*store_, absl::StrCat("many/", 10000 + i), "x"));
    });
  }
  for (std::thread& writer : writers) writer.join();
  ASSERT_OK_AND_ASSIGN(const auto objects, store_->List("many", false));
  EXPECT_EQ(objects.size(), 1100u);
}

// 60 MB go up in parts.
TEST_F(S3Test, LargeObjectsGoUpInParts) {
  std::string bytes(60 << 20, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + (i >> 12));
  ASSERT_OK(WriteAll(*store_, "large", bytes));
  ASSERT_OK_AND_ASSIGN(const std::string back, ReadAll(*store_, "large"));
  EXPECT_TRUE(back == bytes);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(S3, ObjectStoreContract, ::testing::Values(StoreMaker(&MakeBucket)));
INSTANTIATE_TEST_SUITE_P(S3Prefix, ObjectStoreContract, ::testing::Values(StoreMaker(&MakePrefix)));
INSTANTIATE_TEST_SUITE_P(S3Cached, ObjectStoreContract, ::testing::Values(StoreMaker(&MakeCachedBucket)));

}  // namespace arpent::storage
