// Stores by URI, as the flag --store NAME=URI gives them.
#ifndef ARPENT_COMMON_STORAGE_OPEN_STORE_H_
#define ARPENT_COMMON_STORAGE_OPEN_STORE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/storage/object_store.h"

namespace arpent::storage {

// "file:///data/l1c" or "/data/l1c": a folder, made when absent with "?create=true"; "?links=follow" follows symbolic
// links that lead out of it. "s3://bucket/prefix" with "?endpoint=https://host:port", "region=", "path-style=true",
// "requester-pays=true", "anonymous=true", "credentials=FILE" (an AWS credentials file, a mounted secret for example; else the
// usual AWS variables and files). INVALID_ARGUMENT naming what is wrong with the URI; the errors of FileStore::Open.
absl::StatusOr<std::shared_ptr<ObjectStore>> OpenStore(const std::string& uri);

// What a provider allows one store: "?requests-at-once=16&requests-per-second=100" of its URI.
struct RequestLimits {
  int at_once = 64;
  double per_second = 0;  // 0: any number
};
// Takes those two options out of `uri`; what it does not say stays as in `limits`. INVALID_ARGUMENT when a value is no number.
absl::Status TakeRequestLimits(std::string* uri, RequestLimits* limits);

// "input=file:///data" -> ("input", "file:///data").
absl::StatusOr<std::pair<std::string, std::string>> ParseNamedUri(absl::string_view text);

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_OPEN_STORE_H_
