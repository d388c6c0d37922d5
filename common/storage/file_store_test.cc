#include "common/storage/file_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "common/telemetry/time_account.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::storage {
namespace {

namespace fs = std::filesystem;
using testing::StatusIs;

class FileStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_.File("store/real"));
    fs::create_directories(folder_.File("outside"));
    std::ofstream(folder_.File("store/real/object")) << "inside";
    std::ofstream(folder_.File("outside/secret")) << "secret";
    ASSERT_OK_AND_ASSIGN(store_, FileStore::Open(folder_.File("store")));
  }

  testing::TemporaryFolder folder_;
  std::shared_ptr<FileStore> store_;
};

TEST_F(FileStoreTest, FollowsLinksThatStayInside) {
  fs::create_symlink("real/object", folder_.File("store/relative"));
  fs::create_symlink(folder_.File("store/real"), folder_.File("store/absolute"));
  for (const char* path : {"relative", "absolute/object"}) {
    ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadAll(*store_, path));
    EXPECT_EQ(bytes, "inside");
  }
  ASSERT_OK_AND_ASSIGN(const auto objects, store_->List("", true));
  EXPECT_EQ(objects.size(), 3u);
  ASSERT_OK(WriteAll(*store_, "absolute/new", "x"));
  EXPECT_TRUE(fs::exists(folder_.File("store/real/new")));
}

TEST_F(FileStoreTest, RefusesLinksThatLeadOutside) {
  fs::create_symlink(folder_.File("outside/secret"), folder_.File("store/file"));
  fs::create_symlink(folder_.File("outside"), folder_.File("store/folder"));
  const auto refused = StatusIs(absl::StatusCode::kPermissionDenied, "outside of the store");
  char byte;
  EXPECT_THAT(store_->Stat("file"), refused);
  EXPECT_THAT(store_->Read("folder/secret", "", 0, 1, &byte), refused);
  EXPECT_THAT(store_->List("folder", false), refused);
  EXPECT_THAT(WriteAll(*store_, "folder/planted", "x"), refused);
  EXPECT_THAT(WriteAll(*store_, "folder/deep/planted", "x"), refused);
  EXPECT_THAT(store_->Delete("folder/secret"), refused);
  EXPECT_TRUE(fs::exists(folder_.File("outside/secret")));
  EXPECT_FALSE(fs::exists(folder_.File("outside/deep")));

  ASSERT_OK_AND_ASSIGN(const auto trusting, FileStore::Open(folder_.File("store"), {.follow_links_outside = true}));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadAll(*trusting, "folder/secret"));
  EXPECT_EQ(bytes, "secret");
}

TEST_F(FileStoreTest, ANeighbourWithTheRootAsPrefixIsOutside) {
  fs::create_directories(folder_.File("store-other"));
  fs::create_symlink(folder_.File("store-other"), folder_.File("store/link"));
  EXPECT_THAT(store_->Stat("link"), StatusIs(absl::StatusCode::kPermissionDenied, "outside"));
}

TEST_F(FileStoreTest, UnfinishedWritesAreInvisibleAndSwept) {
  absl::StatusOr<ObjectInfo> seen;
  ASSERT_OK(store_->Write("slow", 1, [&, sent = false](char* buffer, size_t) mutable -> absl::StatusOr<size_t> {
    if (std::exchange(sent, true)) return 0;
    const auto objects = store_->List("", true);
    EXPECT_EQ(objects->size(), 1u);  // only real/object
    EXPECT_EQ(store_->Stat("slow").status().code(), absl::StatusCode::kNotFound);
    *buffer = 'x';
    return 1;
  }));
  std::ofstream(folder_.File("store/.arpent-unfinished/left-over")) << "half";
  EXPECT_THAT(store_->Stat(".arpent-unfinished/left-over"), StatusIs(absl::StatusCode::kInvalidArgument, "unfinished"));
  ASSERT_OK_AND_ASSIGN(int removed, store_->SweepUnfinished(absl::Hours(24)));
  EXPECT_EQ(removed, 0);
  ASSERT_OK_AND_ASSIGN(removed, store_->SweepUnfinished(absl::ZeroDuration()));
  EXPECT_EQ(removed, 1);
}

TEST_F(FileStoreTest, SeesThatAFileWasReplacedByHand) {
  ASSERT_OK_AND_ASSIGN(const ObjectInfo before, store_->Stat("real/object"));
  fs::rename(folder_.File("store/real/object"), folder_.File("store/real/moved"));
  std::ofstream(folder_.File("store/real/object")) << "INSIDE";  // same size
  char byte;
  EXPECT_THAT(store_->Read("real/object", before.etag, 0, 1, &byte),
              StatusIs(absl::StatusCode::kFailedPrecondition, "real/object"));
}

TEST_F(FileStoreTest, APipeDoesNotHangItsReader) {
  ASSERT_EQ(mkfifo(folder_.File("store/pipe").c_str(), 0600), 0);
  EXPECT_THAT(store_->Stat("pipe"), StatusIs(absl::StatusCode::kNotFound, "pipe"));
  char byte;
  EXPECT_THAT(store_->Read("pipe", "", 0, 1, &byte), StatusIs(absl::StatusCode::kNotFound, "pipe"));
}

TEST_F(FileStoreTest, DeletersAndWritersOfOneFolderDoNotLoseObjects) {
  std::thread deleter([&] {
    for (int i = 0; i < 200; ++i) EXPECT_OK(store_->Delete("x/y/a"));
  });
  for (int i = 0; i < 50; ++i) {
    EXPECT_OK(WriteAll(*store_, "x/y/a", "a"));
    EXPECT_OK(WriteAll(*store_, "x/y/b" + std::to_string(i), "b"));
    EXPECT_OK(store_->Stat("x/y/b" + std::to_string(i)));
    if (i % 2 == 0) {
      EXPECT_OK(store_->Delete("x/y/b" + std::to_string(i)));
    }
  }
  deleter.join();
}

TEST_F(FileStoreTest, AccountsBytesToTheTask) {
  telemetry::TimeAccount account;
  {
    ScopedTaskContext scope(&account);
    ASSERT_OK(WriteAll(*store_, "counted", "12345"));
    ASSERT_OK(ReadAll(*store_, "real/object"));
  }
  EXPECT_EQ(account.bytes_written(), 5);
  EXPECT_EQ(account.bytes_read(), 6);
}

TEST(FileStoreOpen, NamesAMissingFolder) {
  EXPECT_THAT(FileStore::Open("/no/such/folder"), StatusIs(absl::StatusCode::kNotFound, "/no/such/folder"));
}

}  // namespace
}  // namespace arpent::storage
