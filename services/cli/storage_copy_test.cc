#include "services/cli/storage_copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::cli {
namespace {

using storage::FileStore;
using storage::ObjectStore;
using storage::ReadAll;
using storage::WriteAll;

// Remembers the order in which objects become visible.
class RecordingStore final : public ObjectStore {
 public:
  explicit RecordingStore(ObjectStore& inner) : inner_(inner) {}
  absl::StatusOr<storage::ObjectInfo> Stat(const std::string& path) override { return inner_.Stat(path); }
  absl::StatusOr<std::vector<storage::ObjectInfo>> List(const std::string& prefix, bool recursive) override {
    return inner_.List(prefix, recursive);
  }
  absl::StatusOr<size_t> Read(const std::string& path, const std::string& etag, int64_t offset, size_t length,
                              char* buffer) override {
    return inner_.Read(path, etag, offset, std::min<size_t>(length, 3), buffer);
  }
  absl::StatusOr<storage::ObjectInfo> Write(const std::string& path, int64_t size_bytes,
                                            const storage::ByteProducer& producer) override {
    written.push_back(path);
    return inner_.Write(path, size_bytes, producer);
  }
  absl::Status Delete(const std::string& path) override { return inner_.Delete(path); }

  std::vector<std::string> written;

 private:
  ObjectStore& inner_;
};

// Somebody changes an object just before it is read for the first time.
class ChangingStore final : public ObjectStore {
 public:
  ChangingStore(ObjectStore& inner, std::string path, std::function<absl::Status()> change)
      : inner_(inner), path_(std::move(path)), change_(std::move(change)) {}
  absl::StatusOr<storage::ObjectInfo> Stat(const std::string& path) override { return inner_.Stat(path); }
  absl::StatusOr<std::vector<storage::ObjectInfo>> List(const std::string& prefix, bool recursive) override {
    return inner_.List(prefix, recursive);
  }
  absl::StatusOr<size_t> Read(const std::string& path, const std::string& etag, int64_t offset, size_t length,
                              char* buffer) override {
    if (path == path_ && !changed_) {
      changed_ = true;
      ARPENT_RETURN_IF_ERROR(change_());
    }
    return inner_.Read(path, etag, offset, length, buffer);
  }
  absl::StatusOr<storage::ObjectInfo> Write(const std::string& path, int64_t size_bytes,
                                            const storage::ByteProducer& producer) override {
    return inner_.Write(path, size_bytes, producer);
  }
  absl::Status Delete(const std::string& path) override { return inner_.Delete(path); }

 private:
  ObjectStore& inner_;
  const std::string path_;
  const std::function<absl::Status()> change_;
  bool changed_ = false;
};

class StorageCopy : public ::testing::Test {
 protected:
  void SetUp() override {
    from_ = *FileStore::Open(from_folder_.path());
    to_ = *FileStore::Open(to_folder_.path());
  }

  testing::TemporaryFolder from_folder_, to_folder_;
  std::shared_ptr<ObjectStore> from_, to_;
};

TEST_F(StorageCopy, TakesWhatWasReplacedMeanwhileAsItIsThen) {
  ASSERT_OK(WriteAll(*from_, "catalog.json", "old"));
  ChangingStore changing(*from_, "catalog.json", [&] { return WriteAll(*from_, "catalog.json", "new and longer"); });
  const auto result = CopyObjects(changing, "", *to_, "");
  ASSERT_OK(result);
  EXPECT_EQ(result->bytes, 14);
  EXPECT_EQ(*ReadAll(*to_, "catalog.json"), "new and longer");
}

TEST_F(StorageCopy, LeavesOutWhatIsGoneSinceItWasListed) {
  ASSERT_OK(WriteAll(*from_, "products/part", "pixels"));
  ASSERT_OK(WriteAll(*from_, "products/whole", "pixels"));
  ChangingStore changing(*from_, "products/part", [&] { return from_->Delete("products/part"); });
  const auto result = CopyObjects(changing, "products", *to_, "");
  ASSERT_OK(result);
  EXPECT_EQ(result->objects, 1);
  EXPECT_TRUE(absl::IsNotFound(to_->Stat("part").status()));
}

TEST_F(StorageCopy, TakesAFolderWithEverythingBelowIt) {
  ASSERT_OK(WriteAll(*from_, "site/l1c/A.SAFE/band.jp2", "pixels"));
  ASSERT_OK(WriteAll(*from_, "site/l1c/A.SAFE/empty", ""));
  ASSERT_OK(WriteAll(*from_, "site/other", "not copied"));
  const auto result = CopyObjects(*from_, "site/l1c", *to_, "scenes");
  ASSERT_OK(result);
  EXPECT_EQ(result->objects, 2);
  EXPECT_EQ(result->bytes, 6);
  EXPECT_EQ(*ReadAll(*to_, "scenes/A.SAFE/band.jp2"), "pixels");
  EXPECT_EQ(*ReadAll(*to_, "scenes/A.SAFE/empty"), "");
  EXPECT_EQ(to_->Stat("scenes/other").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(StorageCopy, TakesOneObjectUnderItsNewName) {
  ASSERT_OK(WriteAll(*from_, "dem.tif", "heights"));
  ASSERT_OK(CopyObjects(*from_, "dem.tif", *to_, "auxiliary/copernicus.tif"));
  EXPECT_EQ(*ReadAll(*to_, "auxiliary/copernicus.tif"), "heights");
}

TEST_F(StorageCopy, MakesItemsVisibleLast) {
  for (const char* const path : {"p1/B02.tif", "p1/item.json", "p2/B02.tif", "p2/item.json"}) {
    ASSERT_OK(WriteAll(*from_, path, "some bytes"));
  }
  RecordingStore from(*from_), to(*to_);
  ASSERT_OK(CopyObjects(from, "", to, ""));
  EXPECT_THAT(to.written, ::testing::ElementsAre("p1/B02.tif", "p2/B02.tif", "p1/item.json", "p2/item.json"));
  EXPECT_EQ(*ReadAll(*to_, "p2/item.json"), "some bytes");
}

TEST_F(StorageCopy, SaysThatThereIsNothing) {
  EXPECT_EQ(CopyObjects(*from_, "absent", *to_, "").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace arpent::cli
