// What every ObjectStore promises, as tests. A test program includes this once and instantiates it for each
// implementation and decorator:
//   INSTANTIATE_TEST_SUITE_P(File, ObjectStoreContract, ::testing::Values(StoreMaker(&MakeFileStore)));
#ifndef ARPENT_COMMON_STORAGE_OBJECT_STORE_CONTRACT_H_
#define ARPENT_COMMON_STORAGE_OBJECT_STORE_CONTRACT_H_

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/storage/object_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::storage {

// Makes an empty store; `folder` is the test's own. Null where what it needs is absent: the tests are skipped, loudly.
using StoreMaker = std::function<std::shared_ptr<ObjectStore>(const std::string& folder)>;

class ObjectStoreContract : public ::testing::TestWithParam<StoreMaker> {
 protected:
  void SetUp() override {
    store_ = GetParam()(folder_.path());
    if (store_ == nullptr) GTEST_SKIP() << "SKIPPED: this kind of store is not to be had here";
  }

  std::vector<std::string> Paths(const std::string& prefix, bool recursive) {
    const auto objects = store_->List(prefix, recursive);
    EXPECT_OK(objects);
    std::vector<std::string> paths;
    if (objects.ok()) {
      for (const ObjectInfo& object : *objects) paths.push_back(object.path + (object.is_folder ? "/" : ""));
    }
    return paths;
  }

  // A pattern whose every byte tells its place.
  static std::string Pattern(size_t length, unsigned seed) {
    std::string bytes(length, '\0');
    uint64_t state = seed * 2654435761u + 1;
    for (char& byte : bytes) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<char>(state >> 56);
    }
    return bytes;
  }

  testing::TemporaryFolder folder_;
  std::shared_ptr<ObjectStore> store_;
};

TEST_P(ObjectStoreContract, GivesBackWhatWasWritten) {
  for (const size_t length : {size_t{0}, size_t{1}, size_t{4096}, size_t{3} << 20}) {
    const std::string path = "a/b/object-" + std::to_string(length);
    const std::string bytes = Pattern(length, static_cast<unsigned>(length));
    ASSERT_OK(WriteAll(*store_, path, bytes));
    ASSERT_OK_AND_ASSIGN(const ObjectInfo info, store_->Stat(path));
    EXPECT_EQ(info.path, path);
    EXPECT_EQ(info.size_bytes, static_cast<int64_t>(length));
    EXPECT_FALSE(info.is_folder);
    EXPECT_FALSE(info.etag.empty());
    ASSERT_OK_AND_ASSIGN(const std::string back, ReadAll(*store_, path));
    EXPECT_TRUE(back == bytes);
  }
}

TEST_P(ObjectStoreContract, WriteTellsTheNewVersion) {
  size_t left = 5;
  ASSERT_OK_AND_ASSIGN(const ObjectInfo written,
                       store_->Write("w", 5, [&](char* buffer, size_t capacity) -> absl::StatusOr<size_t> {
                         if (left == 0) return 0;
                         *buffer = static_cast<char>('a' + left--);  // one byte at a time
                         return 1;
                       }));
  ASSERT_OK_AND_ASSIGN(const ObjectInfo info, store_->Stat("w"));
  EXPECT_EQ(written.etag, info.etag);
  EXPECT_EQ(written.size_bytes, 5);
  ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadAll(*store_, "w"));
  EXPECT_EQ(bytes, "fedcb");
}

TEST_P(ObjectStoreContract, ReadsRanges) {
  const std::string bytes = Pattern(size_t{5} << 20, 7);
  ASSERT_OK(WriteAll(*store_, "ranges", bytes));
  ASSERT_OK_AND_ASSIGN(const ObjectInfo info, store_->Stat("ranges"));
  struct Range {
    int64_t offset;
    size_t length;
  };
  const int64_t size = static_cast<int64_t>(bytes.size());
  for (const Range range : {Range{0, 1}, Range{1, 4095}, Range{1048575, 2}, Range{1048576, 1048576}, Range{3, 4 << 20},
                            Range{size - 10, 100}, Range{size, 10}, Range{size + 5, 10}, Range{17, 0}}) {
    std::string buffer(range.length, '?');
    ASSERT_OK_AND_ASSIGN(const size_t got,
                         store_->Read("ranges", info.etag, range.offset, range.length, buffer.data()));
    const std::string expected =
        range.offset >= size ? "" : bytes.substr(static_cast<size_t>(range.offset), range.length);
    ASSERT_EQ(got, expected.size()) << range.offset << "+" << range.length;
    EXPECT_TRUE(buffer.substr(0, got) == expected) << range.offset << "+" << range.length;
  }
}

TEST_P(ObjectStoreContract, NeverMixesTwoVersions) {
  ASSERT_OK(WriteAll(*store_, "versions", Pattern(2 << 20, 1)));
  ASSERT_OK_AND_ASSIGN(const ObjectInfo first, store_->Stat("versions"));
  std::string buffer(100, '\0');
  ASSERT_OK(store_->Read("versions", first.etag, 0, 100, buffer.data()));
  ASSERT_OK(WriteAll(*store_, "versions", Pattern(2 << 20, 2)));
  const auto old = store_->Read("versions", first.etag, 1 << 20, 100, buffer.data());
  if (old.ok()) {
    EXPECT_TRUE(buffer == Pattern(2 << 20, 1).substr(1 << 20, 100)) << "a cache may still have the old version, only that";
  } else {
    EXPECT_THAT(old, testing::StatusIs(absl::StatusCode::kFailedPrecondition, "versions"));
  }
  ASSERT_OK_AND_ASSIGN(const ObjectInfo second, store_->Stat("versions"));
  EXPECT_NE(first.etag, second.etag);
  ASSERT_OK(store_->Read("versions", second.etag, 1 << 20, 100, buffer.data()));
  EXPECT_TRUE(buffer == Pattern(2 << 20, 2).substr(1 << 20, 100));
}

TEST_P(ObjectStoreContract, NamesWhatIsMissing) {
  char byte;
  EXPECT_THAT(store_->Stat("no/such"), testing::StatusIs(absl::StatusCode::kNotFound, "no/such"));
  EXPECT_THAT(store_->Read("no/such", "", 0, 1, &byte), testing::StatusIs(absl::StatusCode::kNotFound, "no/such"));
  EXPECT_THAT(store_->List("no/such", false), testing::StatusIs(absl::StatusCode::kNotFound, "no/such"));
  EXPECT_THAT(store_->List("no/such", true), testing::StatusIs(absl::StatusCode::kNotFound, "no/such"));
  ASSERT_OK(WriteAll(*store_, "file", "x"));
  EXPECT_THAT(store_->Stat("file/below"), testing::StatusIs(absl::StatusCode::kNotFound, "file/below"));
}

TEST_P(ObjectStoreContract, AnObjectAppearsAfterItsAbsenceWasSeen) {
  EXPECT_THAT(store_->Stat("late"), testing::StatusIs(absl::StatusCode::kNotFound, "late"));
  ASSERT_OK(WriteAll(*store_, "late", "now"));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadAll(*store_, "late"));
  EXPECT_EQ(bytes, "now");
}

TEST_P(ObjectStoreContract, Lists) {
  EXPECT_EQ(Paths("", true), std::vector<std::string>{});
  for (const char* path : {"b/2", "b/1", "a", "b/c/3", "bb/4", "b/c/d/5"}) ASSERT_OK(WriteAll(*store_, path, path));
  using Names = std::vector<std::string>;
  EXPECT_EQ(Paths("", false), (Names{"a", "b/", "bb/"}));
  EXPECT_EQ(Paths("b", false), (Names{"b/1", "b/2", "b/c/"}));
  EXPECT_EQ(Paths("b/", true), (Names{"b/1", "b/2", "b/c/3", "b/c/d/5"}));
  EXPECT_EQ(Paths("", true), (Names{"a", "b/1", "b/2", "b/c/3", "b/c/d/5", "bb/4"}));
  ASSERT_OK_AND_ASSIGN(const ObjectInfo folder, store_->Stat("b/c"));
  EXPECT_TRUE(folder.is_folder);
  ASSERT_OK_AND_ASSIGN(const std::vector<ObjectInfo> objects, store_->List("b", false));
  ASSERT_OK_AND_ASSIGN(const ObjectInfo first, store_->Stat("b/1"));
  EXPECT_EQ(objects[0].etag, first.etag);
  EXPECT_EQ(objects[0].size_bytes, 3);
}

TEST_P(ObjectStoreContract, DeletesAndForgets) {
  ASSERT_OK(WriteAll(*store_, "d/e/object", "bytes"));
  ASSERT_OK_AND_ASSIGN(const ObjectInfo info, store_->Stat("d/e/object"));
  ASSERT_OK(ReadAll(*store_, "d/e/object"));
  ASSERT_OK(store_->Delete("d/e/object"));
  EXPECT_OK(store_->Delete("d/e/object"));
  EXPECT_OK(store_->Delete("never/was"));
  EXPECT_THAT(store_->Stat("d/e/object"), testing::StatusIs(absl::StatusCode::kNotFound, "object"));
  EXPECT_THAT(store_->List("d", true), testing::StatusIs(absl::StatusCode::kNotFound, "d"));
}

TEST_P(ObjectStoreContract, RefusesPathsThatLeaveTheStore) {
  for (const char* path : {"../x", "a/../../x", "a/./b", "a//b", ".."}) {
    char byte;
    const auto refused = testing::StatusIs(absl::StatusCode::kInvalidArgument, "");
    EXPECT_THAT(store_->Stat(path), refused) << path;
    EXPECT_THAT(store_->Read(path, "", 0, 1, &byte), refused) << path;
    EXPECT_THAT(store_->List(path, false), refused) << path;
    EXPECT_THAT(WriteAll(*store_, path, "x"), refused) << path;
    EXPECT_THAT(store_->Delete(path), refused) << path;
  }
  EXPECT_THAT(WriteAll(*store_, "", "x"), testing::StatusIs(absl::StatusCode::kInvalidArgument, ""));
}

TEST_P(ObjectStoreContract, ABrokenWriteLeavesTheOldObject) {
  ASSERT_OK(WriteAll(*store_, "kept", "old"));
  const auto too_short = store_->Write("kept", 10, [first = true](char* buffer, size_t) mutable -> absl::StatusOr<size_t> {
    if (!std::exchange(first, false)) return 0;
    *buffer = 'x';
    return 1;
  });
  EXPECT_THAT(too_short, testing::StatusIs(absl::StatusCode::kDataLoss, "kept"));
  const auto too_long = store_->Write("kept", 2, [left = 4](char* buffer, size_t) mutable -> absl::StatusOr<size_t> {
    if (left-- == 0) return 0;
    *buffer = 'x';
    return 1;
  });
  EXPECT_THAT(too_long, testing::StatusIs(absl::StatusCode::kDataLoss, "kept"));
  const auto failing = store_->Write("kept", 10, [](char*, size_t) -> absl::StatusOr<size_t> {
    return absl::CancelledError("the producer gave up");
  });
  EXPECT_THAT(failing, testing::StatusIs(absl::StatusCode::kCancelled, "gave up"));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadAll(*store_, "kept"));
  EXPECT_EQ(bytes, "old");
  EXPECT_EQ(Paths("", true), std::vector<std::string>{"kept"});
}

TEST_P(ObjectStoreContract, ConcurrentWritersAndReadersSeeWholeObjects) {
  const std::string first = Pattern(300000, 1), second = Pattern(200000, 2);
  ASSERT_OK(WriteAll(*store_, "shared/object", first));
  std::atomic<int> whole = 0;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < 2; ++writer) {
    threads.emplace_back([&, writer] {
      for (int i = 0; i < 8; ++i) EXPECT_OK(WriteAll(*store_, "shared/object", (i + writer) % 2 == 0 ? first : second));
    });
  }
  for (int reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const auto bytes = ReadAll(*store_, "shared/object");
        // Replaced between stat and read is an answer, and so is "try again" when it has been put back since; a mixture is not.
        if (absl::IsFailedPrecondition(bytes.status()) || absl::IsUnavailable(bytes.status())) continue;
        ASSERT_OK(bytes);
        EXPECT_TRUE(*bytes == first || *bytes == second);
        ++whole;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(whole, 0);
}

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_OBJECT_STORE_CONTRACT_H_
