#include "common/stages/discover/discover_stage.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "common/base/status.h"
#include "common/insitu/strata.h"
#include "common/insitu/vector_file.h"
#include "common/stages/discover/l2a_products.h"

namespace arpent::stages {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;

// Only the names of strata are wanted; where they lie is for the stages that work there.
constexpr geo::Grid kAnywhere{.epsg = 32631, .west = 500000, .north = 60, .pixel_m = 60, .width = 1, .height = 1};

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
  if (kind != "file" && kind != "area" && kind != "strata") {
    ARPENT_ASSIGN_OR_RETURN(result.listing, scene::ListScenes(context.stores, uri, kind, context.threads));
    return result;
  }
  scene::FoundScene file;
  file.uri = uri;
  file.kind = kind;
  file.product_id = uri.substr(uri.rfind('/') + 1);
  ARPENT_ASSIGN_OR_RETURN(file.digest, DigestOfDataSet(*context.stores, uri));
  if (kind == "area") {
    ARPENT_ASSIGN_OR_RETURN(const insitu::VectorFile area, insitu::VectorFile::Open(*context.stores, uri, ""));
    ARPENT_ASSIGN_OR_RETURN(const geo::Extent box, area.ExtentDegrees());
    file.west_deg = box.west, file.south_deg = box.south, file.east_deg = box.east, file.north_deg = box.north;
  }
  result.listing.scenes.push_back(std::move(file));
  if (kind != "strata") return result;
  ARPENT_ASSIGN_OR_RETURN(const std::string column, task.parameters.GetString("column"));
  ARPENT_ASSIGN_OR_RETURN(const insitu::Strata strata, insitu::Strata::Read(*context.stores, uri, column, kAnywhere));
  for (const std::string& name : strata.names()) {
    scene::FoundScene stratum;
    stratum.uri = uri;
    stratum.kind = "stratum";
    stratum.product_id = name;
    result.listing.scenes.push_back(std::move(stratum));
  }
  return result;
}

}  // namespace arpent::stages
