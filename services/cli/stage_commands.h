// `arpent l2a|composite|vegetation|crop-mask|crop-type|map`: each stage alone, without any server.
#ifndef ARPENT_SERVICES_CLI_STAGE_COMMANDS_H_
#define ARPENT_SERVICES_CLI_STAGE_COMMANDS_H_

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"
#include "services/cli/output.h"
#include "services/cli/standalone.h"

namespace arpent::cli {

void AddL2aCommand(CLI::App& app, const OutputFormat& format, int& exit_code);
void AddCompositeCommand(CLI::App& app, const OutputFormat& format, int& exit_code);
void AddVegetationCommand(CLI::App& app, const OutputFormat& format, int& exit_code);
void AddMapCommand(CLI::App& app, const OutputFormat& format, int& exit_code);
void AddCropMaskCommand(CLI::App& app, const OutputFormat& format, int& exit_code);
void AddCropTypeCommand(CLI::App& app, const OutputFormat& format, int& exit_code);

// Options that every stage command has: -o, --threads, --tables, --quiet.
void AddStandaloneOptions(CLI::App& command, StandaloneOptions& options);

// One L2A (or other product) given on the command line, as a task's input.
struct GivenProduct {
  stages::TaskInput input;
  std::string tile, acquisition;
  absl::CivilDay day;
};

// Opens each path as an L2A; sorted by acquisition. INVALID_ARGUMENT naming the path that is none.
absl::StatusOr<std::vector<GivenProduct>> OpenL2aProducts(Standalone& standalone, const std::vector<std::string>& paths);

// Opens product folders of one stage by their item. INVALID_ARGUMENT naming the path that is none.
absl::StatusOr<std::vector<GivenProduct>> OpenProducts(Standalone& standalone, const std::string& role,
                                                       const std::vector<std::string>& paths);

// Prints where the product is and what it says (or why it was skipped); returns the exit code.
int PrintResult(const stages::TaskResult& result, const StandaloneOptions& options, OutputFormat format);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_STAGE_COMMANDS_H_
