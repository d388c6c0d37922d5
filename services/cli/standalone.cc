#include "services/cli/standalone.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "common/base/resources.h"
#include "common/base/status.h"
#include "common/stages/catalog.h"
#include "common/storage/file_store.h"
#include "services/worker/all_stages.h"
#include "services/worker/worker_factory.h"

namespace arpent::cli {
namespace fs = std::filesystem;

absl::StatusOr<std::string> LocalInput(const std::string& path) {
  std::error_code error;
  if (fs::exists(path, error)) return "input:" + fs::canonical(path, error).string();
  // A tile of a multi-tile product: PRODUCT.SAFE#T33TVL.
  if (const size_t mark = path.rfind('#'); mark != std::string::npos && fs::exists(path.substr(0, mark), error)) {
    return "input:" + fs::canonical(path.substr(0, mark), error).string() + path.substr(mark);
  }
  if (path.find(":/") != std::string::npos) return path;
  return absl::NotFoundError(absl::StrCat(path, ": there is no such file or folder"));
}

absl::StatusOr<std::unique_ptr<Standalone>> Standalone::Create(const StandaloneOptions& options) {
  std::unique_ptr<Standalone> standalone(new Standalone(options));
  StandaloneOptions& own = standalone->options_;
  if (own.threads <= 0) own.threads = DetectResourceLimits().Threads();
  own.tables = worker::TablesFolder(own.tables);
  std::error_code error;
  fs::create_directories(own.output_folder, error);
  if (error) return absl::PermissionDeniedError(absl::StrCat(own.output_folder, ": ", error.message()));
  std::string pattern = (fs::temp_directory_path() / "arpent-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) return ErrnoStatus(errno, pattern);
  standalone->scratch_ = pattern;

  auto stores = std::make_shared<storage::StoreSet>();
  ARPENT_ASSIGN_OR_RETURN(auto machine, storage::FileStore::Open("/"));
  ARPENT_ASSIGN_OR_RETURN(auto output, storage::FileStore::Open(fs::absolute(own.output_folder).string()));
  stores->Add("input", std::move(machine));
  stores->Add("output", std::move(output));
  standalone->stores_ = stores;
  storage::InstallVsiArpent(stores);
  standalone->registry_ = worker::AllStages();
  return standalone;
}

Standalone::~Standalone() {
  std::error_code ignored;
  if (!scratch_.empty()) fs::remove_all(scratch_, ignored);
}

absl::StatusOr<stages::TaskSpec> Standalone::NewTask(const std::string& stage) const {
  ARPENT_ASSIGN_OR_RETURN(const stages::StageInfo* info, stages::FindStage(stage));
  stages::TaskSpec task;
  task.stage = stage;
  task.algorithm_version = info->algorithm_version;
  task.parameters = info->defaults;
  return task;
}

absl::StatusOr<stages::TaskResult> Standalone::Run(const stages::TaskSpec& task) {
  const auto stage = registry_.find(task.stage);
  if (stage == registry_.end()) {
    return absl::UnimplementedError(absl::StrCat("this program has no stage ", task.stage));
  }
  const std::string scratch = scratch_ + "/" + task.Key().substr(0, kShortKeyLength);
  fs::create_directories(scratch);
  stages::StageContext context;
  context.stores = stores_;
  context.scratch = scratch;
  context.tables = options_.tables;
  context.threads = options_.threads;
  context.memory_bytes = DetectResourceLimits().memory_bytes;
  if (!options_.quiet && isatty(STDERR_FILENO)) {
    context.progress = [stage = task.stage](double done) {
      std::cerr << "\r" << stage << " " << static_cast<int>(done * 100) << " %  " << std::flush;
    };
  }
  absl::StatusOr<stages::TaskResult> result = stage->second(task, context);
  if (!options_.quiet && isatty(STDERR_FILENO)) std::cerr << "\r\033[K" << std::flush;
  std::error_code ignored;
  fs::remove_all(scratch, ignored);
  if (!result.ok()) return Annotate(result.status(), task.stage);
  return result;
}

absl::StatusOr<stages::TaskInput> Standalone::FileInput(const std::string& role, const std::string& path) {
  ARPENT_ASSIGN_OR_RETURN(const std::string uri, LocalInput(path));
  ARPENT_ASSIGN_OR_RETURN(stages::TaskSpec task, NewTask("discover"));
  task.parameters.Set("kind", "file");
  task.inputs = {{"input", "", uri}};
  ARPENT_ASSIGN_OR_RETURN(const stages::TaskResult result, Run(task));
  if (!result.listing.rejected.empty()) return result.listing.rejected.front().status;
  if (result.listing.scenes.empty()) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  return stages::TaskInput{role, result.listing.scenes.front().digest, uri};
}

absl::StatusOr<stages::TaskInput> TablesInput(const std::string& folder) {
  absl::StatusOr<HexDigest> digest = Sha256OfFile(folder + "/atmosphere.lut");
  if (!digest.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the atmosphere tables are missing (", digest.status().message(), "); make them with arpent-lut -o ",
        folder, "/atmosphere.lut, or name their folder with --tables"));
  }
  return stages::TaskInput{"tables", *digest, "tables:"};
}

}  // namespace arpent::cli
