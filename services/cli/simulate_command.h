// `arpent simulate site`: scenes with known truth, to size a cluster and to check an installation.
#ifndef ARPENT_SERVICES_CLI_SIMULATE_COMMAND_H_
#define ARPENT_SERVICES_CLI_SIMULATE_COMMAND_H_

#include <CLI/CLI.hpp>

#include "services/cli/output.h"

namespace arpent::cli {

void AddSimulateCommand(CLI::App& app, const OutputFormat& format, int& exit_code);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_SIMULATE_COMMAND_H_
