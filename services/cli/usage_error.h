// What a command line that cannot be understood gets to hear: which word is wrong, what was meant, where help is.
#ifndef ARPENT_SERVICES_CLI_USAGE_ERROR_H_
#define ARPENT_SERVICES_CLI_USAGE_ERROR_H_

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace arpent::cli {

// The words of the command line without the program; `message` is the parser's.
std::string UsageError(const CLI::App& app, const std::vector<std::string>& words, const std::string& message);

// The name nearest to `word`, if it is near: at most two letters differ, and fewer than half of them. Else "".
std::string NearestName(const std::string& word, const std::vector<std::string>& names);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_USAGE_ERROR_H_
