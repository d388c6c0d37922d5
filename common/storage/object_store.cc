#include "common/storage/object_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/storage/file_descriptor.h"

namespace arpent::storage {

absl::StatusOr<std::string> ReadAll(ObjectStore& store, const std::string& path) {
  ARPENT_ASSIGN_OR_RETURN(const ObjectInfo info, store.Stat(path));
  if (info.is_folder) return absl::NotFoundError(absl::StrCat(path, ": is a folder, an object is needed"));
  std::string bytes(static_cast<size_t>(info.size_bytes), '\0');
  ARPENT_ASSIGN_OR_RETURN(const size_t length, store.Read(path, info.etag, 0, bytes.size(), bytes.data()));
  if (length != bytes.size()) {
    return absl::DataLossError(absl::StrCat(path, ": ended after ", length, " of ", bytes.size(), " bytes"));
  }
  return bytes;
}

absl::Status WriteAll(ObjectStore& store, const std::string& path, absl::string_view bytes) {
  size_t done = 0;
  const ByteProducer producer = [&](char* buffer, size_t capacity) -> absl::StatusOr<size_t> {
    const size_t length = std::min(capacity, bytes.size() - done);
    std::memcpy(buffer, bytes.data() + done, length);
    done += length;
    return length;
  };
  return store.Write(path, static_cast<int64_t>(bytes.size()), producer).status();
}

absl::StatusOr<ObjectInfo> WriteFile(ObjectStore& store, const std::string& path, const std::string& local_file) {
  const FileDescriptor file(open(local_file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, local_file);
  struct stat status;
  if (fstat(file.get(), &status) != 0) return ErrnoStatus(errno, local_file);
  if (!S_ISREG(status.st_mode)) return absl::InvalidArgumentError(absl::StrCat(local_file, ": not a regular file"));
  const ByteProducer producer = [&](char* buffer, size_t capacity) -> absl::StatusOr<size_t> {
    ssize_t length;
    do {
      length = read(file.get(), buffer, capacity);
    } while (length < 0 && errno == EINTR);
    if (length < 0) return ErrnoStatus(errno, local_file);
    return static_cast<size_t>(length);
  };
  return store.Write(path, status.st_size, producer);
}

absl::StatusOr<std::string> NormalisePath(absl::string_view path) {
  absl::string_view rest = path;
  if (!rest.empty() && rest.front() == '/') rest.remove_prefix(1);
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  if (rest.empty()) return std::string();
  for (const absl::string_view component : absl::StrSplit(rest, '/')) {
    if (component.empty() || component == "." || component == "..") {
      return absl::InvalidArgumentError(
          absl::StrCat("path '", path, "': an empty, '.' or '..' component is not allowed"));
    }
    if (component.find('\0') != absl::string_view::npos) {
      return absl::InvalidArgumentError(absl::StrCat("path '", absl::string_view(path.data()), "': holds a zero byte"));
    }
  }
  return std::string(rest);
}

}  // namespace arpent::storage
