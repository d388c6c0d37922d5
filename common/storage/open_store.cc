#include "common/storage/open_store.h"

#include <map>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/storage/file_store.h"
#include "common/storage/s3_store.h"
#include "common/storage/stores.h"

namespace arpent::storage {
namespace {

// The options behind '?', each of which must be taken.
class UriOptions {
 public:
  static absl::StatusOr<UriOptions> Parse(absl::string_view uri, absl::string_view text) {
    UriOptions options;
    options.uri_ = std::string(uri);
    for (const absl::string_view pair : absl::StrSplit(text, '&', absl::SkipEmpty())) {
      const std::vector<std::string> parts = absl::StrSplit(pair, absl::MaxSplits('=', 1));
      if (parts.size() != 2) {
        return absl::InvalidArgumentError(absl::StrCat("store ", uri, ": option '", pair, "' has no value"));
      }
      options.values_[parts[0]] = parts[1];
    }
    return options;
  }

  // One of `allowed`, or "" when the option is absent.
  absl::StatusOr<std::string> TakeOneOf(const std::string& name, const std::vector<std::string>& allowed) {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::string();
    const std::string value = found->second;
    values_.erase(found);
    for (const std::string& choice : allowed) {
      if (value == choice) return value;
    }
    return absl::InvalidArgumentError(absl::StrCat("store ", uri_, ": ", name, "=", value, " is not known"));
  }

  std::string Take(const std::string& name) {
    const auto found = values_.find(name);
    if (found == values_.end()) return "";
    std::string value = std::move(found->second);
    values_.erase(found);
    return value;
  }

  absl::StatusOr<bool> TakeBool(const std::string& name) {
    ARPENT_ASSIGN_OR_RETURN(const std::string value, TakeOneOf(name, {"true", "false"}));
    return value == "true";
  }

  absl::Status CheckAllTaken() const {
    if (values_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("store ", uri_, ": unknown option '", values_.begin()->first, "'"));
  }

 private:
  std::string uri_;
  std::map<std::string, std::string> values_;
};

absl::StatusOr<std::shared_ptr<ObjectStore>> OpenFolder(const std::string& path, UriOptions options) {
  ARPENT_ASSIGN_OR_RETURN(const bool create, options.TakeBool("create"));
  ARPENT_ASSIGN_OR_RETURN(const std::string links, options.TakeOneOf("links", {"follow", "inside"}));
  ARPENT_RETURN_IF_ERROR(options.CheckAllTaken());
  return FileStore::Open(path, {.follow_links_outside = links == "follow", .create_root = create});
}

absl::StatusOr<std::shared_ptr<ObjectStore>> OpenBucket(absl::string_view place, UriOptions options) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(place, absl::MaxSplits('/', 1));
  S3Options s3{.bucket = parts.first, .prefix = parts.second};
  s3.endpoint = options.Take("endpoint");
  s3.region = options.Take("region");
  s3.credentials_file = options.Take("credentials");
  ARPENT_ASSIGN_OR_RETURN(s3.path_style, options.TakeBool("path-style"));
  ARPENT_ASSIGN_OR_RETURN(s3.requester_pays, options.TakeBool("requester-pays"));
  ARPENT_ASSIGN_OR_RETURN(s3.anonymous, options.TakeBool("anonymous"));
  ARPENT_RETURN_IF_ERROR(options.CheckAllTaken());
  return S3Store::Open(s3);
}

}  // namespace

absl::StatusOr<std::shared_ptr<ObjectStore>> OpenStore(const std::string& uri) {
  const std::vector<std::string> parts = absl::StrSplit(uri, absl::MaxSplits('?', 1));
  ARPENT_ASSIGN_OR_RETURN(UriOptions options, UriOptions::Parse(uri, parts.size() > 1 ? parts[1] : ""));
  absl::string_view place = parts[0];
  if (absl::ConsumePrefix(&place, "s3://")) return OpenBucket(place, std::move(options));
  absl::ConsumePrefix(&place, "file://");
  if (absl::StartsWith(place, "/")) return OpenFolder(std::string(place), std::move(options));
  return absl::InvalidArgumentError(absl::StrCat("store ", uri, ": expected file:///FOLDER, an absolute path or s3://BUCKET/PREFIX"));
}

absl::Status TakeRequestLimits(std::string* uri, RequestLimits* limits) {
  const std::vector<std::string> parts = absl::StrSplit(*uri, absl::MaxSplits('?', 1));
  if (parts.size() < 2) return absl::OkStatus();
  std::vector<absl::string_view> others;
  for (const absl::string_view pair : absl::StrSplit(parts[1], '&', absl::SkipEmpty())) {
    absl::string_view value = pair;
    bool good = true;
    if (absl::ConsumePrefix(&value, "requests-at-once=")) {
      good = absl::SimpleAtoi(value, &limits->at_once) && limits->at_once > 0;
    } else if (absl::ConsumePrefix(&value, "requests-per-second=")) {
      good = absl::SimpleAtod(value, &limits->per_second) && limits->per_second >= 0;
    } else {
      others.push_back(pair);
    }
    if (!good) return absl::InvalidArgumentError(absl::StrCat("store ", *uri, ": '", pair, "' has no such number"));
  }
  *uri = others.empty() ? parts[0] : absl::StrCat(parts[0], "?", absl::StrJoin(others, "&"));
  return absl::OkStatus();
}

absl::StatusOr<std::pair<std::string, std::string>> ParseNamedUri(absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
  if (parts.size() != 2 || !StoreUri::Parse(absl::StrCat(parts[0], ":/")).ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "': expected NAME=URI with a name of a-z, 0-9, '-' and '_', as input=file:///data"));
  }
  return std::make_pair(parts[0], parts[1]);
}

}  // namespace arpent::storage
