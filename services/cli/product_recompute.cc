#include "services/cli/product_recompute.h"

#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_split.h"
#include "common/base/resources.h"
#include "common/base/status.h"
#include "common/stages/catalog.h"
#include "common/storage/file_store.h"
#include "services/worker/all_stages.h"
#include "services/worker/worker_factory.h"

namespace arpent::cli {
namespace {

using arpent::product::v1::Product;

// A local folder that goes when nobody needs it any more.
class LocalFolder {
 public:
  static absl::StatusOr<std::unique_ptr<LocalFolder>> Make() {
    std::string pattern = (std::filesystem::temp_directory_path() / "arpent-verify-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return ErrnoStatus(errno, pattern);
    std::unique_ptr<LocalFolder> folder(new LocalFolder);
    folder->path_ = pattern;
    for (const char* part : {"output", "scratch"}) std::filesystem::create_directories(folder->path_ + "/" + part);
    return folder;
  }
  ~LocalFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string output() const { return path_ + "/output"; }
  std::string scratch() const { return path_ + "/scratch"; }

 private:
  LocalFolder() = default;
  std::string path_;
};

// Reads go to the installation's store, writes to a folder of this machine, which hides what it has.
class OverlaidStore final : public storage::ObjectStore {
 public:
  OverlaidStore(std::shared_ptr<storage::ObjectStore> below, std::shared_ptr<storage::ObjectStore> own)
      : below_(std::move(below)), own_(std::move(own)) {}

  absl::StatusOr<storage::ObjectInfo> Stat(const std::string& path) override {
    absl::StatusOr<storage::ObjectInfo> here = own_->Stat(path);
    return absl::IsNotFound(here.status()) || (here.ok() && here->is_folder) ? below_->Stat(path) : here;
  }
  absl::StatusOr<std::vector<storage::ObjectInfo>> List(const std::string& prefix, bool recursive) override {
    return below_->List(prefix, recursive);
  }
  absl::StatusOr<size_t> Read(const std::string& path, const std::string& etag, int64_t offset, size_t length,
                              char* buffer) override {
    const absl::StatusOr<storage::ObjectInfo> here = own_->Stat(path);
    return (here.ok() && !here->is_folder ? *own_ : *below_).Read(path, etag, offset, length, buffer);
  }
  absl::StatusOr<storage::ObjectInfo> Write(const std::string& path, int64_t size_bytes,
                                            const storage::ByteProducer& producer) override {
    return own_->Write(path, size_bytes, producer);
  }
  absl::Status Delete(const std::string& path) override { return own_->Delete(path); }

 private:
  const std::shared_ptr<storage::ObjectStore> below_;
  const std::shared_ptr<storage::ObjectStore> own_;
};

// What fields of the unit a product's folder may stand for, by stage (common/product/layout.h).
std::vector<stages::TaskSpec> UnitsOf(const std::string& stage, const std::string& folder) {
  const std::vector<std::string> parts = absl::StrSplit(folder, '/');
  if (parts.size() < 3) return {};
  const std::string name = parts.back().substr(0, parts.back().rfind('_'));
  stages::TaskSpec unit;
  if (stage == "l2a" || stage == "align" || stage == "composite" || stage == "vegetation") {
    unit.tile = parts[1];
    stages::TaskSpec of_period = unit;
    unit.acquisition = name;
    of_period.period = name;
    return {unit, of_period};
  }
  unit.site = parts[1];
  unit.season = parts[2];
  if (stage == "validate" || stage == "map") return {unit};
  stages::TaskSpec of_tile = unit, of_stratum = unit;
  of_tile.tile = name;
  of_stratum.stratum = name.substr(0, name.rfind('-'));          // "all-crop" of "all-crop-mask"
  stages::TaskSpec of_whole_name = of_stratum, of_first = of_stratum;
  of_first.stratum = of_stratum.stratum.substr(0, of_stratum.stratum.rfind('-'));
  of_whole_name.stratum = name;
  return {of_tile, of_first, of_stratum, of_whole_name, unit};
}

absl::Status Compare(const Product& published, const product::PublishedProduct& again) {
  std::map<std::string, const product::PublishedAsset*> made;
  for (const product::PublishedAsset& asset : again.assets) made[asset.name] = &asset;
  for (const auto& asset : published.assets()) {
    const auto found = made.find(asset.name());
    if (found == made.end()) return absl::DataLossError(absl::StrCat(asset.file(), ": was not made again"));
    if (found->second->pixel_digest != asset.pixel_digest()) {
      return absl::DataLossError(absl::StrCat(asset.file(), ": has other pixels when it is made again"));
    }
    if (found->second->sha256 != asset.sha256()) {
      return absl::DataLossError(absl::StrCat(asset.file(), ": has other bytes when it is made again"));
    }
  }
  if (again.assets.size() != static_cast<size_t>(published.assets_size())) {
    return absl::DataLossError(absl::StrCat(again.assets.size(), " assets are made again, ", published.assets_size(),
                                            " are published"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<stages::TaskSpec> TaskOf(const product::ProductDescription& item, const std::string& run_record,
                                        const Product& product) {
  std::vector<stages::TaskInput> inputs;
  try {
    const nlohmann::json record = nlohmann::json::parse(run_record);
    for (const nlohmann::json& input : record.at("inputs")) {
      inputs.push_back({input.at("role").get<std::string>(), input.at("key").get<std::string>(),
                        input.at("uri").get<std::string>()});
    }
  } catch (const nlohmann::json::exception& error) {
    return absl::DataLossError(absl::StrCat("run.json is damaged: ", error.what()));
  }
  ARPENT_ASSIGN_OR_RETURN(const stages::StageInfo* stage, stages::FindStage(item.stage));
  if (stage->algorithm_version != item.algorithm_version) {
    return absl::FailedPreconditionError(absl::StrCat("it was made by ", item.stage, "@", item.algorithm_version,
                                                      ", this program has ", item.stage, "@", stage->algorithm_version));
  }
  for (stages::TaskSpec task : UnitsOf(item.stage, item.folder)) {
    task.stage = item.stage;
    task.algorithm_version = item.algorithm_version;
    task.parameters = item.parameters;
    task.inputs = inputs;
    task.degraded = item.degraded;
    if (task.Key() == product.key()) return task;
  }
  return absl::FailedPreconditionError("its item does not say all that made it: what it says gives another key");
}

absl::Status Recompute(const RecomputeOptions& options, const Product& product) {
  ARPENT_ASSIGN_OR_RETURN(const std::shared_ptr<storage::ObjectStore> output, options.open_store("output"));
  auto stores = std::make_shared<storage::StoreSet>();
  ARPENT_ASSIGN_OR_RETURN(const std::unique_ptr<LocalFolder> folder, LocalFolder::Make());
  ARPENT_ASSIGN_OR_RETURN(auto own, storage::FileStore::Open(folder->output()));
  stores->Add("output", std::make_shared<OverlaidStore>(output, std::move(own)));

  ARPENT_ASSIGN_OR_RETURN(const product::ProductDescription item, product::ReadDescription(*stores, product.uri()));
  ARPENT_ASSIGN_OR_RETURN(const std::string run_record, stores->ReadAll(product.uri() + "/run.json"));
  ARPENT_ASSIGN_OR_RETURN(const stages::TaskSpec task, TaskOf(item, run_record, product));
  std::set<std::string> names = {"output"};
  for (const stages::TaskInput& input : task.inputs) {
    const auto uri = storage::StoreUri::Parse(input.uri);
    if (input.role == "tables" || !uri.ok() || !names.insert(uri->store).second) continue;
    ARPENT_ASSIGN_OR_RETURN(auto store, options.open_store(uri->store));
    stores->Add(uri->store, std::move(store));
  }
  storage::InstallVsiArpent(stores);
  const stages::StageRegistry registry = worker::AllStages();
  const auto stage = registry.find(task.stage);
  if (stage == registry.end()) return absl::UnimplementedError(absl::StrCat("this program has no stage ", task.stage));
  const ResourceLimits limits = DetectResourceLimits();
  stages::StageContext context;
  context.stores = stores;
  context.scratch = folder->scratch();
  context.tables = worker::TablesFolder(options.tables);
  context.threads = options.threads > 0 ? options.threads : limits.Threads();
  context.memory_bytes = limits.memory_bytes;
  ARPENT_ASSIGN_OR_RETURN(const stages::TaskResult result, stage->second(task, context));
  if (result.outcome != stages::TaskResult::Outcome::kDone) {
    return absl::DataLossError(absl::StrCat("made again, it is skipped as ", result.skip_reason));
  }
  return Compare(product, result.product);
}

}  // namespace arpent::cli
