// The flags that every server program has, each also settable by an environment variable ARPENT_...: where it listens,
// its certificates, its metrics, its logs.
#ifndef ARPENT_COMMON_RPC_PROGRAM_FLAGS_H_
#define ARPENT_COMMON_RPC_PROGRAM_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/time/time.h"
#include "common/rpc/channel.h"
#include "common/rpc/server.h"

namespace arpent::rpc {

struct ProgramOptions {
  ServerOptions server;
  std::string metrics_listen = "0.0.0.0:0";  // empty: none
  std::string log_level = "info";
  std::string log_format = "json";
  std::string tokens;               // of its callers; empty: everyone may call
  std::string token_file;           // its own, for other servers
  bool plaintext_token = false;

  // For calls to other servers of the installation: the same certificates, and its token.
  ChannelOptions channel() const;
};

// `options` outlives the parsing; its values are the defaults.
void AddProgramFlags(CLI::App& app, ProgramOptions& options);

// --tokens, of a server that asks its callers for one: the folder for AccessControl::Open.
void AddTokensFlag(CLI::App& app, ProgramOptions& options);
// --token-file and --plaintext-token, of a program that calls such servers.
void AddTokenFileFlags(CLI::App& app, ProgramOptions& options);

// --`name` in the notation of absl::ParseDuration ("90s", "6h"); 0 is infinite where `zero_is_infinite`.
void AddDurationFlag(CLI::App& app, const std::string& name, absl::Duration& value, const std::string& help,
                     bool zero_is_infinite = false);

// Flag "--metrics-listen" -> variable "ARPENT_METRICS_LISTEN".
std::string VariableOf(const std::string& flag);

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_PROGRAM_FLAGS_H_
