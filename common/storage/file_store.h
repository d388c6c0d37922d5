// A folder as object storage: the embedded default, and what NFS or a mounted volume is to a cluster.
#ifndef ARPENT_COMMON_STORAGE_FILE_STORE_H_
#define ARPENT_COMMON_STORAGE_FILE_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/storage/file_descriptor.h"
#include "common/storage/object_store.h"

namespace arpent::storage {

// Objects are files. A write goes to a temporary file in `.arpent-unfinished` under the root, is synced, then renamed and
// its folder synced: after a crash the object is whole or absent, and the leftover is invisible to readers.
//
// Symbolic links inside the root are followed; what they lead to must lie inside the root too, else PERMISSION_DENIED
// naming both, unless `follow_links_outside`. The ETag is made of size, modification time (ns) and inode number, so it
// also changes when somebody replaces a file by hand.
class FileStore final : public ObjectStore {
 public:
  // Below the root; no object's name begins with it.
  static constexpr char kUnfinished[] = ".arpent-unfinished";

  struct Options {
    bool follow_links_outside = false;  // for folders of links to an archive that the operator trusts
    bool create_root = false;
  };

  // NOT_FOUND or INVALID_ARGUMENT when `root` is no folder.
  static absl::StatusOr<std::shared_ptr<FileStore>> Open(const std::string& root, const Options& options);
  static absl::StatusOr<std::shared_ptr<FileStore>> Open(const std::string& root) { return Open(root, Options()); }

  absl::StatusOr<ObjectInfo> Stat(const std::string& path) override;
  absl::StatusOr<std::vector<ObjectInfo>> List(const std::string& prefix, bool recursive) override;
  absl::StatusOr<size_t> Read(const std::string& path, const std::string& etag, int64_t offset, size_t length,
                              char* buffer) override;
  absl::StatusOr<ObjectInfo> Write(const std::string& path, int64_t size_bytes, const ByteProducer& producer) override;
  // Also removes the folders that it leaves empty: object stores have none.
  absl::Status Delete(const std::string& path) override;

  // Removes unfinished writes that nobody touched for `age`. Returns how many.
  absl::StatusOr<int> SweepUnfinished(absl::Duration age);

  const std::string& root() const { return root_; }

 private:
  FileStore(std::string root, FileDescriptor folder, const Options& options)
      : root_(std::move(root)), folder_(std::move(folder)), options_(options) {}

  absl::StatusOr<std::string> Checked(const std::string& path) const;
  absl::StatusOr<FileDescriptor> OpenInside(const std::string& path, int flags) const;
  absl::Status CheckInside(int descriptor, const std::string& path) const;
  absl::StatusOr<FileDescriptor> MakeFolders(const std::string& folder) const;
  absl::StatusOr<FileDescriptor> WriteUnfinished(const std::string& path, const std::string& temporary,
                                                 int64_t size_bytes, const ByteProducer& producer) const;
  absl::Status MoveIntoPlace(const std::string& temporary, const std::string& path) const;
  absl::Status ListInto(const std::string& folder, bool recursive, std::vector<ObjectInfo>* objects) const;

  const std::string root_;  // canonical, without trailing '/' ("" for the file system's root)
  const FileDescriptor folder_;
  const Options options_;
};

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_FILE_STORE_H_
