// How commands speak: tables for people, JSON for scripts, exit codes for shells.
#ifndef ARPENT_SERVICES_CLI_OUTPUT_H_
#define ARPENT_SERVICES_CLI_OUTPUT_H_

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace arpent::cli {

enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2, kDegraded = 3 };

enum class OutputFormat { kTable, kJson };

// Columns of text, padded to their widest cell; the header in capitals.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string ToString() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// A message as indented JSON with the proto's field names and every scalar field present.
std::string ToJson(const google::protobuf::Message& message);

// The same for commands whose result is no message of ours; printed as indented JSON.
using Json = nlohmann::ordered_json;
void PrintJson(const Json& json);

// Prints "arpent: CODE: message" to standard error and returns the exit code that fits: usage for INVALID_ARGUMENT.
int ReportError(const absl::Status& status);

// "1.5 GB", "12 kB".
std::string HumanBytes(double bytes);
// "3 h 12 min", "4 min 05 s", "1.2 s".
std::string HumanSeconds(double seconds);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_OUTPUT_H_
