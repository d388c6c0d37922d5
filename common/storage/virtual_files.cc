// The read-only virtual file system /vsiarpent/{store}/{path}, through which GDAL reads any ObjectStore.
#include <cpl_error.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <gdal.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/call_once.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/base/status.h"
#include "common/storage/stores.h"

namespace arpent::storage {
namespace {

constexpr char kPrefix[] = "/vsiarpent/";
constexpr size_t kSmallestReadAhead = size_t{64} << 10;
constexpr size_t kLargestReadAhead = size_t{4} << 20;
constexpr size_t kReadAheadOfAll = size_t{96} << 20;  // what all open objects together may hold: a season is hundreds of them

thread_local absl::Status last_error;
std::atomic<int> open_objects{0};

struct Installed {
  absl::Mutex mutex;
  std::shared_ptr<const StoreSet> stores ABSL_GUARDED_BY(mutex);
};

// GDAL's handlers live as long as the process, and so does what they read from.
Installed& GlobalStores() {
  static Installed* const installed = new Installed;
  return *installed;
}

std::shared_ptr<const StoreSet> CurrentStores() {
  absl::MutexLock lock(&GlobalStores().mutex);
  return GlobalStores().stores;
}

// GDAL looks for many side files that need not exist: their absence is no cause of anything.
void Remember(const absl::Status& status) {
  if (!status.ok() && !absl::IsNotFound(status)) last_error = status;
}

struct Place {
  std::shared_ptr<const StoreSet> stores;  // keeps the store alive
  ObjectStore* store = nullptr;
  std::string path;
};

// `name` is what stands behind /vsiarpent/.
absl::StatusOr<Place> Locate(absl::string_view name) {
  const size_t slash = name.find('/');
  Place place{.stores = CurrentStores()};
  ARPENT_ASSIGN_OR_RETURN(place.store, place.stores->Find(std::string(name.substr(0, slash))));
  if (slash != absl::string_view::npos) {
    ARPENT_ASSIGN_OR_RETURN(place.path, NormalisePath(name.substr(slash + 1)));
  }
  return place;
}

// One open object. Reads ahead: little after a jump, ever more while the reader goes straight on, never more than its share of
// the memory that all of them may hold. What is wanted beyond that is read where it goes.
class OpenObject {
 public:
  OpenObject(Place place, ObjectInfo info) : place_(std::move(place)), info_(std::move(info)) { ++open_objects; }
  ~OpenObject() { --open_objects; }
  OpenObject(const OpenObject&) = delete;
  OpenObject& operator=(const OpenObject&) = delete;

  vsi_l_offset Tell() const { return position_; }
  bool AtEnd() const { return at_end_; }

  int Seek(vsi_l_offset offset, int whence) {
    at_end_ = false;
    if (whence == SEEK_CUR) offset += position_;
    if (whence == SEEK_END) offset += static_cast<vsi_l_offset>(info_.size_bytes);
    position_ = offset;
    return 0;
  }

  // Bytes read; fewer than `length` at the object's end or after an error.
  size_t Read(char* out, size_t length) {
    size_t done = 0;
    while (done < length) {
      const size_t copied = CopyBuffered(out + done, length - done);
      done += copied;
      position_ += copied;
      if (done == length) break;
      if (position_ >= static_cast<vsi_l_offset>(info_.size_bytes)) {
        at_end_ = true;
        break;
      }
      const size_t left = static_cast<size_t>(static_cast<vsi_l_offset>(info_.size_bytes) - position_);
      const size_t wanted = std::min(left, length - done), share = Share();
      const size_t size = std::min(left, NextReadAhead(share));
      if (wanted >= size) {
        Drop();
        if (!ReadFromStore(out + done, wanted)) break;
        done += wanted;
        position_ += wanted;
      } else if (!Fill(size)) {
        break;
      }
    }
    return done;
  }

 private:
  static size_t Share() {
    return std::clamp(kReadAheadOfAll / static_cast<size_t>(std::max(1, open_objects.load())), kSmallestReadAhead, kLargestReadAhead);
  }

  size_t CopyBuffered(char* out, size_t length) const {
    if (position_ < start_ || position_ >= start_ + size_) return 0;
    const size_t from = static_cast<size_t>(position_ - start_);
    const size_t count = std::min(length, size_ - from);
    std::memcpy(out, buffer_.get() + from, count);
    return count;
  }

  size_t NextReadAhead(size_t most) {
    read_ahead_ = position_ == next_ ? std::min(read_ahead_ * 2, most) : kSmallestReadAhead;
    return read_ahead_;
  }

  void Drop() {
    buffer_.reset();
    size_ = capacity_ = 0;
  }

  bool Fill(size_t size) {
    if (capacity_ < size || capacity_ > 2 * size) {
      Drop();
      buffer_ = std::make_unique_for_overwrite<char[]>(size);
      capacity_ = size;
    }
    start_ = position_;
    size_ = size;
    const bool whole = ReadFromStore(buffer_.get(), size);
    if (!whole) Drop();
    return whole;
  }

  // Bytes from the position on; an error becomes GDAL's.
  bool ReadFromStore(char* out, size_t size) {
    const absl::StatusOr<size_t> got =
        place_.store->Read(place_.path, info_.etag, static_cast<int64_t>(position_), size, out);
    const bool whole = got.ok() && *got == size;
    if (!got.ok()) Remember(got.status());
    if (got.ok() && !whole) {
      Remember(absl::DataLossError(absl::StrCat(place_.path, ": ends before its ", info_.size_bytes, " bytes")));
    }
    if (!whole) CPLError(CE_Failure, CPLE_FileIO, "%s", last_error.ToString().c_str());
    next_ = whole ? position_ + size : kNowhere;
    return whole;
  }

  static constexpr vsi_l_offset kNowhere = std::numeric_limits<vsi_l_offset>::max();

  const Place place_;
  const ObjectInfo info_;
  vsi_l_offset position_ = 0;
  bool at_end_ = false;
  std::unique_ptr<char[]> buffer_;
  size_t size_ = 0, capacity_ = 0;
  vsi_l_offset start_ = 0;        // of the buffer in the object
  vsi_l_offset next_ = kNowhere;  // behind what was read last
  size_t read_ahead_ = kSmallestReadAhead;
};

int StatCallback(void*, const char* name, VSIStatBufL* result, int) {
  std::memset(result, 0, sizeof(*result));
  const absl::StatusOr<Place> place = Locate(name);
  Remember(place.status());
  if (!place.ok()) return -1;
  const absl::StatusOr<ObjectInfo> info = place->store->Stat(place->path);
  Remember(info.status());
  if (!info.ok()) {
    errno = ENOENT;
    return -1;
  }
  result->st_size = info->size_bytes;
  result->st_mode = info->is_folder ? S_IFDIR : S_IFREG;
  return 0;
}

void* OpenCallback(void*, const char* name, const char* access) {
  if (std::strpbrk(access, "wa+") != nullptr) {
    errno = EACCES;
    return nullptr;
  }
  absl::StatusOr<Place> place = Locate(name);
  Remember(place.status());
  if (!place.ok()) return nullptr;
  absl::StatusOr<ObjectInfo> info = place->store->Stat(place->path);
  Remember(info.status());
  if (!info.ok() || info->is_folder) {
    errno = ENOENT;
    return nullptr;
  }
  return new OpenObject(*std::move(place), *std::move(info));
}

char** ReadDirCallback(void*, const char* name, int most) {
  const absl::StatusOr<Place> place = Locate(name);
  if (!place.ok()) return nullptr;
  const absl::StatusOr<std::vector<ObjectInfo>> objects = place->store->List(place->path, /*recursive=*/false);
  Remember(objects.status());
  if (!objects.ok()) return nullptr;
  CPLStringList names;
  for (const ObjectInfo& object : *objects) {
    if (most > 0 && names.size() > most) break;  // one more than asked tells GDAL that the folder is too large
    names.AddString(object.path.substr(object.path.rfind('/') + 1).c_str());
  }
  return names.StealList();
}

// A JPEG 2000 band has no side files: GDAL need not list the folder for each one that it opens.
char** SiblingsCallback(void*, const char* name) {
  if (!absl::EndsWithIgnoreCase(name, ".jp2")) return nullptr;
  return static_cast<char**>(CPLCalloc(1, sizeof(char*)));
}

void InstallHandler() {
  VSIFilesystemPluginCallbacksStruct* const callbacks = VSIAllocFilesystemPluginCallbacksStruct();
  callbacks->stat = StatCallback;
  callbacks->open = OpenCallback;
  callbacks->read_dir = ReadDirCallback;
  callbacks->sibling_files = SiblingsCallback;
  callbacks->tell = [](void* file) { return static_cast<OpenObject*>(file)->Tell(); };
  callbacks->seek = [](void* file, vsi_l_offset offset, int whence) {
    return static_cast<OpenObject*>(file)->Seek(offset, whence);
  };
  callbacks->read = [](void* file, void* buffer, size_t size, size_t count) -> size_t {
    if (size == 0 || count == 0) return 0;
    return static_cast<OpenObject*>(file)->Read(static_cast<char*>(buffer), size * count) / size;
  };
  callbacks->eof = [](void* file) { return static_cast<OpenObject*>(file)->AtEnd() ? 1 : 0; };
  callbacks->close = [](void* file) {
    delete static_cast<OpenObject*>(file);
    return 0;
  };
  VSIInstallPluginHandler(kPrefix, callbacks);
  VSIFreeFilesystemPluginCallbacksStruct(callbacks);
  // GDAL would keep decoded blocks in 5 % of the machine's memory, whatever a task may use; our readers read once.
  constexpr int64_t kDecodedBlocks_bytes = int64_t{128} << 20;
  if (CPLGetConfigOption("GDAL_CACHEMAX", nullptr) == nullptr) GDALSetCacheMax64(kDecodedBlocks_bytes);
}

}  // namespace

void InstallVsiArpent(std::shared_ptr<const StoreSet> stores) {
  {
    absl::MutexLock lock(&GlobalStores().mutex);
    GlobalStores().stores = std::move(stores);
  }
  static absl::once_flag once;
  absl::call_once(once, InstallHandler);
}

absl::Status LastVsiError() { return last_error; }
void ClearLastVsiError() { last_error = absl::OkStatus(); }

}  // namespace arpent::storage
