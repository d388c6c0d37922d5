#include "services/cli/storage_sweep.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "common/base/status.h"
#include "common/storage/stores.h"

namespace arpent::cli {
namespace {

constexpr absl::string_view kSweptPrefixes[] = {"l2a/",     "align/",     "composite/",  "vegetation/", "samples/",
                                                "models/",  "crop-mask/", "crop-type/",  "validation/", "map/"};

bool IsSwept(const std::string& path) {
  return std::any_of(std::begin(kSweptPrefixes), std::end(kSweptPrefixes),
                     [&path](absl::string_view prefix) { return absl::StartsWith(path, prefix); });
}

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

absl::StatusOr<SweepResult> SweepOutput(storage::ObjectStore& output,
                                        const arpent::product::v1::ListProductsResponse& current, bool dry_run) {
  std::set<std::string> kept;
  for (const auto& product : current.products()) {
    ARPENT_ASSIGN_OR_RETURN(const storage::StoreUri uri, storage::StoreUri::Parse(product.uri()));
    kept.insert(uri.path);
  }
  ARPENT_ASSIGN_OR_RETURN(const auto objects, output.List("", /*recursive=*/true));
  std::map<std::string, std::vector<storage::ObjectInfo>> folders;
  std::set<std::string> published;
  for (const storage::ObjectInfo& object : objects) {
    if (!IsSwept(object.path)) continue;
    folders[FolderOf(object.path)].push_back(object);
    if (absl::EndsWith(object.path, "/item.json")) published.insert(FolderOf(object.path));
  }
  SweepResult result;
  for (auto& [folder, contents] : folders) {
    if (kept.contains(folder) || !published.contains(folder)) continue;
    std::stable_partition(contents.begin(), contents.end(), [](const storage::ObjectInfo& object) {
      return absl::EndsWith(object.path, "/item.json");
    });
    for (const storage::ObjectInfo& object : contents) {
      if (!dry_run) ARPENT_RETURN_IF_ERROR(output.Delete(object.path));
      result.removed.push_back(object.path);
      result.bytes += object.size_bytes;
    }
  }
  std::sort(result.removed.begin(), result.removed.end());
  return result;
}

}  // namespace arpent::cli
