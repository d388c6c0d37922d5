#include "services/cli/storage_copy.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/status.h"

namespace arpent::cli {
namespace {

constexpr int kTries = 5;
constexpr absl::Duration kUntilSeen = absl::Seconds(1);  // a cache may not know yet what was changed

absl::Status CopyObject(storage::ObjectStore& from, const storage::ObjectInfo& object, storage::ObjectStore& to,
                        const std::string& target) {
  int64_t offset = 0;
  const storage::ByteProducer producer = [&](char* buffer, size_t capacity) -> absl::StatusOr<size_t> {
    if (offset >= object.size_bytes) return 0;
    ARPENT_ASSIGN_OR_RETURN(const size_t read, from.Read(object.path, object.etag, offset, capacity, buffer));
    if (read == 0) return absl::DataLossError(absl::StrCat(object.path, ": ends at byte ", offset, " of ", object.size_bytes));
    offset += static_cast<int64_t>(read);
    return read;
  };
  return to.Write(target, object.size_bytes, producer).status();
}

// Copies an object as it is now: again when it was replaced meanwhile, as the catalogue is at a run's end. False when it is
// gone since it was listed, as the parts of products are once they are assembled.
absl::StatusOr<bool> CopyAsItIs(storage::ObjectStore& from, storage::ObjectInfo& object, storage::ObjectStore& to,
                                const std::string& target) {
  for (int attempt = 1;; ++attempt) {
    const absl::Status status = CopyObject(from, object, to, target);
    if (status.ok()) return true;
    const bool changed = absl::IsFailedPrecondition(status) || absl::IsNotFound(status);
    if (!changed || attempt == kTries) return status;
    const absl::StatusOr<storage::ObjectInfo> now = from.Stat(object.path);
    if (absl::IsNotFound(now.status())) return false;
    ARPENT_RETURN_IF_ERROR(now.status());
    if (now->etag == object.etag) absl::SleepFor(kUntilSeen);
    object = *now;
  }
}

std::string Below(const std::string& folder, absl::string_view name) {
  return folder.empty() ? std::string(name) : absl::StrCat(folder, "/", name);
}

}  // namespace

absl::StatusOr<CopyResult> CopyObjects(storage::ObjectStore& from, const std::string& from_path, storage::ObjectStore& to,
                                       const std::string& to_path) {
  std::vector<storage::ObjectInfo> objects;
  std::string root = from_path;
  const absl::StatusOr<storage::ObjectInfo> single =
      from_path.empty() ? absl::NotFoundError("the root is a folder") : from.Stat(from_path);
  if (single.ok() && !single->is_folder) {
    objects = {*single};
  } else {
    ARPENT_ASSIGN_OR_RETURN(objects, from.List(from_path, /*recursive=*/true));
  }
  if (objects.empty()) return absl::NotFoundError(absl::StrCat("nothing is in '", from_path, "'"));
  std::stable_partition(objects.begin(), objects.end(), [](const storage::ObjectInfo& object) {
    return !absl::EndsWith(object.path, "item.json");
  });
  CopyResult result;
  for (storage::ObjectInfo& object : objects) {
    absl::string_view name = object.path;
    if (absl::ConsumePrefix(&name, root)) absl::ConsumePrefix(&name, "/");
    const std::string target = name.empty() ? to_path : Below(to_path, name);
    ARPENT_ASSIGN_OR_RETURN(const bool there, CopyAsItIs(from, object, to, target));
    if (!there) continue;
    ++result.objects;
    result.bytes += object.size_bytes;
  }
  return result;
}

}  // namespace arpent::cli
