// `arpent product list|get|verify|delete`, `arpent worker list`, `arpent storage copy|sweep`.
#ifndef ARPENT_SERVICES_CLI_PRODUCT_COMMANDS_H_
#define ARPENT_SERVICES_CLI_PRODUCT_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "services/cli/output.h"

namespace arpent::cli {

void AddProductCommands(CLI::App& app, const OutputFormat& format, int& exit_code);
void AddWorkerCommands(CLI::App& app, const OutputFormat& format, int& exit_code);
void AddStorageCommands(CLI::App& app, const OutputFormat& format, int& exit_code);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_PRODUCT_COMMANDS_H_
