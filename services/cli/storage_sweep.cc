#include "services/cli/storage_sweep.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/match.h"
#include "common/base/parallel.h"
#include "common/base/resources.h"
#include "common/base/status.h"
#include "common/product/publication.h"
#include "common/rpc/site_rules.h"

namespace arpent::cli {
namespace {

using arpent::product::v1::Product;

constexpr absl::Duration kFresh = absl::Hours(24);
constexpr absl::string_view kSweptPrefixes[] = {"l2a/",     "align/",     "composite/",  "vegetation/", "samples/",
                                                "models/",  "crop-mask/", "crop-type/",  "validation/", "map/"};

bool IsSwept(const std::string& path) {
  return std::any_of(std::begin(kSweptPrefixes), std::end(kSweptPrefixes),
                     [&path](absl::string_view prefix) { return absl::StartsWith(path, prefix); });
}

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

// How long a stage's products are kept, as its site says; none: for ever.
class Retention {
 public:
  static absl::StatusOr<Retention> Of(const std::vector<arpent::site::v1::Site>& sites) {
    Retention retention;
    for (const auto& site : sites) {
      retention.sites_.insert(site.name());
      for (const auto& [stage, text] : site.retention()) {
        if (text == "keep") continue;
        ARPENT_ASSIGN_OR_RETURN(const absl::Duration span, rpc::ParseSpan(text));
        retention.spans_[stage][site.name()] = {span, text};
      }
    }
    return retention;
  }

  struct Span {
    absl::Duration span;
    std::string text;
  };

  std::optional<Span> For(const Product& product) const {
    const auto stage = spans_.find(product.stage());
    if (stage == spans_.end()) return std::nullopt;
    if (!product.site().empty()) {
      const auto own = stage->second.find(product.site());
      return own == stage->second.end() ? std::nullopt : std::optional(own->second);
    }
    // A site that keeps for ever keeps what others share with it.
    if (stage->second.size() < sites_.size()) return std::nullopt;
    return std::max_element(stage->second.begin(), stage->second.end(), [](const auto& a, const auto& b) {
             return a.second.span < b.second.span;
           })->second;
  }

 private:
  std::set<std::string> sites_;
  std::map<std::string, std::map<std::string, Span>> spans_;  // by stage and site
};

// When the folder's product was published; none when its run.json does not say.
std::optional<absl::Time> PublishedAt(const storage::StoreSet& stores, const std::string& uri) {
  const absl::StatusOr<std::string> record = stores.ReadAll(uri + "/run.json");
  if (!record.ok()) return std::nullopt;
  const auto json = nlohmann::json::parse(*record, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("published") || !json["published"].is_string()) return std::nullopt;
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, json["published"].get<std::string>(), &time, &error)) return std::nullopt;
  return time;
}

// Why a product may go; "" when it stays whatever else there is.
std::string Verdict(const storage::StoreSet& stores, const SweepState& state, const Retention& retention,
                    const Product& product) {
  if (state.in_use.contains(product.uri())) return "";
  if (!product.current()) return "old version";
  const auto span = retention.For(product);
  if (!span) return "";
  const auto published = PublishedAt(stores, product.uri());
  return published && state.now - *published > span->span ? absl::StrCat("older than ", span->text) : "";
}

// Takes out of `going` (by key) all that the products of `kept` were made of, and what those were made of.
absl::Status Spare(const storage::StoreSet& stores, std::vector<std::string> kept,
                   std::map<std::string, SweepPlan::Removal>& going) {
  while (!kept.empty() && !going.empty()) {
    std::vector<std::vector<product::InputRecord>> inputs(kept.size());
    ARPENT_RETURN_IF_ERROR(ParallelFor(kept.size(), DetectResourceLimits().Threads(), [&](size_t i) -> absl::Status {
      const absl::StatusOr<product::ProductDescription> item = product::ReadDescription(stores, kept[i]);
      if (absl::IsNotFound(item.status())) return absl::OkStatus();  // what is not there refers to nothing
      ARPENT_RETURN_IF_ERROR(item.status());
      inputs[i] = item->inputs;
      return absl::OkStatus();
    }));
    kept.clear();
    for (const auto& of_one : inputs) {
      for (const product::InputRecord& input : of_one) {
        const auto spared = going.find(input.key);
        if (spared == going.end()) continue;
        kept.push_back(storage::StoreUri{"output", spared->second.folder}.ToString());
        going.erase(spared);
      }
    }
  }
  return absl::OkStatus();
}

struct Folder {
  std::vector<storage::ObjectInfo> objects;
  bool published = false;
};

absl::StatusOr<std::map<std::string, Folder>> ListFolders(storage::ObjectStore& output) {
  ARPENT_ASSIGN_OR_RETURN(const auto objects, output.List("", /*recursive=*/true));
  std::map<std::string, Folder> folders;
  for (const storage::ObjectInfo& object : objects) {
    if (!IsSwept(object.path)) continue;
    Folder& folder = folders[FolderOf(object.path)];
    const bool item = absl::EndsWith(object.path, "/item.json");
    folder.published = folder.published || item;
    folder.objects.insert(item ? folder.objects.begin() : folder.objects.end(), object);
  }
  return folders;
}

}  // namespace

absl::StatusOr<SweepPlan> PlanSweep(const storage::StoreSet& stores, const SweepState& state) {
  ARPENT_ASSIGN_OR_RETURN(const Retention retention, Retention::Of(state.sites));
  std::vector<std::string> verdicts(state.products.size());
  ARPENT_RETURN_IF_ERROR(ParallelFor(state.products.size(), DetectResourceLimits().Threads(), [&](size_t i) {
    verdicts[i] = Verdict(stores, state, retention, state.products[i]);
    return absl::OkStatus();
  }));
  std::map<std::string, SweepPlan::Removal> going;  // by key
  std::vector<std::string> kept;
  std::set<std::string> known;  // folders
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const Product& product = state.products[i];
    ARPENT_ASSIGN_OR_RETURN(const storage::StoreUri uri, storage::StoreUri::Parse(product.uri()));
    known.insert(uri.path);
    if (verdicts[i].empty()) {
      kept.push_back(product.uri());
    } else {
      going[product.key()] = {uri.path, product.key(), verdicts[i], {}};
    }
  }
  ARPENT_RETURN_IF_ERROR(Spare(stores, std::move(kept), going));

  std::map<std::string, SweepPlan::Removal> by_folder;
  for (auto& [key, removal] : going) by_folder[removal.folder] = std::move(removal);
  ARPENT_ASSIGN_OR_RETURN(storage::ObjectStore * output, stores.Find("output"));
  ARPENT_ASSIGN_OR_RETURN(const auto folders, ListFolders(*output));
  SweepPlan plan;
  for (const auto& [path, folder] : folders) {
    if (!folder.published) continue;
    auto removal = by_folder.find(path);
    if (removal == by_folder.end()) {
      if (known.contains(path)) continue;
      if (state.runs_in_progress) {
        const auto published = PublishedAt(stores, storage::StoreUri{"output", path}.ToString());
        if (!published || state.now - *published < kFresh) continue;
      }
      removal = by_folder.emplace(path, SweepPlan::Removal{path, "", "unknown", {}}).first;
    }
    for (const storage::ObjectInfo& object : folder.objects) {
      removal->second.objects.push_back(object.path);
      plan.bytes += object.size_bytes;
    }
  }
  for (auto& [path, removal] : by_folder) plan.removals.push_back(std::move(removal));
  return plan;
}

absl::Status Sweep(storage::ObjectStore& output, const SweepPlan& plan,
                   const std::function<absl::Status(const std::string& key)>& forget) {
  for (const SweepPlan::Removal& removal : plan.removals) {
    if (!removal.key.empty()) {
      const absl::Status forgotten = forget(removal.key);
      if (!forgotten.ok() && !absl::IsNotFound(forgotten)) return forgotten;
    }
    for (const std::string& path : removal.objects) ARPENT_RETURN_IF_ERROR(output.Delete(path));
  }
  return absl::OkStatus();
}

}  // namespace arpent::cli
