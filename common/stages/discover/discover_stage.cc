#include "common/stages/discover/discover_stage.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "common/base/status.h"
#include "common/stages/discover/l2a_products.h"

namespace arpent::stages {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;

absl::StatusOr<HexDigest> DigestOf(const storage::StoreSet& stores, const std::string& uri) {
  ARPENT_ASSIGN_OR_RETURN(const storage::StoreUri parsed, storage::StoreUri::Parse(uri));
  ARPENT_ASSIGN_OR_RETURN(storage::ObjectStore * store, stores.Find(parsed.store));
  ARPENT_ASSIGN_OR_RETURN(const storage::ObjectInfo object, store->Stat(parsed.path));
  if (object.is_folder) return absl::InvalidArgumentError(absl::StrCat(uri, ": is a folder, a file is needed"));
  Sha256 digest;
  std::vector<char> chunk(kChunkBytes);
  for (int64_t offset = 0; offset < object.size_bytes;) {
    ARPENT_ASSIGN_OR_RETURN(const size_t count,
                            store->Read(parsed.path, object.etag, offset, chunk.size(), chunk.data()));
    if (count == 0) return absl::DataLossError(absl::StrCat(uri, ": ends too soon"));
    digest.Update(absl::string_view(chunk.data(), count));
    offset += count;
  }
  return digest.Finish();
}

// The file and, of a Shapefile, its siblings that carry attributes, index and CRS.
absl::StatusOr<HexDigest> DigestOfDataSet(const storage::StoreSet& stores, const std::string& uri) {
  ARPENT_ASSIGN_OR_RETURN(const HexDigest main, DigestOf(stores, uri));
  if (!absl::EndsWith(uri, ".shp")) return main;
  Sha256 digest;
  digest.UpdateField(main);
  for (const char* extension : {".dbf", ".prj", ".cpg"}) {
    const std::string sibling = uri.substr(0, uri.size() - 4) + extension;
    const absl::StatusOr<HexDigest> part = DigestOf(stores, sibling);
    if (absl::IsNotFound(part.status())) continue;
    ARPENT_RETURN_IF_ERROR(part.status());
    digest.UpdateField(extension).UpdateField(*part);
  }
  return digest.Finish();
}

}  // namespace

absl::StatusOr<TaskResult> RunDiscover(const TaskSpec& task, const StageContext& context) {
  ARPENT_ASSIGN_OR_RETURN(const std::string kind, task.parameters.GetString("kind"));
  if (task.inputs.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat("discover takes one input, not ", task.inputs.size()));
  }
  const std::string& uri = task.inputs.front().uri;
  TaskResult result;
  if (kind == "arpent-l2a") {
    ARPENT_ASSIGN_OR_RETURN(result.listing, ListL2aProducts(*context.stores, uri, context.threads));
    return result;
  }
  if (kind != "file") {
    ARPENT_ASSIGN_OR_RETURN(result.listing, scene::ListScenes(context.stores, uri, kind, context.threads));
    return result;
  }
  scene::FoundScene file;
  file.uri = uri;
  file.kind = kind;
  file.product_id = uri.substr(uri.rfind('/') + 1);
  ARPENT_ASSIGN_OR_RETURN(file.digest, DigestOfDataSet(*context.stores, uri));
  result.listing.scenes.push_back(std::move(file));
  return result;
}

}  // namespace arpent::stages
