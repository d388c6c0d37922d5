// What every command does with its body's result.
#ifndef ARPENT_SERVICES_CLI_COMMAND_H_
#define ARPENT_SERVICES_CLI_COMMAND_H_

#include <functional>

#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"
#include "services/cli/output.h"

namespace arpent::cli {

// When the command is given, runs `body`: its value is the exit code, its error is reported.
inline void OnCall(CLI::App& command, int& exit_code, std::function<absl::StatusOr<int>()> body) {
  command.callback([&exit_code, body = std::move(body)] {
    const absl::StatusOr<int> code = body();
    exit_code = code.ok() ? *code : ReportError(code.status());
  });
}

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_COMMAND_H_
