#include "common/stages/shared_model.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/storage/file_descriptor.h"

namespace arpent::stages {
namespace {

constexpr size_t kPiece = size_t{4} << 20;

// A read-only mapping of a file without a name.
class Mapping {
 public:
  Mapping(void* address, size_t size) : address_(address), size_(size) {}
  ~Mapping() { munmap(address_, size_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  absl::string_view bytes() const { return {static_cast<const char*>(address_), size_}; }

 private:
  void* const address_;
  const size_t size_;
};

absl::Status Failed(const std::string& path, absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(path, ": ", what, ": ", strerror(errno)));
}

absl::StatusOr<std::shared_ptr<const Mapping>> MapObject(const storage::StoreSet& stores, const std::string& uri,
                                                         const std::string& scratch) {
  ARPENT_ASSIGN_OR_RETURN(const storage::StoreUri place, storage::StoreUri::Parse(uri));
  ARPENT_ASSIGN_OR_RETURN(storage::ObjectStore * store, stores.Find(place.store));
  ARPENT_ASSIGN_OR_RETURN(const storage::ObjectInfo info, store->Stat(place.path));
  if (info.size_bytes <= 0) return absl::DataLossError(absl::StrCat(uri, ": cut short after 0 bytes"));
  std::string path = absl::StrCat(scratch, "/model.XXXXXX");
  const storage::FileDescriptor file(mkstemp(path.data()));
  if (file.get() < 0) return Failed(path, "cannot be created");
  unlink(path.c_str());
  std::vector<char> piece(std::min<size_t>(kPiece, info.size_bytes));
  for (int64_t offset = 0; offset < info.size_bytes;) {
    const auto wanted = static_cast<size_t>(std::min<int64_t>(piece.size(), info.size_bytes - offset));
    ARPENT_ASSIGN_OR_RETURN(const size_t count, store->Read(place.path, info.etag, offset, wanted, piece.data()));
    if (count == 0) return absl::DataLossError(absl::StrCat(uri, ": cut short after ", offset, " bytes"));
    if (pwrite(file.get(), piece.data(), count, offset) != static_cast<ssize_t>(count)) {
      return Failed(path, "cannot be written");
    }
    offset += static_cast<int64_t>(count);
  }
  const auto size = static_cast<size_t>(info.size_bytes);
  void* address = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (address == MAP_FAILED) return Failed(path, "cannot be mapped");
  return std::make_shared<const Mapping>(address, size);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const kernels::Classifier>> SharedModels::Get(const storage::StoreSet& stores,
                                                                             const std::string& uri,
                                                                             const std::string& key,
                                                                             const std::string& scratch) {
  absl::MutexLock lock(&mutex_);
  std::weak_ptr<const kernels::Classifier>& place = models_[absl::StrCat(key, " ", uri)];
  if (auto model = place.lock()) return model;
  ARPENT_ASSIGN_OR_RETURN(const auto mapping, MapObject(stores, uri, scratch));
  ARPENT_ASSIGN_OR_RETURN(std::unique_ptr<const kernels::Classifier> loaded,
                          kernels::Classifier::Load(mapping, mapping->bytes(), uri));
  std::shared_ptr<const kernels::Classifier> model = std::move(loaded);
  place = model;
  std::erase_if(models_, [](const auto& entry) { return entry.second.expired(); });
  return model;
}

}  // namespace arpent::stages
