// Structured logs on standard error: one JSON object per line (or plain text for people), with the time, the level, the
// message, the fields of the call and those of the thread (run, task, attempt, trace). Secrets are never a field.
#ifndef ARPENT_COMMON_TELEMETRY_LOG_H_
#define ARPENT_COMMON_TELEMETRY_LOG_H_

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace arpent::telemetry {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kJson, kText };

using LogFields = std::vector<std::pair<std::string, std::string>>;

// Once, in main. Until then warnings and errors are written as text. `level` and `format` by name ("info", "json"):
// INVALID_ARGUMENT naming the value otherwise.
absl::Status SetUpLogging(absl::string_view level, absl::string_view format);

void Log(LogLevel level, absl::string_view message, const LogFields& fields = {});

// Adds fields to every line that this thread logs during its lifetime.
class ScopedLogFields {
 public:
  explicit ScopedLogFields(LogFields fields);
  ~ScopedLogFields();
  ScopedLogFields(const ScopedLogFields&) = delete;
  ScopedLogFields& operator=(const ScopedLogFields&) = delete;

 private:
  const size_t before_;
};

// One line as it is written, without the newline.
std::string FormatLogLine(LogFormat format, absl::string_view time, LogLevel level, absl::string_view message,
                          const LogFields& thread_fields, const LogFields& fields);

}  // namespace arpent::telemetry

#endif  // ARPENT_COMMON_TELEMETRY_LOG_H_
