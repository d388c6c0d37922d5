#include "common/rpc/program_flags.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/telemetry/metrics.h"

namespace arpent::rpc {
namespace {

template <typename T>
void AddFlag(CLI::App& app, const std::string& name, T& value, const std::string& help) {
  app.add_option(name, value, help)->envname(VariableOf(name))->capture_default_str();
}

}  // namespace

ChannelOptions ProgramOptions::channel() const {
  return {.tls = server.tls, .token_file = token_file, .plaintext_token = plaintext_token};
}

void AddProgramFlags(CLI::App& app, ProgramOptions& options) {
  AddFlag(app, "--listen", options.server.listen, "host:port of the gRPC server; port 0 takes a free one");
  AddFlag(app, "--metrics-listen", options.metrics_listen, "host:port of /metrics; empty for none");
  AddFlag(app, "--health-listen", options.server.health_listen,
          "with TLS: host:port where health also answers without it, for probes");
  AddFlag(app, "--tls-certificate", options.server.tls.certificate_file, "PEM file of this program's certificate chain");
  AddFlag(app, "--tls-key", options.server.tls.key_file, "PEM file of its key");
  AddFlag(app, "--tls-authority", options.server.tls.authority_file,
          "PEM file of the authority that signs everybody's certificates; clients without one are refused");
  AddFlag(app, "--max-calls", options.server.max_calls, "calls in progress at once; more get RESOURCE_EXHAUSTED");
  app.add_flag("--reflection,!--no-reflection", options.server.reflection, "answer the gRPC reflection service (default)");
  AddFlag(app, "--log-level", options.log_level, "debug, info, warning or error");
  AddFlag(app, "--log-format", options.log_format, "json or text");
  app.set_version_flag("--version", std::string(telemetry::BuildVersion()));
}

void AddTokensFlag(CLI::App& app, ProgramOptions& options) {
  AddFlag(app, "--tokens", options.tokens,
          "folder with the files operator, reader, worker: a token a line, read again when they change; callers show one "
          "(Bearer). Empty: everyone may call");
}

void AddTokenFileFlags(CLI::App& app, ProgramOptions& options) {
  AddFlag(app, "--token-file", options.token_file, "file with the token that this program shows to other servers");
  app.add_flag("--plaintext-token", options.plaintext_token, "show it without TLS, and not only to this machine")
      ->envname(VariableOf("--plaintext-token"));
}

void AddDurationFlag(CLI::App& app, const std::string& name, absl::Duration& value, const std::string& help,
                     bool zero_is_infinite) {
  const bool infinite = value == absl::InfiniteDuration();
  app.add_option_function<std::string>(
         name,
         [&value, name, zero_is_infinite](const std::string& text) {
           absl::Duration parsed;
           if (!absl::ParseDuration(text, &parsed) || parsed < absl::ZeroDuration()) {
             throw CLI::ValidationError(name, absl::StrCat("'", text, "' is no duration such as 90s or 6h"));
           }
           value = zero_is_infinite && parsed == absl::ZeroDuration() ? absl::InfiniteDuration() : parsed;
         },
         help)
      ->envname(VariableOf(name))
      ->default_str(infinite ? "0" : absl::FormatDuration(value));
}

std::string VariableOf(const std::string& flag) {
  std::string name = absl::AsciiStrToUpper(flag.substr(flag.find_first_not_of('-')));
  std::replace(name.begin(), name.end(), '-', '_');
  return absl::StrCat("ARPENT_", name);
}

}  // namespace arpent::rpc
