#include "common/rpc/server.h"

#include <grpcpp/impl/client_unary_call.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "arpent/cache/v1/cache_service.grpc.pb.h"
#include "common/rpc/channel.h"
#include "common/rpc/status.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"
#include "grpc/health/v1/health.pb.h"

namespace arpent::rpc {
namespace {

namespace cache_pb = arpent::cache::v1;
using testing::StatusIs;
using ::testing::HasSubstr;

class FixedCache final : public cache_pb::CacheService::Service {
 public:
  grpc::Status Stat(grpc::ServerContext*, const cache_pb::StatRequest* request, cache_pb::StatResponse* response) override {
    if (absl::StartsWith(request->path(), "none")) return ToGrpc(absl::NotFoundError(absl::StrCat("no ", request->path())));
    response->mutable_object()->set_path(request->path());
    return grpc::Status::OK;
  }
};

absl::StatusOr<std::string> StatOver(const std::shared_ptr<grpc::Channel>& channel, const std::string& path) {
  grpc::ClientContext context;
  SetDeadline(&context, absl::Seconds(10));
  cache_pb::StatRequest request;
  request.set_path(path);
  cache_pb::StatResponse response;
  const grpc::Status status = cache_pb::CacheService::NewStub(channel)->Stat(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response.object().path();
}

// Health by its descriptor only, as a probe sees it.
int Health(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse response;
  grpc::internal::RpcMethod method("/grpc.health.v1.Health/Check", grpc::internal::RpcMethod::NORMAL_RPC);
  grpc::ClientContext context;
  SetDeadline(&context, absl::Seconds(10));
  grpc::internal::BlockingUnaryCallImpl<google::protobuf::MessageLite, google::protobuf::MessageLite> call(
      channel.get(), method, &context, request, &response);
  const grpc::Status status = call.status();
  return status.ok() ? response.status() : -static_cast<int>(status.error_code());
}

TEST(Server, ServesCountsAndReportsHealth) {
  FixedCache service;
  telemetry::Metrics metrics;
  ASSERT_OK_AND_ASSIGN(const auto server, Server::Start({.listen = "127.0.0.1:0"}, {&service}, metrics));
  ASSERT_OK_AND_ASSIGN(const auto channel, OpenChannel(server->address(), {}));
  ASSERT_OK_AND_ASSIGN(const std::string path, StatOver(channel, "a/b"));
  EXPECT_EQ(path, "a/b");
  EXPECT_THAT(StatOver(channel, "none"), StatusIs(absl::StatusCode::kNotFound, "none"));
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"OK\",grpc_method=\"Stat\",grpc_service=\"arpent.cache."
                              "v1.CacheService\",grpc_type=\"unary\"} 1"));
  EXPECT_THAT(text, HasSubstr("grpc_code=\"NOT_FOUND\""));
  EXPECT_EQ(Health(channel, ""), grpc::health::v1::HealthCheckResponse::SERVING);
  EXPECT_EQ(Health(channel, "arpent.leader"), -static_cast<int>(grpc::StatusCode::NOT_FOUND));
  server->SetServing("arpent.leader", false);
  EXPECT_EQ(Health(channel, "arpent.leader"), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
}

TEST(Server, AnAddressInUseIsAnError) {
  FixedCache service, other;
  telemetry::Metrics metrics;
  ASSERT_OK_AND_ASSIGN(const auto server, Server::Start({.listen = "127.0.0.1:0"}, {&service}, metrics));
  EXPECT_THAT(Server::Start({.listen = server->address()}, {&other}, metrics),
              StatusIs(absl::StatusCode::kUnavailable, server->address()));
}

TEST(Server, RefusesWhatIsTooLarge) {
  FixedCache service;
  telemetry::Metrics metrics;
  ASSERT_OK_AND_ASSIGN(const auto server,
                       Server::Start({.listen = "127.0.0.1:0", .max_message_bytes = 1000}, {&service}, metrics));
  ASSERT_OK_AND_ASSIGN(const auto channel, OpenChannel(server->address(), {}));
  EXPECT_THAT(StatOver(channel, std::string(2000, 'x')), StatusIs(absl::StatusCode::kResourceExhausted, ""));
  EXPECT_OK(StatOver(channel, "small"));
}

TEST(Server, AnErrorThatQuotesMuchArrivesShortened) {
  FixedCache service;
  telemetry::Metrics metrics;
  ASSERT_OK_AND_ASSIGN(const auto server, Server::Start({.listen = "127.0.0.1:0"}, {&service}, metrics));
  ASSERT_OK_AND_ASSIGN(const auto channel, OpenChannel(server->address(), {}));
  EXPECT_THAT(StatOver(channel, "none/" + std::string(100000, 'x')), StatusIs(absl::StatusCode::kNotFound, "more bytes"));
}

TEST(Channel, AServerThatIsAwayIsUnavailable) {
  ASSERT_OK_AND_ASSIGN(const auto channel, OpenChannel("127.0.0.1:1", {}));
  EXPECT_THAT(StatOver(channel, "a"), StatusIs(absl::StatusCode::kUnavailable, ""));
}

TEST(Channel, ComesBackWithTheServer) {
  FixedCache service, second;
  telemetry::Metrics metrics;
  ASSERT_OK_AND_ASSIGN(auto server, Server::Start({.listen = "127.0.0.1:0"}, {&service}, metrics));
  const std::string address = server->address();
  ASSERT_OK_AND_ASSIGN(const auto channel, OpenChannel(address, {}));
  ASSERT_OK(StatOver(channel, "a"));
  server.reset();
  EXPECT_THAT(StatOver(channel, "a"), StatusIs(absl::StatusCode::kUnavailable, ""));
  ASSERT_OK_AND_ASSIGN(server, Server::Start({.listen = address}, {&second}, metrics));
  absl::StatusOr<std::string> again;
  for (int i = 0; i < 50 && !(again = StatOver(channel, "a")).ok(); ++i) {
    channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  }
  EXPECT_OK(again);
}

// A throw-away authority with a certificate each for a server on 127.0.0.1 and a client, by the openssl program.
class Tls : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("openssl version >/dev/null 2>&1") != 0) GTEST_SKIP() << "SKIPPED: the openssl program is absent";
    Make("ca");
    Sign("server", "ca");
    Sign("client", "ca");
    Make("strangers-ca");
    Sign("stranger", "strangers-ca");
  }
  void Make(const std::string& name) {
    Run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=" + name + " -keyout " +
        Key(name) + " -out " + Certificate(name));
  }
  void Sign(const std::string& name, const std::string& authority) {
    std::ofstream(folder_.File("extensions")) << "subjectAltName=IP:127.0.0.1\n";
    Run("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name + " -keyout " + Key(name) + " -out " +
        folder_.File("request"));
    Run("x509 -req -days 2 -in " + folder_.File("request") + " -CA " + Certificate(authority) + " -CAkey " +
        Key(authority) + " -CAcreateserial -extfile " + folder_.File("extensions") + " -out " + Certificate(name));
  }
  void Run(const std::string& arguments) {
    ASSERT_EQ(std::system(("openssl " + arguments + " 2>/dev/null").c_str()), 0) << arguments;
  }
  std::string Key(const std::string& name) { return folder_.File(name + ".key"); }
  std::string Certificate(const std::string& name) { return folder_.File(name + ".pem"); }
  TlsOptions Identity(const std::string& name) { return {Certificate(name), Key(name), Certificate("ca")}; }

  testing::TemporaryFolder folder_;
  FixedCache service_;
  telemetry::Metrics metrics_;
};

TEST_F(Tls, MutualTlsLetsInOnlyWhoIsSigned) {
  ASSERT_OK_AND_ASSIGN(
      const auto server,
      Server::Start({.listen = "127.0.0.1:0", .tls = Identity("server"), .health_listen = "127.0.0.1:0"}, {&service_},
                    metrics_));
  ASSERT_OK_AND_ASSIGN(const auto known, OpenChannel(server->address(), {.tls = Identity("client")}));
  EXPECT_OK(StatOver(known, "a"));
  ASSERT_OK_AND_ASSIGN(const auto stranger, OpenChannel(server->address(), {.tls = Identity("stranger")}));
  EXPECT_THAT(StatOver(stranger, "a"), StatusIs(absl::StatusCode::kUnavailable, ""));
  ASSERT_OK_AND_ASSIGN(const auto plain, OpenChannel(server->address(), {}));
  EXPECT_THAT(StatOver(plain, "a"), StatusIs(absl::StatusCode::kUnavailable, ""));
  ASSERT_OK_AND_ASSIGN(const auto nameless, OpenChannel(server->address(), {.tls = {.authority_file = Certificate("ca")}}));
  EXPECT_THAT(StatOver(nameless, "a"), StatusIs(absl::StatusCode::kUnavailable, ""));
  TlsOptions wrong_authority = Identity("client");
  wrong_authority.authority_file = Certificate("strangers-ca");
  ASSERT_OK_AND_ASSIGN(const auto distrustful, OpenChannel(server->address(), {.tls = wrong_authority}));
  EXPECT_THAT(StatOver(distrustful, "a"), StatusIs(absl::StatusCode::kUnavailable, ""));
  // Probes speak no TLS and reach health, nothing else.
  ASSERT_OK_AND_ASSIGN(const auto probe, OpenChannel(server->health_address(), {}));
  EXPECT_EQ(Health(probe, ""), grpc::health::v1::HealthCheckResponse::SERVING);
  EXPECT_THAT(StatOver(probe, "a"), StatusIs(absl::StatusCode::kUnimplemented, ""));
}

TEST_F(Tls, RenewedCertificatesNeedNoRestart) {
  TlsOptions identity = Identity("server");
  identity.reload_seconds = 1;
  ASSERT_OK_AND_ASSIGN(const auto server,
                       Server::Start({.listen = "127.0.0.1:0", .tls = identity}, {&service_}, metrics_));
  const auto stat = [&](const TlsOptions& tls) -> absl::StatusOr<std::string> {
    ARPENT_ASSIGN_OR_RETURN(const auto channel, OpenChannel(server->address(), {.tls = tls}));
    return StatOver(channel, "a");
  };
  EXPECT_OK(stat(Identity("client")));
  const TlsOptions renewed{Certificate("stranger"), Key("stranger"), Certificate("strangers-ca")};
  EXPECT_THAT(stat(renewed), StatusIs(absl::StatusCode::kUnavailable, ""));
  // The server's files take the other authority's contents.
  std::filesystem::rename(Certificate("ca"), folder_.File("old-ca.pem"));
  for (const auto& [from, to] : std::map<std::string, std::string>{
           {Key("stranger"), Key("server")}, {Certificate("stranger"), Certificate("server")},
           {Certificate("strangers-ca"), Certificate("ca")}}) {
    std::filesystem::copy_file(from, folder_.File("next"), std::filesystem::copy_options::overwrite_existing);
    std::filesystem::rename(folder_.File("next"), to);
  }
  absl::StatusOr<std::string> answer;
  for (int i = 0; i < 100 && !(answer = stat(renewed)).ok(); ++i) absl::SleepFor(absl::Milliseconds(100));
  EXPECT_OK(answer);
  EXPECT_THAT(stat({Certificate("client"), Key("client"), folder_.File("old-ca.pem")}),
              StatusIs(absl::StatusCode::kUnavailable, ""));
}

TEST_F(Tls, NamesTheMissingFile) {
  TlsOptions options = Identity("server");
  options.key_file = folder_.File("absent.key");
  EXPECT_THAT(MakeServerCredentials(options), StatusIs(absl::StatusCode::kNotFound, "absent.key"));
  options.key_file = "";
  EXPECT_THAT(MakeServerCredentials(options), StatusIs(absl::StatusCode::kInvalidArgument, "key"));
}

}  // namespace
}  // namespace arpent::rpc
