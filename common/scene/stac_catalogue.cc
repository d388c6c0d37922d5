#include "common/scene/stac_catalogue.h"

#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"

namespace arpent::scene {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostDocuments = 1'000'000;  // a catalogue that refers to itself in new ways has an end

// The product that an asset belongs to; "" when the asset is something else.
std::string ProductOf(const std::string& asset) {
  if (absl::EndsWith(asset, ".zip") || absl::EndsWith(asset, ".SAFE")) return asset;
  for (const char* name : {"/MTD_MSIL1C.xml", "/MTD_MSIL2A.xml", "/manifest.safe"}) {
    if (absl::EndsWith(asset, name)) return asset.substr(0, asset.rfind('/'));
  }
  for (const char* name : {"_MTL.txt", "_MTL.json", "_MTD_ALL.xml"}) {
    if (absl::EndsWith(asset, name)) return asset.substr(0, asset.rfind('/'));
  }
  return "";
}

class Crawler {
 public:
  explicit Crawler(const storage::StoreSet& stores) : stores_(stores) {}

  absl::StatusOr<StacProducts> Follow(const std::string& root) {
    ARPENT_RETURN_IF_ERROR(Visit(root));
    while (!waiting_.empty() && seen_.size() < kMostDocuments) {
      const std::string next = *waiting_.begin();
      waiting_.erase(waiting_.begin());
      const absl::Status status = Visit(next);
      // A passing loss is no verdict on the document.
      if (absl::IsUnavailable(status) || absl::IsResourceExhausted(status)) return status;
      if (!status.ok()) rejected_.push_back({next, absl::InvalidArgumentError(status.message())});
    }
    StacProducts result;
    result.products.assign(products_.begin(), products_.end());
    result.rejected = std::move(rejected_);
    return result;
  }

 private:
  absl::Status Visit(const std::string& uri) {
    seen_.insert(uri);
    ARPENT_ASSIGN_OR_RETURN(const std::string bytes, stores_.ReadAll(uri));
    const Json document = Json::parse(bytes, nullptr, /*allow_exceptions=*/false);
    if (!document.is_object() || !document.contains("type") || !document["type"].is_string()) {
      return absl::InvalidArgumentError(absl::StrCat(uri, ": is no STAC document"));
    }
    return document["type"] == "Feature" ? VisitItem(uri, document) : VisitLinks(uri, document);
  }

  absl::Status VisitLinks(const std::string& uri, const Json& document) {
    if (!document.contains("links") || !document["links"].is_array()) {
      return absl::InvalidArgumentError(absl::StrCat(uri, ": has no links"));
    }
    for (const Json& link : document["links"]) {
      if (!link.is_object()) continue;
      const std::string relation = TextOf(link, "rel");
      if (relation != "child" && relation != "item") continue;
      const absl::StatusOr<std::string> target = ResolveHref(uri, TextOf(link, "href"));
      if (!target.ok()) {
        rejected_.push_back({uri, target.status()});
      } else if (!seen_.contains(*target)) {
        waiting_.insert(*target);
      }
    }
    return absl::OkStatus();
  }

  absl::Status VisitItem(const std::string& uri, const Json& item) {
    if (item.contains("assets") && item["assets"].is_object()) {
      for (const Json& asset : item["assets"]) {
        const std::string href = asset.is_object() ? TextOf(asset, "href") : "";
        if (ProductOf(href).empty()) continue;
        ARPENT_ASSIGN_OR_RETURN(const std::string target, ResolveHref(uri, href));
        products_.insert(ProductOf(target));
        return absl::OkStatus();
      }
    }
    return absl::InvalidArgumentError(
        absl::StrCat(uri, ": has no asset that is a product's metadata (MTD_MSIL1C.xml, *_MTL.txt, ...), manifest or .zip"));
  }

  static std::string TextOf(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
  }

  const storage::StoreSet& stores_;
  std::set<std::string> seen_, waiting_, products_;
  std::vector<RejectedInput> rejected_;
};

}  // namespace

absl::StatusOr<std::string> ResolveHref(const std::string& document, const std::string& href) {
  const size_t colon = href.find(":/");
  if (colon != std::string::npos && href.compare(colon, 3, "://") != 0) return href;  // a store's own URI
  if (href.empty() || colon != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(document, ": the link '", href, "' leads out of the store"));
  }
  ARPENT_ASSIGN_OR_RETURN(const storage::StoreUri base, storage::StoreUri::Parse(document));
  std::vector<std::string> path;
  if (href[0] != '/') {
    path = absl::StrSplit(base.path, '/');
    path.pop_back();
  }
  for (absl::string_view part : absl::StrSplit(href, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (part != "..") {
      path.emplace_back(part);
    } else if (path.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(document, ": the link '", href, "' leads out of the store"));
    } else {
      path.pop_back();
    }
  }
  return storage::StoreUri{base.store, absl::StrJoin(path, "/")}.ToString();
}

absl::StatusOr<StacProducts> FollowStac(const storage::StoreSet& stores, const std::string& uri) {
  return Crawler(stores).Follow(uri);
}

}  // namespace arpent::scene
