#include "services/tile_cache/gateway.h"

#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/rpc/program_flags.h"
#include "common/storage/caching_store.h"
#include "common/storage/limited_store.h"
#include "common/storage/measured_store.h"
#include "common/storage/open_store.h"
#include "common/telemetry/log.h"
#include "common/telemetry/node_metrics.h"

namespace arpent::tile_cache {
namespace {

constexpr absl::Duration kUnfinishedAge = absl::Hours(24);

template <typename T>
CLI::Option* AddFlag(CLI::App& app, const std::string& name, T& value, const std::string& help) {
  return app.add_option(name, value, help)->envname(rpc::VariableOf(name))->capture_default_str();
}

// GDAL knows endpoint and credentials by bucket.
absl::Status CheckBucket(const std::string& uri, std::map<std::string, std::string>* options_of_bucket) {
  const std::vector<std::string> parts = absl::StrSplit(uri, absl::MaxSplits('?', 1));
  if (!absl::StartsWith(uri, "s3://")) return absl::OkStatus();
  const std::string bucket = parts[0].substr(0, parts[0].find('/', 5));
  const std::string options = parts.size() > 1 ? parts[1] : "";
  const auto [known, is_new] = options_of_bucket->emplace(bucket, options);
  if (is_new || known->second == options) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("two stores of ", bucket, " must have the same options; serve one of them by another tile cache"));
}

}  // namespace

void AddGatewayFlags(CLI::App& app, GatewayOptions& options) {
  options.cache.disk_bytes = int64_t{20} << 30;
  const auto size = CLI::AsSizeValue(/*kb_is_1000=*/false);
  AddFlag(app, "--store", options.stores, "NAME=URI of a store (repeatable), as output=file:///data or s3://bucket/prefix")
      ->delimiter(',')
      ->required();
  AddFlag(app, "--memory", options.cache.memory_bytes, "bytes of blocks in memory, as 2GiB")->transform(size);
  AddFlag(app, "--disk", options.cache.disk_folder, "local folder for blocks on disk; empty for none");
  AddFlag(app, "--disk-size", options.cache.disk_bytes, "bytes of blocks on disk, as 100GiB")->transform(size);
  AddFlag(app, "--requests-at-once", options.limits.at_once, "requests to one store at once, unless its URI says requests-at-once=");
  AddFlag(app, "--requests-per-second", options.limits.per_second,
          "requests to one store a second, unless its URI says requests-per-second=; 0: any number");
}

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Open(const GatewayOptions& options, telemetry::Metrics& metrics,
                                                       Clock& clock) {
  auto gateway = std::unique_ptr<Gateway>(new Gateway);
  ARPENT_ASSIGN_OR_RETURN(gateway->cache_, storage::BlockCache::Open(options.cache, metrics));
  if (!options.cache.disk_folder.empty()) {
    gateway->disks_.push_back(telemetry::WatchDisk(metrics, "cache", options.cache.disk_folder));
  }
  std::map<std::string, std::string> buckets;
  auto stores = std::make_shared<storage::StoreSet>();
  for (const std::string& text : options.stores) {
    ARPENT_ASSIGN_OR_RETURN(const auto named, storage::ParseNamedUri(text));
    const std::string& name = named.first;
    std::string uri = named.second;
    storage::RequestLimits limits = options.limits;
    ARPENT_RETURN_IF_ERROR(storage::TakeRequestLimits(&uri, &limits));
    ARPENT_RETURN_IF_ERROR(CheckBucket(uri, &buckets));
    absl::StatusOr<std::shared_ptr<storage::ObjectStore>> opened = storage::OpenStore(uri);
    if (!opened.ok()) return Annotate(opened.status(), absl::StrCat("--store ", name));
    std::shared_ptr<storage::ObjectStore> store = *std::move(opened);
    storage::CachingStore::Options caching;
    if (auto folder = std::dynamic_pointer_cast<storage::FileStore>(store)) {
      gateway->folders_.push_back(folder);
      gateway->disks_.push_back(telemetry::WatchDisk(metrics, name, folder->root() + "/"));
    } else {
      // S3 does not tell which version a PUT made: what is asked afterwards may be another writer's.
      caching.longest_write_through = 0;
    }
    store = std::make_shared<storage::LimitedStore>(
        name, std::move(store),
        storage::LimitedStore::Options{.at_once = limits.at_once, .per_second = limits.per_second}, clock);
    store = std::make_shared<storage::MeasuredStore>(name, std::move(store), metrics);
    stores->Add(name, std::make_shared<storage::CachingStore>(name, std::move(store), *gateway->cache_,
                                                              caching, clock));
  }
  gateway->stores_ = std::move(stores);
  gateway->sweeper_ = std::thread([raw = gateway.get()] { raw->SweepEveryHour(); });
  return gateway;
}

Gateway::~Gateway() {
  stop_.Notify();
  if (sweeper_.joinable()) sweeper_.join();
}

void Gateway::SweepEveryHour() {
  do {
    for (const auto& folder : folders_) {
      const absl::StatusOr<int> removed = folder->SweepUnfinished(kUnfinishedAge);
      if (!removed.ok()) {
        telemetry::Log(telemetry::LogLevel::kWarning, "unfinished writes cannot be swept",
                       {{"folder", folder->root()}, {"error", std::string(removed.status().message())}});
      }
    }
  } while (!stop_.WaitForNotificationWithTimeout(absl::Hours(1)));
}

}  // namespace arpent::tile_cache
