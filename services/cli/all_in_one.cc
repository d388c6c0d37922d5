#include "services/cli/all_in_one.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <thread>

#include "common/base/resources.h"
#include "common/base/status.h"
#include "common/rpc/server.h"
#include "common/storage/file_store.h"
#include "common/telemetry/log.h"
#include "common/telemetry/metrics.h"
#include "services/coordinator/running_coordinator.h"
#include "services/tile_cache/cache_service.h"
#include "services/worker/all_stages.h"
#include "services/worker/worker_factory.h"

namespace arpent::cli {
namespace {

namespace fs = std::filesystem;

// One process at a time works in a root: two coordinators over one state would undo each other.
class RootLock {
 public:
  static absl::StatusOr<RootLock> Take(const std::string& root) {
    const std::string path = root + "/state/lock";
    RootLock lock;
    lock.descriptor_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock.descriptor_ < 0) return ErrnoStatus(errno, path);
    if (flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
      return absl::AlreadyExistsError(absl::StrCat(root, ": another arpent works here; wait for it, or give another --root"));
    }
    return lock;
  }
  RootLock() = default;
  RootLock(RootLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  RootLock& operator=(RootLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~RootLock() {
    if (descriptor_ >= 0) close(descriptor_);
  }

 private:
  int descriptor_ = -1;
};

worker::WorkerSettings SettingsOf(const AllInOneOptions& options, const std::string& root) {
  worker::WorkerSettings settings;
  settings.limits = DetectResourceLimits();
  if (options.cores > 0) settings.limits.cpus = options.cores;
  if (options.memory_mib > 0) settings.limits.memory_bytes = options.memory_mib << 20;
  settings.slots = options.tasks_at_once;
  settings.scratch = root + "/scratch";
  settings.tables = worker::TablesFolder(options.tables);
  // Nobody waits for a task that would end in a minute: it is handed back and done again.
  settings.drain_grace = absl::Seconds(2);
  return settings;
}

}  // namespace

// In the order of their lives: what is below uses what is above.
struct AllInOne::Parts {
  RootLock lock;
  SystemClock clock;
  telemetry::Metrics metrics;
  std::shared_ptr<const storage::StoreSet> stores;
  std::unique_ptr<coordinator::RunningCoordinator> coordinator;
  std::unique_ptr<rpc::Server> coordinator_server;
  std::unique_ptr<tile_cache::CacheService> cache;
  std::unique_ptr<rpc::Server> cache_server;
  std::unique_ptr<telemetry::MetricsServer> metrics_server;
  std::unique_ptr<worker::Worker> worker;
  std::thread worker_thread;
};

AllInOne::AllInOne(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<AllInOne>> AllInOne::Start(const AllInOneOptions& options) {
  auto parts = std::make_unique<Parts>();
  ARPENT_ASSIGN_OR_RETURN(const stages::StageRegistry registry, worker::AllStagesWith(options.processors));
  std::error_code error;
  const std::string root = fs::absolute(options.root).string();
  for (const char* folder : {"/output", "/state", "/scratch"}) fs::create_directories(root + folder, error);
  if (error) return absl::PermissionDeniedError(absl::StrCat(root, ": ", error.message()));
  ARPENT_ASSIGN_OR_RETURN(parts->lock, RootLock::Take(root));
  ARPENT_RETURN_IF_ERROR(telemetry::SetUpLogging("error", "text"));

  auto stores = std::make_shared<storage::StoreSet>();
  ARPENT_ASSIGN_OR_RETURN(auto machine, storage::FileStore::Open("/"));
  ARPENT_ASSIGN_OR_RETURN(std::shared_ptr<storage::ObjectStore> output, storage::FileStore::Open(root + "/output"));
  stores->Add("input", std::move(machine));
  stores->Add("output", output);
  parts->stores = stores;
  storage::InstallVsiArpent(stores);

  coordinator::CoordinatorOptions coordinator_options;
  coordinator_options.output = output;
  coordinator_options.sweep_interval = options.sweep_interval;
  coordinator_options.state = root + "/state/arpent.db";
  // The worker lives in this process: leases of an earlier one that was killed are nobody's.
  coordinator_options.policy.workers_died_with_us = true;
  ARPENT_ASSIGN_OR_RETURN(parts->coordinator,
                          coordinator::StartCoordinator(coordinator_options, parts->clock, parts->metrics));
  rpc::ServerOptions server;
  server.listen = options.listen;
  server.max_message_bytes = coordinator::kMaxMessageBytes;
  ARPENT_ASSIGN_OR_RETURN(parts->coordinator_server,
                          rpc::Server::Start(server, parts->coordinator->services(), parts->metrics));
  parts->cache = std::make_unique<tile_cache::CacheService>(stores);
  server = {};
  server.listen = options.cache_listen;
  ARPENT_ASSIGN_OR_RETURN(parts->cache_server, rpc::Server::Start(server, {parts->cache.get()}, parts->metrics));
  if (!options.metrics_listen.empty()) {
    ARPENT_ASSIGN_OR_RETURN(parts->metrics_server,
                            telemetry::MetricsServer::Start(options.metrics_listen, parts->metrics));
  }
  ARPENT_ASSIGN_OR_RETURN(parts->worker,
                          worker::MakeWorker(SettingsOf(options, root), registry, stores,
                                             parts->coordinator_server->InProcessChannel(), parts->metrics));
  parts->worker_thread = std::thread([worker = parts->worker.get()] { (void)worker->Run(); });
  return std::unique_ptr<AllInOne>(new AllInOne(std::move(parts)));
}

AllInOne::~AllInOne() {
  parts_->worker->Drain();
  parts_->worker_thread.join();
  parts_->coordinator->Stop();
  parts_->coordinator_server->Stop(absl::Seconds(2));
  parts_->cache_server->Stop(absl::Seconds(2));
}

ServerOptions AllInOne::client_options() const {
  ServerOptions client;
  client.coordinator = parts_->coordinator_server->address();
  client.cache = parts_->cache_server->address();
  return client;
}

const std::shared_ptr<const storage::StoreSet>& AllInOne::stores() const { return parts_->stores; }

std::string AllInOne::metrics_address() const {
  return parts_->metrics_server == nullptr ? "" : parts_->metrics_server->address();
}

void AddAllInOneOptions(CLI::App& command, AllInOneOptions& options) {
  const std::string group = "All in one";
  command.add_option("--root", options.root, "Folder for products (output/) and state (state/)")->capture_default_str()->group(group);
  command.add_option("--cores", options.cores, "0: as many as the cgroup allows")->check(CLI::Range(0, 4096))->group(group);
  command.add_option("--memory", options.memory_mib, "MiB for all tasks together; 0: what the cgroup allows")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30))
      ->group(group);
  command.add_option("--tasks-at-once", options.tasks_at_once, "0: sized for cores and memory")->check(CLI::Range(0, 4096))->group(group);
  command.add_option("--processors", options.processors, "File of external L2A processors by name (JSON), for sites that name one");
  command.add_option("--tables", options.tables, "Folder of the look-up tables (default: $ARPENT_TABLES, else beside the program)")
      ->group(group);
}

}  // namespace arpent::cli
