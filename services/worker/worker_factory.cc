#include "services/worker/worker_factory.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/kernels/atmosphere/tables.h"
#include "common/stages/catalog.h"
#include "common/telemetry/log.h"
#include "common/telemetry/node_metrics.h"
#include "services/worker/scratch_folder.h"

namespace arpent::worker {
namespace {

namespace fs = std::filesystem;

// The stages that `names` choose out of the registry (all when it is empty).
absl::StatusOr<stages::StageRegistry> Choose(const std::vector<std::string>& names, stages::StageRegistry registry) {
  if (names.empty()) return registry;
  stages::StageRegistry chosen;
  for (const std::string& name : names) {
    ARPENT_RETURN_IF_ERROR(stages::FindStage(name).status());
    const auto found = registry.find(name);
    if (found == registry.end()) return absl::InvalidArgumentError(absl::StrCat("this build lacks the stage ", name));
    chosen.insert(*found);
    for (const auto& stage : registry) {
      if (absl::StartsWith(stage.first, name + "+")) chosen.insert(stage);  // its processors
    }
  }
  return chosen;
}

// "l2a@1#<digest>" for the stage that reads tables, "l2a@1#<digest>+maja" for each processor that it has beside, "composite@1" for the others. Without tables the stage cannot run
// and is not offered.
absl::StatusOr<std::vector<std::string>> Offer(const std::string& tables, stages::StageRegistry* registry) {
  const std::string file = absl::StrCat(tables, "/", kernels::kTablesFileName);
  std::vector<std::string> offered;
  for (const stages::StageInfo& info : stages::StageCatalog()) {
    if (registry->count(info.name) == 0) continue;
    if (info.name != "l2a") {
      offered.push_back(info.Versioned());
      continue;
    }
    std::error_code ignored;
    if (!fs::exists(file, ignored)) {
      telemetry::Log(telemetry::LogLevel::kWarning, "the stage l2a is not offered: its tables are absent",
                     {{"file", file}});
      registry->erase(info.name);
      continue;
    }
    ARPENT_ASSIGN_OR_RETURN(const HexDigest digest, Sha256OfFile(file));
    const std::string own = absl::StrCat(info.Versioned(), "#", digest);
    offered.push_back(own);
    for (const auto& [name, function] : *registry) {
      if (absl::StartsWith(name, "l2a+")) offered.push_back(absl::StrCat(own, name.substr(name.find('+'))));
    }
  }
  return offered;
}

// A stage function that keeps the scratch folder, and the watch of its disk, alive as long as any task may run.
stages::StageRegistry HoldingScratch(const stages::StageRegistry& registry, std::shared_ptr<ScratchFolder> scratch,
                                     std::shared_ptr<void> disk) {
  stages::StageRegistry holding;
  for (const auto& [name, function] : registry) {
    holding[name] = [function, scratch, disk](const stages::TaskSpec& spec, const stages::StageContext& context) {
      return function(spec, context);
    };
  }
  return holding;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Worker>> MakeWorker(const WorkerSettings& settings, stages::StageRegistry registry,
                                                   std::shared_ptr<const storage::StoreSet> stores,
                                                   const std::shared_ptr<grpc::Channel>& coordinator,
                                                   telemetry::Metrics& metrics) {
  ARPENT_ASSIGN_OR_RETURN(registry, Choose(settings.stages, std::move(registry)));
  WorkerOptions options;
  SizeFor(settings.limits, &options);
  if (settings.slots > 0) {
    options.slots = settings.slots;
    options.threads_per_task = std::max(1, settings.limits.Threads() / settings.slots);
  }
  if (settings.threads_per_task > 0) options.threads_per_task = settings.threads_per_task;
  options.worker_id = MakeWorkerId();
  options.host = HostName();
  options.drain_grace = settings.drain_grace;
  options.lifetime = settings.lifetime;
  ARPENT_ASSIGN_OR_RETURN(options.stages, Offer(settings.tables, &registry));
  if (options.stages.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is no stage to run; l2a needs ", settings.tables, "/", kernels::kTablesFileName));
  }
  ARPENT_ASSIGN_OR_RETURN(std::shared_ptr<ScratchFolder> scratch,
                          ScratchFolder::Make(settings.scratch, options.worker_id));
  std::shared_ptr<void> disk = telemetry::WatchDisk(metrics, "scratch", scratch->path());
  storage::InstallVsiArpent(stores);
  TaskRunner::Options runner{.scratch = scratch->path(),
                             .tables = settings.tables,
                             .threads_per_task = options.threads_per_task,
                             .memory_per_task_bytes = options.memory_bytes / options.slots};
  return std::make_unique<Worker>(
      options, TaskRunner(HoldingScratch(registry, std::move(scratch), std::move(disk)), std::move(stores), std::move(runner), metrics),
      std::make_unique<GrpcCoordinatorLink>(coordinator), metrics);
}

std::string TablesFolder(const std::string& given) {
  if (!given.empty()) return given;
  if (const char* const folder = std::getenv("ARPENT_TABLES")) return folder;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path beside = program.parent_path().parent_path() / "share" / "arpent";
  if (!error && fs::exists(beside, error)) return beside.string();
  return "/usr/share/arpent";
}

}  // namespace arpent::worker
