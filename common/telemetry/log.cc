#include "common/telemetry/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace arpent::telemetry {
namespace {

std::atomic<LogFormat> current_format = LogFormat::kText;
thread_local LogFields thread_log_fields;

constexpr const char* kLevelNames[] = {"debug", "info", "warning", "error"};

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                                   spdlog::level::err};
  return kLevels[static_cast<int>(level)];
}

// Standard error, one whole line at a time; it lives as long as the process.
spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("arpent", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::warn);
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *logger;
}

}  // namespace

absl::Status SetUpLogging(absl::string_view level, absl::string_view format) {
  int found = -1;
  for (int i = 0; i < 4; ++i) found = level == kLevelNames[i] ? i : found;
  if (found < 0) {
    return absl::InvalidArgumentError(absl::StrCat("log level '", level, "': one of debug, info, warning, error"));
  }
  if (format != "json" && format != "text") {
    return absl::InvalidArgumentError(absl::StrCat("log format '", format, "': json or text"));
  }
  current_format = format == "json" ? LogFormat::kJson : LogFormat::kText;
  Logger().set_level(SpdlogLevel(static_cast<LogLevel>(found)));
  return absl::OkStatus();
}

void Log(LogLevel level, absl::string_view message, const LogFields& fields) {
  if (!Logger().should_log(SpdlogLevel(level))) return;
  const std::string time = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
  Logger().log(SpdlogLevel(level), "{}",
               FormatLogLine(current_format, time, level, message, thread_log_fields, fields));
}

ScopedLogFields::ScopedLogFields(LogFields fields) : before_(thread_log_fields.size()) {
  for (auto& field : fields) thread_log_fields.push_back(std::move(field));
}
ScopedLogFields::~ScopedLogFields() { thread_log_fields.resize(before_); }

std::string FormatLogLine(LogFormat format, absl::string_view time, LogLevel level, absl::string_view message,
                          const LogFields& thread_fields, const LogFields& fields) {
  const char* const level_name = kLevelNames[static_cast<int>(level)];
  if (format == LogFormat::kText) {
    std::string line = absl::StrCat(time, " ", level_name, " ", message);
    for (const LogFields* list : {&thread_fields, &fields}) {
      for (const auto& [name, value] : *list) absl::StrAppend(&line, " ", name, "=", value);
    }
    return line;
  }
  nlohmann::ordered_json json;
  json["time"] = std::string(time);
  json["level"] = level_name;
  json["message"] = std::string(message);
  for (const LogFields* list : {&thread_fields, &fields}) {
    for (const auto& [name, value] : *list) json[name] = value;
  }
  // Bytes that are no UTF-8 (a path, say) must not lose the line.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace arpent::telemetry
