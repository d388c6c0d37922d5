// Object storage as Arpent sees it: whole immutable objects under '/'-separated paths, read in ranges, written atomically.
// One interface; folders, S3, the block cache, the remote gateway and the decorators all implement it, and one contract
// suite (object_store_contract.h) runs on every implementation.
#ifndef ARPENT_COMMON_STORAGE_OBJECT_STORE_H_
#define ARPENT_COMMON_STORAGE_OBJECT_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace arpent::storage {

struct ObjectInfo {
  std::string path;  // relative to the store's root, no leading '/'
  int64_t size_bytes = 0;
  std::string etag;  // changes whenever the bytes change; opaque
  bool is_folder = false;  // a common prefix in a listing that is not recursive
  absl::Time modified = absl::InfiniteFuture();  // when it was written, by the store's clock; InfiniteFuture: not known
};

// Gives the object's next bytes into `buffer` (at most `capacity`), returns how many; 0 ends the object.
using ByteProducer = std::function<absl::StatusOr<size_t>(char* buffer, size_t capacity)>;

// Thread-safe. Paths are normalised: no empty, "." or ".." component, else INVALID_ARGUMENT. Errors name the path.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // NOT_FOUND when there is no such object. A folder is reported with is_folder.
  virtual absl::StatusOr<ObjectInfo> Stat(const std::string& path) = 0;

  // Objects below `prefix` (a folder; "" is the root), sorted by path. Not recursive: direct children, folders included.
  // Recursive: objects only. NOT_FOUND when the folder does not exist.
  virtual absl::StatusOr<std::vector<ObjectInfo>> List(const std::string& prefix, bool recursive) = 0;

  // Reads [offset, offset + length) into `buffer`; returns the bytes read, fewer only at the object's end. With a
  // non-empty `etag`, FAILED_PRECONDITION when the object is no longer that version (a cache may still have its bytes):
  // bytes of two versions never mix.
  virtual absl::StatusOr<size_t> Read(const std::string& path, const std::string& etag, int64_t offset, size_t length,
                                      char* buffer) = 0;

  // Writes a whole object; it becomes visible at once and entirely, or not at all. Replaces what was there.
  virtual absl::StatusOr<ObjectInfo> Write(const std::string& path, int64_t size_bytes, const ByteProducer& producer) = 0;

  // OK also when there is no such object.
  virtual absl::Status Delete(const std::string& path) = 0;
};

// Convenience over any store.
absl::StatusOr<std::string> ReadAll(ObjectStore& store, const std::string& path);
absl::Status WriteAll(ObjectStore& store, const std::string& path, absl::string_view bytes);
absl::StatusOr<ObjectInfo> WriteFile(ObjectStore& store, const std::string& path, const std::string& local_file);

// "a//b/../c" and the like: INVALID_ARGUMENT; otherwise the path without leading or trailing '/'.
absl::StatusOr<std::string> NormalisePath(absl::string_view path);

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_OBJECT_STORE_H_
