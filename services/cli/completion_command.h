// `arpent completion bash|zsh|fish`: shell completion.
#ifndef ARPENT_SERVICES_CLI_COMPLETION_COMMAND_H_
#define ARPENT_SERVICES_CLI_COMPLETION_COMMAND_H_

#include <string>

#include <CLI/CLI.hpp>

namespace arpent::cli {

// Add it last: the script names the commands and options that `app` has then.
void AddCompletionCommand(CLI::App& app, int& exit_code);

// The script for a shell: "bash", "zsh" or "fish".
std::string CompletionScript(const CLI::App& app, const std::string& shell);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_COMPLETION_COMMAND_H_
