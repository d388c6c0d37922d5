// Runs stages without any server: the folder given with -o is the output store, any local path an input.
#ifndef ARPENT_SERVICES_CLI_STANDALONE_H_
#define ARPENT_SERVICES_CLI_STANDALONE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/stages/stage.h"
#include "common/storage/stores.h"

namespace arpent::cli {

struct StandaloneOptions {
  std::string output_folder;  // made when absent
  std::string tables;         // folder of the look-up tables
  int threads = 0;            // 0: from the cgroup
  bool quiet = false;         // no progress on standard error
};

// "input:" + the absolute path of a local path; a URI that names a store ("input:/...") stays as it is. NOT_FOUND naming
// the path when there is nothing.
absl::StatusOr<std::string> LocalInput(const std::string& path);

// The look-up tables of `folder` as an input of the L2A stage. FAILED_PRECONDITION telling how to make them.
absl::StatusOr<stages::TaskInput> TablesInput(const std::string& folder);

class Standalone {
 public:
  static absl::StatusOr<std::unique_ptr<Standalone>> Create(const StandaloneOptions& options);
  ~Standalone();

  const std::shared_ptr<const storage::StoreSet>& stores() const { return stores_; }

  // A task of `stage` with the catalogue's version and defaults; the caller fills in unit, inputs and options.
  absl::StatusOr<stages::TaskSpec> NewTask(const std::string& stage) const;

  // Runs the task, or returns the published product when the same task was run into this folder before.
  absl::StatusOr<stages::TaskResult> Run(const stages::TaskSpec& task);

  // An input of the given role for a local file: its digest is its key.
  absl::StatusOr<stages::TaskInput> FileInput(const std::string& role, const std::string& path);
  absl::StatusOr<stages::TaskInput> TablesInput() const { return cli::TablesInput(options_.tables); }

 private:
  explicit Standalone(StandaloneOptions options) : options_(std::move(options)) {}

  StandaloneOptions options_;
  std::string scratch_;
  std::shared_ptr<const storage::StoreSet> stores_;
  stages::StageRegistry registry_;
};

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_STANDALONE_H_
