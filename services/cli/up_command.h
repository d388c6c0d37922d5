// `arpent up`: the all-in-one as a server.
#ifndef ARPENT_SERVICES_CLI_UP_COMMAND_H_
#define ARPENT_SERVICES_CLI_UP_COMMAND_H_

#include <CLI/CLI.hpp>

namespace arpent::cli {

void AddUpCommand(CLI::App& app, int& exit_code);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_UP_COMMAND_H_
