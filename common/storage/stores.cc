#include "common/storage/stores.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"

namespace arpent::storage {
namespace {

bool IsStoreName(absl::string_view name) {
  if (name.empty() || !absl::ascii_isalnum(name.front())) return false;
  for (const char c : name) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '-' && c != '_') return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<StoreUri> StoreUri::Parse(absl::string_view uri) {
  const size_t colon = uri.find(":/");
  if (colon == absl::string_view::npos || !IsStoreName(uri.substr(0, colon))) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", uri, "': expected a named store and a path, as \"input:/l1c/scene.SAFE\""));
  }
  const absl::string_view path = uri.substr(colon + 2);
  if (absl::StartsWith(path, "/")) {
    return absl::InvalidArgumentError(absl::StrCat("'", uri, "': an address on the network is not in a named store"));
  }
  absl::StatusOr<std::string> normal = NormalisePath(path);
  if (!normal.ok()) return Annotate(normal.status(), uri);
  return StoreUri{std::string(uri.substr(0, colon)), *std::move(normal)};
}

void StoreSet::Add(const std::string& name, std::shared_ptr<ObjectStore> store) { stores_[name] = std::move(store); }

absl::StatusOr<ObjectStore*> StoreSet::Find(const std::string& name) const {
  const auto found = stores_.find(name);
  if (found != stores_.end()) return found->second.get();
  const std::string known = absl::StrJoin(
      stores_, ", ", [](std::string* out, const auto& entry) { absl::StrAppend(out, entry.first); });
  return absl::NotFoundError(
      absl::StrCat("no store is named '", name, "'; there ", known.empty() ? "are none" : absl::StrCat("are: ", known)));
}

absl::StatusOr<ObjectInfo> StoreSet::Stat(const std::string& uri) const {
  ARPENT_ASSIGN_OR_RETURN(const StoreUri parsed, StoreUri::Parse(uri));
  ARPENT_ASSIGN_OR_RETURN(ObjectStore* const store, Find(parsed.store));
  return store->Stat(parsed.path);
}

absl::StatusOr<std::vector<ObjectInfo>> StoreSet::List(const std::string& uri, bool recursive) const {
  ARPENT_ASSIGN_OR_RETURN(const StoreUri parsed, StoreUri::Parse(uri));
  ARPENT_ASSIGN_OR_RETURN(ObjectStore* const store, Find(parsed.store));
  return store->List(parsed.path, recursive);
}

absl::StatusOr<std::string> StoreSet::ReadAll(const std::string& uri) const {
  ARPENT_ASSIGN_OR_RETURN(const StoreUri parsed, StoreUri::Parse(uri));
  ARPENT_ASSIGN_OR_RETURN(ObjectStore* const store, Find(parsed.store));
  return storage::ReadAll(*store, parsed.path);
}

absl::Status StoreSet::WriteAll(const std::string& uri, absl::string_view bytes) const {
  ARPENT_ASSIGN_OR_RETURN(const StoreUri parsed, StoreUri::Parse(uri));
  ARPENT_ASSIGN_OR_RETURN(ObjectStore* const store, Find(parsed.store));
  return storage::WriteAll(*store, parsed.path, bytes);
}

absl::StatusOr<std::string> GdalPath(absl::string_view uri) {
  ARPENT_ASSIGN_OR_RETURN(const StoreUri parsed, StoreUri::Parse(uri));
  const std::string path = absl::StrCat("/vsiarpent/", parsed.store, "/", parsed.path);
  const std::string lower = absl::AsciiStrToLower(path);
  if (absl::StrContains(lower, ".zip/")) return absl::StrCat("/vsizip/", path);
  // Landsat is delivered as .tar, and was as .tar.gz.
  for (const char* tar : {".tar/", ".tar.gz/", ".tgz/"}) {
    if (absl::StrContains(lower, tar)) return absl::StrCat("/vsitar/", path);
  }
  return path;
}

}  // namespace arpent::storage
