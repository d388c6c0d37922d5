#include "services/coordinator/sweep/sweep_plan.h"

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

namespace arpent::coordinator {
namespace {

using product::v1::Product;

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
  static absl::StatusOr<Retention> Of(const std::vector<site::v1::Site>& sites) {
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
  if (!product.current()) return kOldVersion;
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

constexpr absl::string_view kWork = "work/";

struct Folder {
  std::vector<storage::ObjectInfo> objects;
  bool published = false;
  absl::Time newest = absl::InfinitePast();  // of its objects; InfiniteFuture: not known

  void Add(const storage::ObjectInfo& object) {
    const bool item = absl::EndsWith(object.path, "/item.json");
    published = published || item;
    objects.insert(item ? objects.begin() : objects.end(), object);
    newest = std::max(newest, object.modified);
  }
};

// work/{key}/... -> work/{key}
std::string WorkFolderOf(const std::string& path) { return path.substr(0, path.find('/', kWork.size())); }

absl::StatusOr<std::map<std::string, Folder>> ListFolders(storage::ObjectStore& output) {
  ARPENT_ASSIGN_OR_RETURN(const auto objects, output.List("", /*recursive=*/true));
  std::map<std::string, Folder> folders;
  for (const storage::ObjectInfo& object : objects) {
    if (absl::StartsWith(object.path, kWork)) folders[WorkFolderOf(object.path)].Add(object);
    if (IsSwept(object.path)) folders[FolderOf(object.path)].Add(object);
  }
  return folders;
}

bool IsOpen(const SweepState& state, const std::string& key_digits) {
  const auto key = state.open_keys.lower_bound(key_digits);
  return key != state.open_keys.end() && absl::StartsWith(*key, key_digits);
}

// A product's folder is named by the first digits of its key; what else lies there (a collection) is nobody's to remove.
bool IsNamedByKey(const std::string& folder) {
  const size_t begin = folder.rfind('_') + 1;
  return begin > 0 && folder.size() - begin == 12 && folder.find_first_not_of("0123456789abcdef", begin) == std::string::npos;
}

// Why a folder may go that belongs to no product the coordinator knows; "" when it stays.
std::string VerdictOfUnknown(const storage::StoreSet& stores, const SweepState& state, const std::string& path,
                             const Folder& folder) {
  const bool is_work = absl::StartsWith(path, kWork);
  if (IsOpen(state, SweepPlan::Removal{.folder = path}.KeyDigits())) return "";
  if (!folder.published || is_work) {
    if (state.now - folder.newest < kFresh) return "";
    if (is_work) return kLeftOverWork;
    return IsNamedByKey(path) ? kUnfinished : "";
  }
  if (!state.runs_in_progress) return kUnknown;
  const auto published = PublishedAt(stores, storage::StoreUri{"output", path}.ToString());
  return published && state.now - *published >= kFresh ? kUnknown : "";
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
      going[product.key()] = {.folder = uri.path, .key = product.key(), .reason = verdicts[i]};
    }
  }
  ARPENT_RETURN_IF_ERROR(Spare(stores, std::move(kept), going));

  std::map<std::string, SweepPlan::Removal> by_folder;
  for (auto& [key, removal] : going) by_folder[removal.folder] = std::move(removal);
  ARPENT_ASSIGN_OR_RETURN(storage::ObjectStore * output, stores.Find("output"));
  ARPENT_ASSIGN_OR_RETURN(const auto folders, ListFolders(*output));
  SweepPlan plan;
  for (const auto& [path, folder] : folders) {
    auto removal = by_folder.find(path);
    if (removal == by_folder.end()) {
      if (known.contains(path)) continue;
      const std::string reason = VerdictOfUnknown(stores, state, path, folder);
      if (reason.empty()) continue;
      removal = by_folder.emplace(path, SweepPlan::Removal{.folder = path, .reason = reason}).first;
    }
    for (const storage::ObjectInfo& object : folder.objects) {
      removal->second.objects.push_back(object.path);
      removal->second.bytes += object.size_bytes;
    }
    plan.bytes += removal->second.bytes;
  }
  for (auto& [path, removal] : by_folder) plan.removals.push_back(std::move(removal));
  return plan;
}

absl::Status Remove(storage::ObjectStore& output, const SweepPlan::Removal& removal) {
  for (const std::string& path : removal.objects) ARPENT_RETURN_IF_ERROR(output.Delete(path));
  return absl::OkStatus();
}

absl::Status Sweep(storage::ObjectStore& output, const SweepPlan& plan,
                   const std::function<absl::Status(const std::string& key)>& forget) {
  for (const SweepPlan::Removal& removal : plan.removals) {
    if (!removal.key.empty()) {
      const absl::Status forgotten = forget(removal.key);
      if (!forgotten.ok() && !absl::IsNotFound(forgotten)) return forgotten;
    }
    ARPENT_RETURN_IF_ERROR(Remove(output, removal));
  }
  return absl::OkStatus();
}

}  // namespace arpent::coordinator
