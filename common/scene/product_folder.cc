#include "common/scene/product_folder.h"

#include <cpl_string.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <array>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/scene/jpeg2000_check.h"

namespace arpent::scene {
namespace {

constexpr std::array<const char*, 4> kArchives = {".zip", ".tar", ".tar.gz", ".tgz"};

struct FileCloser {
  void operator()(VSILFILE* file) const { VSIFCloseL(file); }
};
using File = std::unique_ptr<VSILFILE, FileCloser>;

absl::StatusOr<File> OpenFile(const std::string& gdal_path, const std::string& uri) {
  storage::ClearLastVsiError();
  File file(VSIFOpenL(gdal_path.c_str(), "rb"));
  if (file) return file;
  const absl::Status cause = storage::LastVsiError();
  if (!cause.ok()) return Annotate(cause, uri);
  return absl::DataLossError(absl::StrCat(uri, ": cannot be opened"));
}

// What went wrong while reading: the store's own error when there is one.
absl::Status ReadError(const std::string& uri) {
  const absl::Status cause = storage::LastVsiError();
  return cause.ok() ? absl::DataLossError(absl::StrCat(uri, ": cannot be read to its end")) : Annotate(cause, uri);
}

std::map<std::string, int64_t> ListArchive(const std::string& gdal_root) {
  std::map<std::string, int64_t> files;
  VSIDIR* folder = VSIOpenDir(gdal_root.c_str(), -1, nullptr);
  if (folder == nullptr) return files;
  while (const VSIDIREntry* entry = VSIGetNextDirEntry(folder)) {
    if (!VSI_ISDIR(entry->nMode)) files[entry->pszName] = static_cast<int64_t>(entry->nSize);
  }
  VSICloseDir(folder);
  return files;
}

// The one folder that all files lie in, or "".
std::string CommonFolder(const std::map<std::string, int64_t>& files) {
  std::set<std::string> tops;
  for (const auto& [path, size] : files) {
    const size_t slash = path.find('/');
    if (slash == std::string::npos) return "";
    tops.insert(path.substr(0, slash));
  }
  return tops.size() == 1 ? *tops.begin() : "";
}

std::string LastComponent(absl::string_view path) {
  path = absl::StripSuffix(path, "/");
  return std::string(path.substr(path.rfind('/') + 1));
}

}  // namespace

bool IsArchive(absl::string_view path) {
  return std::any_of(kArchives.begin(), kArchives.end(), [&](const char* ending) { return absl::EndsWith(path, ending); });
}

std::string ProductIdOf(const std::string& path) {
  const std::string name = LastComponent(path);
  absl::string_view id = name;
  for (const char* ending : kArchives) id = absl::StripSuffix(id, ending);
  while (absl::ConsumeSuffix(&id, ".SAFE")) {
  }
  return std::string(id);
}

absl::StatusOr<ProductFolder> ProductFolder::Open(std::shared_ptr<const storage::StoreSet> stores,
                                                  const std::string& uri) {
  ProductFolder folder;
  folder.uri_root_ = uri;
  folder.name_ = LastComponent(uri);
  if (IsArchive(uri)) {
    ARPENT_RETURN_IF_ERROR(stores->Stat(uri).status());
    // A path behind the archive's ending makes GDAL look inside of it.
    ARPENT_ASSIGN_OR_RETURN(const std::string inside, storage::GdalPath(uri + "/x"));
    folder.gdal_root_ = std::string(absl::StripSuffix(inside, "/x"));
    std::map<std::string, int64_t> files = ListArchive(folder.gdal_root_);
    if (files.empty()) return absl::InvalidArgumentError(absl::StrCat(uri, ": is no readable archive"));
    if (const std::string top = CommonFolder(files); !top.empty()) {
      folder.name_ = top;
      folder.gdal_root_ += "/" + top;
      folder.uri_root_ += "/" + top;
      for (const auto& [path, size] : files) folder.files_[path.substr(top.size() + 1)] = size;
    } else {
      folder.files_ = std::move(files);
    }
    return folder;
  }
  ARPENT_ASSIGN_OR_RETURN(const storage::StoreUri parsed, storage::StoreUri::Parse(uri));
  ARPENT_ASSIGN_OR_RETURN(folder.gdal_root_, storage::GdalPath(uri));
  const auto objects = stores->List(uri, /*recursive=*/true);
  if (absl::IsNotFound(objects.status()) && stores->Stat(uri).ok()) {
    return absl::InvalidArgumentError(absl::StrCat(uri, ": is a single file: give the product's folder, or its .zip or .tar"));
  }
  ARPENT_RETURN_IF_ERROR(objects.status());
  const std::string prefix = parsed.path.empty() ? "" : parsed.path + "/";
  for (const storage::ObjectInfo& object : *objects) {
    folder.files_[std::string(absl::StripPrefix(object.path, prefix))] = object.size_bytes;
  }
  return folder;
}

absl::StatusOr<std::string> ProductFolder::ReadText(const std::string& path) const {
  ARPENT_ASSIGN_OR_RETURN(const File file, OpenFile(GdalPathOf(path), UriOf(path)));
  const auto size = files_.find(path);
  std::string text(size == files_.end() ? 0 : size->second, '\0');
  if (VSIFReadL(text.data(), 1, text.size(), file.get()) != text.size()) return ReadError(UriOf(path));
  return text;
}

absl::StatusOr<HexDigest> ProductFolder::DigestOf(const std::string& path) const {
  ARPENT_ASSIGN_OR_RETURN(const File file, OpenFile(GdalPathOf(path), UriOf(path)));
  Sha256 digest;
  std::vector<char> buffer(1 << 20);
  int64_t total = 0;
  while (const size_t count = VSIFReadL(buffer.data(), 1, buffer.size(), file.get())) {
    digest.Update(absl::string_view(buffer.data(), count));
    total += count;
  }
  if (const auto size = files_.find(path); size != files_.end() && total != size->second) return ReadError(UriOf(path));
  return digest.Finish();
}

absl::Status ProductFolder::CheckJpeg2000(const std::string& path) const {
  ARPENT_ASSIGN_OR_RETURN(const File file, OpenFile(GdalPathOf(path), UriOf(path)));
  const RangeReader read = [&](int64_t offset, size_t length, uint8_t* buffer) -> absl::StatusOr<size_t> {
    if (VSIFSeekL(file.get(), offset, SEEK_SET) != 0) return ReadError(UriOf(path));
    return VSIFReadL(buffer, 1, length, file.get());
  };
  return Annotate(scene::CheckJpeg2000(files_.at(path), read), UriOf(path));
}

}  // namespace arpent::scene
