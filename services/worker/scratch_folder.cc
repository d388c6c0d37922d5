#include "services/worker/scratch_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::worker {
namespace {

namespace fs = std::filesystem;

constexpr char kLockSuffix[] = ".lock";

// The descriptor that holds the lock, or -1 when another process has it.
int TryLock(const fs::path& file) {
  const int descriptor = open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  if (descriptor < 0) return -1;
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  close(descriptor);
  return -1;
}

void RemoveDead(const fs::path& root) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(root, ignored)) {
    if (entry.path().extension() != kLockSuffix) continue;
    const int lock = TryLock(entry.path());
    if (lock < 0) continue;
    fs::path folder = entry.path();
    fs::remove_all(folder.replace_extension(), ignored);
    fs::remove(entry.path(), ignored);
    close(lock);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<ScratchFolder>> ScratchFolder::Make(const std::string& root, const std::string& name) {
  std::error_code error;
  fs::create_directories(root, error);
  if (error) return ErrnoStatus(error.value(), absl::StrCat("scratch folder ", root));
  RemoveDead(root);
  const fs::path path = fs::path(root) / name;
  const int lock = TryLock(path.string() + kLockSuffix);
  if (lock < 0) return ErrnoStatus(errno, absl::StrCat("lock of the scratch folder ", path.string()));
  auto folder = std::unique_ptr<ScratchFolder>(new ScratchFolder(path.string(), lock));
  fs::create_directories(path, error);
  if (error) return ErrnoStatus(error.value(), absl::StrCat("scratch folder ", path.string()));
  return folder;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  fs::remove(path_ + kLockSuffix, ignored);
  close(lock_);
}

}  // namespace arpent::worker
