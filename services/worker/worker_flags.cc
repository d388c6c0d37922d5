#include "services/worker/worker_flags.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/program_flags.h"
#include "common/rpc/remote_store.h"
#include "common/storage/open_store.h"

namespace arpent::worker {
namespace {

template <typename T>
CLI::Option* AddFlag(CLI::App& app, const std::string& name, T& value, const std::string& help) {
  return app.add_option(name, value, help)->envname(rpc::VariableOf(name))->capture_default_str();
}

}  // namespace

void AddWorkerFlags(CLI::App& app, WorkerFlags& flags) {
  WorkerSettings& settings = flags.settings;
  settings.limits = DetectResourceLimits();
  settings.scratch = "/tmp/arpent";
  settings.tables = TablesFolder();
  AddFlag(app, "--coordinator", flags.coordinator, "host:port of the coordinator");
  AddFlag(app, "--cache", flags.cache, "host:port of the tile cache, shards with commas between them");
  AddFlag(app, "--cache-stores", flags.cache_stores, "names of the stores behind the tile cache")->delimiter(',');
  AddFlag(app, "--store", flags.stores, "NAME=URI of a store that this worker opens itself (repeatable)")->delimiter(',');
  AddFlag(app, "--stages", settings.stages, "stages to run; default: all")->delimiter(',');
  AddFlag(app, "--slots", settings.slots, "tasks at once; 0: sized for the cgroup");
  AddFlag(app, "--threads-per-task", settings.threads_per_task, "threads of each task; 0: sized for the cgroup");
  AddFlag(app, "--memory", settings.limits.memory_bytes, "bytes for everything, as 8GiB; default: the cgroup's limit")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false));
  AddFlag(app, "--scratch", settings.scratch, "local folder for work files; workers may share it");
  AddFlag(app, "--tables", settings.tables, "folder of the look-up tables");
  AddFlag(app, "--processors", flags.processors, "file of external L2A processors by name (JSON)");
  rpc::AddDurationFlag(app, "--drain-grace", settings.drain_grace, "time that running tasks get after SIGTERM");
  rpc::AddDurationFlag(app, "--lifetime", settings.lifetime, "drain and exit after about this time; 0: never", true);
}

absl::StatusOr<std::shared_ptr<const storage::StoreSet>> OpenStores(const WorkerFlags& flags,
                                                                    const rpc::ChannelOptions& channel, Clock& clock) {
  auto stores = std::make_shared<storage::StoreSet>();
  if (!flags.cache.empty()) {
    ARPENT_ASSIGN_OR_RETURN(const auto shards, rpc::CacheShards::Connect(flags.cache, channel));
    for (const std::string& name : flags.cache_stores) {
      stores->Add(name, std::make_shared<rpc::RemoteStore>(name, shards, rpc::RemoteStore::Options(), clock));
    }
  }
  for (const std::string& text : flags.stores) {
    ARPENT_ASSIGN_OR_RETURN(const auto named, storage::ParseNamedUri(text));
    auto store = storage::OpenStore(named.second);
    if (!store.ok()) return Annotate(store.status(), absl::StrCat("--store ", named.first));
    stores->Add(named.first, *std::move(store));
  }
  if (stores->all().empty()) return absl::InvalidArgumentError("no store: give --cache or --store");
  return stores;
}

}  // namespace arpent::worker
