// `arpent prior`: what clear dates know of the ground, as an input of later L2A (docs/algorithms/l2a-retrieval.md).
#ifndef ARPENT_SERVICES_CLI_PRIOR_COMMAND_H_
#define ARPENT_SERVICES_CLI_PRIOR_COMMAND_H_

#include "services/cli/command.h"

namespace arpent::cli {

void AddPriorCommand(CLI::App& app, const OutputFormat& format, int& exit_code);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_PRIOR_COMMAND_H_
