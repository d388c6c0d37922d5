// `arpent run plan|start|list|watch|cancel|retry|explain`.
#ifndef ARPENT_SERVICES_CLI_RUN_COMMANDS_H_
#define ARPENT_SERVICES_CLI_RUN_COMMANDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"
#include "services/cli/connection.h"
#include "services/cli/output.h"

namespace arpent::cli {

void AddRunCommands(CLI::App& app, const OutputFormat& format, int& exit_code);

// Watches a run until it ends, over reconnects; returns it. Prints progress unless the format is JSON.
absl::StatusOr<arpent::run::v1::Run> WatchToTheEnd(Connection& connection, const std::string& run_id,
                                                   OutputFormat format);

// The cells of a run that have one of `outcomes` (empty: all), page by page until there are `most`.
absl::StatusOr<std::vector<arpent::run::v1::Cell>> CellsOf(Connection& connection, const std::string& run_id,
                                                           const std::vector<arpent::run::v1::CellOutcome>& outcomes,
                                                           size_t most = SIZE_MAX);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_RUN_COMMANDS_H_
