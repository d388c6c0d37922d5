// Runs the L2A stage on one scene and says what it cost:
//   l2a_scene SCENE OUT TABLES [THREADS [name=value...]]
// SCENE is an L1C product on disk, OUT the output store's folder, TABLES the folder of atmosphere.lut. Prints one line
// of name=value pairs: outcome, wall and CPU seconds, peak memory.
#include <sys/resource.h>
#include <sys/times.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_split.h"
#include "common/base/resources.h"
#include "common/stages/catalog.h"
#include "common/stages/l2a/l2a_stage.h"
#include "common/storage/file_store.h"
#include "common/storage/stores.h"

namespace {

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + 1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace arpent;
  if (argc < 4) {
    std::fprintf(stderr, "usage: l2a_scene SCENE OUT TABLES [THREADS [name=value...]]\n");
    return 2;
  }
  const std::filesystem::path scene = std::filesystem::absolute(argv[1]);
  const std::filesystem::path out = std::filesystem::absolute(argv[2]);
  std::filesystem::create_directories(out / "scratch");
  auto stores = std::make_shared<storage::StoreSet>();
  for (const auto& [name, folder] : {std::pair{"input", scene.parent_path()}, std::pair{"output", out}}) {
    auto store = storage::FileStore::Open(folder.string());
    if (!store.ok()) {
      std::fprintf(stderr, "%s\n", store.status().ToString().c_str());
      return 1;
    }
    stores->Add(name, *store);
  }
  storage::InstallVsiArpent(stores);

  stages::TaskSpec task;
  const stages::StageInfo* info = *stages::FindStage("l2a");
  task.stage = "l2a";
  task.algorithm_version = info->algorithm_version;
  task.parameters = info->defaults;
  for (int i = 5; i < argc; ++i) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(argv[i], absl::MaxSplits('=', 1));
    task.parameters.Set(pair.first, pair.second);
  }
  task.inputs = {{"scene", "", "input:/" + scene.filename().string()}};
  stages::StageContext context;
  context.stores = stores;
  context.scratch = (out / "scratch").string();
  context.tables = argv[3];
  context.threads = argc > 4 ? std::atoi(argv[4]) : 1;

  const auto start = std::chrono::steady_clock::now();
  const auto result = stages::RunL2a(task, context);
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::filesystem::remove_all(out / "scratch");
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
    return 1;
  }
  const bool done = result->outcome == stages::TaskResult::Outcome::kDone;
  std::printf("outcome=%s wall_s=%.2f cpu_s=%.2f peak_mb=%.0f uri=%s\n", done ? "done" : result->skip_reason.c_str(),
              wall, CpuSeconds(), PeakResidentBytes() / 1048576.0, result->product.uri.c_str());
  for (const auto& [name, value] : result->product.numbers) std::printf("  %s=%g\n", name.c_str(), value);
  return 0;
}
