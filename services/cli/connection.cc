#include "services/cli/connection.h"

#include <cstdlib>
#include <iostream>

#include "common/base/status.h"

namespace arpent::cli {

void AddServerOptions(CLI::App& command, ServerOptions& options) {
  const std::string group = "Servers";
  command.add_option("--server", options.coordinator, "Address of the coordinator")
      ->envname("ARPENT_SERVER")
      ->capture_default_str()
      ->group(group);
  command.add_option("--cache", options.cache, "Address of the tile cache; of its shards, all of them with commas between")
      ->envname("ARPENT_CACHE")
      ->capture_default_str()
      ->group(group);
  command.add_option("--token-file", options.channel.token_file, "File with the client's token")
      ->envname("ARPENT_TOKEN_FILE")
      ->group(group);
  command.add_flag("--plaintext-token", options.channel.plaintext_token, "Show it without TLS, and not only to this machine")
      ->envname("ARPENT_PLAINTEXT_TOKEN")
      ->group(group);
  command.add_option("--tls-ca", options.channel.tls.authority_file, "Certificate authority of the servers (turns TLS on)")
      ->envname("ARPENT_TLS_CA")
      ->group(group);
  command.add_option("--tls-certificate", options.channel.tls.certificate_file, "Client certificate")
      ->envname("ARPENT_TLS_CERTIFICATE")
      ->group(group);
  command.add_option("--tls-key", options.channel.tls.key_file, "Key of the client certificate")
      ->envname("ARPENT_TLS_KEY")
      ->group(group);
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const ServerOptions& options) {
  std::unique_ptr<Connection> connection(new Connection(options));
  const char* const traceparent = std::getenv(telemetry::kTraceparentVariable);
  connection->trace_id_ = telemetry::ParseTraceparent(traceparent == nullptr ? "" : traceparent);
  if (connection->trace_id_.empty()) connection->trace_id_ = telemetry::NewTraceId();
  ARPENT_ASSIGN_OR_RETURN(const auto channel, rpc::OpenChannel(options.coordinator, options.channel));
  connection->sites_ = arpent::site::v1::SiteService::NewStub(channel);
  connection->runs_ = arpent::run::v1::RunService::NewStub(channel);
  connection->products_ = arpent::product::v1::ProductService::NewStub(channel);
  connection->workers_ = arpent::worker::v1::WorkerService::NewStub(channel);
  return connection;
}

absl::StatusOr<std::shared_ptr<storage::ObjectStore>> Connection::Store(const std::string& name) {
  if (shards_ == nullptr) {
    ARPENT_ASSIGN_OR_RETURN(shards_, rpc::CacheShards::Connect(options_.cache, options_.channel));
  }
  rpc::RemoteStore::Options options;
  options.retry.give_up_after = absl::Seconds(30);
  return std::make_shared<rpc::RemoteStore>(name, shards_, options, clock_);
}

absl::Status Connection::Retry(const std::function<absl::Status()>& call) {
  rpc::RetryPolicy policy;
  policy.give_up_after = absl::Seconds(30);
  // Half a minute of silence would look like a program that hangs.
  const absl::Time tell_at = clock_.Now() + absl::Seconds(2);
  bool told = false;
  const absl::Status status = rpc::CallWithRetry(policy, clock_, rpc::RandomFraction, [] { return false; }, [&] {
    const absl::Status tried = call();
    if (absl::IsUnavailable(tried) && !told && clock_.Now() > tell_at) {
      std::cerr << "arpent: the coordinator at " << options_.coordinator << " does not answer; trying for "
                << absl::FormatDuration(policy.give_up_after) << std::endl;
      told = true;
    }
    return tried;
  });
  if (absl::IsUnavailable(status)) {
    return Annotate(status, absl::StrCat("the coordinator at ", options_.coordinator,
                                         " does not answer (`arpent up` starts one here; --server names another)"));
  }
  return status;
}

}  // namespace arpent::cli
