#include "common/storage/file_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/telemetry/time_account.h"

namespace arpent::storage {
namespace {

using telemetry::ScopedWait;
using telemetry::TimeKind;

constexpr const char* kUnfinished = FileStore::kUnfinished;
constexpr size_t kCopyBytes = size_t{1} << 20;

std::string Etag(const struct stat& status) {
  return absl::StrCat(absl::Hex(status.st_size), "-", absl::Hex(status.st_mtim.tv_sec), ".",
                      absl::Hex(status.st_mtim.tv_nsec), "-", absl::Hex(status.st_ino));
}

ObjectInfo InfoOf(const std::string& path, const struct stat& status) {
  if (S_ISDIR(status.st_mode)) return ObjectInfo{.path = path, .is_folder = true};
  return ObjectInfo{.path = path,
                    .size_bytes = status.st_size,
                    .etag = Etag(status),
                    .modified = absl::TimeFromTimespec(status.st_mtim)};
}

// A component of the path that is a file means that there is no such object.
absl::Status OpenStatus(int error_number, const std::string& path) {
  return ErrnoStatus(error_number == ENOTDIR || error_number == ELOOP ? ENOENT : error_number, path);
}

std::string Join(const std::string& folder, absl::string_view name) {
  return folder.empty() ? std::string(name) : absl::StrCat(folder, "/", name);
}

std::pair<std::string, std::string> SplitLast(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

absl::Status WriteFully(int descriptor, const char* bytes, size_t length, const std::string& path) {
  while (length > 0) {
    const ssize_t written = write(descriptor, bytes, length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, absl::StrCat("write ", path));
    bytes += written;
    length -= static_cast<size_t>(written);
  }
  return absl::OkStatus();
}

std::string TemporaryName() {
  static std::atomic<uint64_t> counter = 0;
  return absl::StrCat(kUnfinished, "/", absl::ToUnixNanos(absl::Now()), "-", getpid(), "-", counter++);
}

}  // namespace

absl::StatusOr<std::shared_ptr<FileStore>> FileStore::Open(const std::string& root, const Options& options) {
  if (options.create_root) {
    std::error_code error;
    std::filesystem::create_directories(root, error);
    if (error) return ErrnoStatus(error.value(), root);
  }
  char* canonical = realpath(root.c_str(), nullptr);
  if (canonical == nullptr) return ErrnoStatus(errno, absl::StrCat("store folder ", root));
  std::string folder = canonical;
  std::free(canonical);
  FileDescriptor descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.valid()) return ErrnoStatus(errno, absl::StrCat("store folder ", root));
  if (folder == "/") folder.clear();
  return std::shared_ptr<FileStore>(new FileStore(std::move(folder), std::move(descriptor), options));
}

absl::StatusOr<std::string> FileStore::Checked(const std::string& path) const {
  ARPENT_ASSIGN_OR_RETURN(std::string normal, NormalisePath(path));
  if (normal == kUnfinished || absl::StartsWith(normal, absl::StrCat(kUnfinished, "/"))) {
    return absl::InvalidArgumentError(absl::StrCat("path '", path, "': this folder holds unfinished writes"));
  }
  return normal;
}

// The kernel tells where an open descriptor really is, so nothing can change between check and use.
absl::Status FileStore::CheckInside(int descriptor, const std::string& path) const {
  if (options_.follow_links_outside || root_.empty()) return absl::OkStatus();
  char place[PATH_MAX];
  const std::string link = absl::StrCat("/proc/self/fd/", descriptor);
  const ssize_t length = readlink(link.c_str(), place, sizeof(place));
  if (length < 0) return ErrnoStatus(errno, path);
  const absl::string_view real(place, static_cast<size_t>(length));
  if (real == root_ || absl::StartsWith(real, absl::StrCat(root_, "/"))) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(path, ": is a link to ", real, ", outside of the store's folder ",
                                                  root_, "; put the file inside or let the store follow such links"));
}

absl::StatusOr<FileDescriptor> FileStore::OpenInside(const std::string& path, int flags) const {
  // O_NONBLOCK: a named pipe in an input folder must not hang its reader.
  FileDescriptor file(openat(folder_.get(), path.empty() ? "." : path.c_str(), flags | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return OpenStatus(errno, path);
  ARPENT_RETURN_IF_ERROR(CheckInside(file.get(), path));
  return file;
}

absl::StatusOr<ObjectInfo> FileStore::Stat(const std::string& raw_path) {
  ARPENT_ASSIGN_OR_RETURN(const std::string path, Checked(raw_path));
  const ScopedWait wait(TimeKind::kDiskWait);
  ARPENT_ASSIGN_OR_RETURN(const FileDescriptor file, OpenInside(path, O_PATH));
  struct stat status;
  if (fstat(file.get(), &status) != 0) return ErrnoStatus(errno, path);
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    return absl::NotFoundError(absl::StrCat(path, ": neither a file nor a folder"));
  }
  return InfoOf(path, status);
}

absl::StatusOr<std::vector<ObjectInfo>> FileStore::List(const std::string& prefix, bool recursive) {
  ARPENT_ASSIGN_OR_RETURN(const std::string folder, Checked(prefix));
  const ScopedWait wait(TimeKind::kDiskWait);
  std::vector<ObjectInfo> objects;
  ARPENT_RETURN_IF_ERROR(ListInto(folder, recursive, &objects));
  std::sort(objects.begin(), objects.end(),
            [](const ObjectInfo& a, const ObjectInfo& b) { return a.path < b.path; });
  return objects;
}

absl::Status FileStore::ListInto(const std::string& folder, bool recursive, std::vector<ObjectInfo>* objects) const {
  ARPENT_ASSIGN_OR_RETURN(FileDescriptor descriptor, OpenInside(folder, O_RDONLY | O_DIRECTORY));
  DIR* directory = fdopendir(dup(descriptor.get()));
  if (directory == nullptr) return ErrnoStatus(errno, folder);
  const absl::Cleanup close_directory = [directory] { closedir(directory); };
  std::vector<std::string> subfolders;
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    const absl::string_view name = entry->d_name;
    if (name == "." || name == ".." || (folder.empty() && name == kUnfinished)) continue;
    struct stat status;
    // Gone since, or a link that leads nowhere: not an object.
    if (fstatat(descriptor.get(), entry->d_name, &status, 0) != 0) continue;
    const std::string path = Join(folder, name);
    if (S_ISDIR(status.st_mode) && recursive) {
      subfolders.push_back(path);
    } else if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
      objects->push_back(InfoOf(path, status));
    }
    errno = 0;
  }
  if (errno != 0) return ErrnoStatus(errno, folder);
  for (const std::string& subfolder : subfolders) {
    const absl::Status status = ListInto(subfolder, recursive, objects);
    if (!status.ok() && !absl::IsNotFound(status)) return status;  // a folder may vanish while it is listed
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> FileStore::Read(const std::string& raw_path, const std::string& etag, int64_t offset,
                                       size_t length, char* buffer) {
  ARPENT_ASSIGN_OR_RETURN(const std::string path, Checked(raw_path));
  if (offset < 0) return absl::InvalidArgumentError(absl::StrCat(path, ": offset ", offset, " is negative"));
  ScopedWait wait(TimeKind::kDiskWait);
  ARPENT_ASSIGN_OR_RETURN(const FileDescriptor file, OpenInside(path, O_RDONLY));
  const auto check_version = [&]() -> absl::Status {
    struct stat status;
    if (fstat(file.get(), &status) != 0) return ErrnoStatus(errno, path);
    if (!S_ISREG(status.st_mode)) return absl::NotFoundError(absl::StrCat(path, ": is a folder, an object is needed"));
    if (etag.empty() || etag == Etag(status)) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(path, ": was replaced while it was read"));
  };
  ARPENT_RETURN_IF_ERROR(check_version());
  size_t done = 0;
  while (done < length) {
    const ssize_t got = pread(file.get(), buffer + done, length - done, offset + static_cast<int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, absl::StrCat("read ", path));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  // A file that somebody changes in place shows it only afterwards.
  if (!etag.empty()) ARPENT_RETURN_IF_ERROR(check_version());
  wait.AddBytes(static_cast<int64_t>(done), 0);
  return done;
}

absl::StatusOr<ObjectInfo> FileStore::Write(const std::string& raw_path, int64_t size_bytes,
                                            const ByteProducer& producer) {
  ARPENT_ASSIGN_OR_RETURN(const std::string path, Checked(raw_path));
  if (path.empty()) return absl::InvalidArgumentError("an object needs a path");
  ScopedWait wait(TimeKind::kDiskWait);
  const std::string temporary = TemporaryName();
  absl::Cleanup remove_temporary = [&] { unlinkat(folder_.get(), temporary.c_str(), 0); };
  ARPENT_ASSIGN_OR_RETURN(const FileDescriptor file, WriteUnfinished(path, temporary, size_bytes, producer));
  ARPENT_RETURN_IF_ERROR(MoveIntoPlace(temporary, path));
  std::move(remove_temporary).Cancel();
  struct stat status;
  if (fstat(file.get(), &status) != 0) return ErrnoStatus(errno, path);
  wait.AddBytes(0, size_bytes);
  return InfoOf(path, status);
}

absl::StatusOr<FileDescriptor> FileStore::WriteUnfinished(const std::string& path, const std::string& temporary,
                                                          int64_t size_bytes, const ByteProducer& producer) const {
  if (mkdirat(folder_.get(), kUnfinished, 0777) != 0 && errno != EEXIST) return ErrnoStatus(errno, root_);
  FileDescriptor file(openat(folder_.get(), temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666));
  if (!file.valid()) return ErrnoStatus(errno, absl::StrCat(root_, "/", temporary));
  std::vector<char> buffer(std::clamp<size_t>(static_cast<size_t>(std::max<int64_t>(size_bytes, 0)), 1, kCopyBytes));
  int64_t written = 0;
  while (true) {
    ARPENT_ASSIGN_OR_RETURN(const size_t length, producer(buffer.data(), buffer.size()));
    if (length == 0) break;
    written += static_cast<int64_t>(length);
    if (written > size_bytes) break;
    ARPENT_RETURN_IF_ERROR(WriteFully(file.get(), buffer.data(), length, path));
  }
  if (written != size_bytes) {
    return absl::DataLossError(absl::StrCat(path, ": ", size_bytes, " bytes were announced, ",
                                            written > size_bytes ? "more" : absl::StrCat(written), " came"));
  }
  if (fsync(file.get()) != 0) return ErrnoStatus(errno, absl::StrCat("sync ", path));
  return file;
}

absl::StatusOr<FileDescriptor> FileStore::MakeFolders(const std::string& folder) const {
  FileDescriptor current(fcntl(folder_.get(), F_DUPFD_CLOEXEC, 0));
  if (!current.valid()) return ErrnoStatus(errno, root_);
  if (folder.empty()) return current;
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(folder, '/'))) {
    if (mkdirat(current.get(), name.c_str(), 0777) == 0) {
      if (fsync(current.get()) != 0) return ErrnoStatus(errno, absl::StrCat("sync folder of ", folder));
    } else if (errno != EEXIST) {
      return ErrnoStatus(errno, folder);
    }
    FileDescriptor next(openat(current.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!next.valid()) {
      if (errno == ENOTDIR) return absl::InvalidArgumentError(absl::StrCat(folder, ": ", name, " is an object"));
      return ErrnoStatus(errno, folder);
    }
    ARPENT_RETURN_IF_ERROR(CheckInside(next.get(), folder));
    current = std::move(next);
  }
  return current;
}

absl::Status FileStore::MoveIntoPlace(const std::string& temporary, const std::string& path) const {
  const auto [parent, name] = SplitLast(path);
  // Delete removes folders that became empty; one that goes between making and using it is made again.
  constexpr int kTries = 20;
  for (int attempt = 1;; ++attempt) {
    const absl::StatusOr<FileDescriptor> folder = MakeFolders(parent);
    if (absl::IsNotFound(folder.status()) && attempt < kTries) continue;
    ARPENT_RETURN_IF_ERROR(folder.status());
    if (renameat(folder_.get(), temporary.c_str(), folder->get(), name.c_str()) == 0) {
      if (fsync(folder->get()) != 0) return ErrnoStatus(errno, absl::StrCat("sync folder of ", path));
      return absl::OkStatus();
    }
    if (errno == ENOENT && attempt < kTries) continue;
    if (errno == EISDIR) return absl::InvalidArgumentError(absl::StrCat(path, ": is a folder"));
    if (errno == EXDEV) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, ": lies on another file system than the store's folder ", root_));
    }
    return ErrnoStatus(errno, path);
  }
}

absl::Status FileStore::Delete(const std::string& raw_path) {
  ARPENT_ASSIGN_OR_RETURN(const std::string path, Checked(raw_path));
  if (path.empty()) return absl::InvalidArgumentError("an object needs a path");
  const ScopedWait wait(TimeKind::kDiskWait);
  auto [parent, name] = SplitLast(path);
  const absl::StatusOr<FileDescriptor> folder = OpenInside(parent, O_RDONLY | O_DIRECTORY);
  if (absl::IsNotFound(folder.status())) return absl::OkStatus();
  ARPENT_RETURN_IF_ERROR(folder.status());
  if (unlinkat(folder->get(), name.c_str(), 0) != 0) {
    if (errno == ENOENT || errno == EISDIR) return absl::OkStatus();
    return ErrnoStatus(errno, absl::StrCat("delete ", path));
  }
  if (fsync(folder->get()) != 0) return ErrnoStatus(errno, absl::StrCat("sync folder of ", path));
  while (!parent.empty() && unlinkat(folder_.get(), parent.c_str(), AT_REMOVEDIR) == 0) {
    parent = SplitLast(parent).first;
  }
  return absl::OkStatus();
}

absl::StatusOr<int> FileStore::SweepUnfinished(absl::Duration age) {
  const absl::StatusOr<FileDescriptor> folder = OpenInside(kUnfinished, O_RDONLY | O_DIRECTORY);
  if (absl::IsNotFound(folder.status())) return 0;
  ARPENT_RETURN_IF_ERROR(folder.status());
  std::vector<ObjectInfo> leftovers;
  ARPENT_RETURN_IF_ERROR(ListInto(kUnfinished, false, &leftovers));
  const absl::Time oldest = absl::Now() - age;
  int removed = 0;
  for (const ObjectInfo& leftover : leftovers) {
    struct stat status;
    if (fstatat(folder_.get(), leftover.path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (absl::TimeFromTimespec(status.st_mtim) > oldest) continue;
    if (unlinkat(folder_.get(), leftover.path.c_str(), 0) == 0) ++removed;
  }
  return removed;
}

}  // namespace arpent::storage
