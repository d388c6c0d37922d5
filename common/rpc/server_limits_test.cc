// What one client cannot do to a server that others need.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <list>
#include <memory>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/time/clock.h"
#include "arpent/cache/v1/cache_service.grpc.pb.h"
#include "common/rpc/channel.h"
#include "common/rpc/server.h"
#include "common/rpc/status.h"
#include "common/rpc/stream_watch.h"
#include "common/testing/status_matchers.h"

namespace arpent::rpc {
namespace {

namespace pb = arpent::cache::v1;
using testing::StatusIs;

// Answers Stat at once; holds each Write until its client speaks or is cut off.
class HoldingCache final : public pb::CacheService::Service {
 public:
  explicit HoldingCache(const StreamLimits& limits = {}) : limits_(limits) {}

  grpc::Status Stat(grpc::ServerContext*, const pb::StatRequest* request, pb::StatResponse* response) override {
    response->mutable_object()->set_path(request->path());
    return grpc::Status::OK;
  }
  grpc::Status Write(grpc::ServerContext* context, grpc::ServerReader<pb::WriteRequest>* reader,
                     pb::WriteResponse*) override {
    StreamWatch::Stream stream(watch_, *context, limits_);
    ++begun;
    pb::WriteRequest request;
    while (reader->Read(&request)) stream.Moved();
    const absl::Status status = stream.Explain(absl::OkStatus());
    if (!status.ok()) ++cut_off;
    return ToGrpc(status);
  }

  std::atomic<int> begun = 0, cut_off = 0;

 private:
  const StreamLimits limits_;
  StreamWatch watch_;
};

class ServerLimits : public ::testing::Test {
 protected:
  absl::Status StatWith(const std::shared_ptr<grpc::Channel>& channel, const std::string& metadata,
                        absl::Duration timeout = absl::Seconds(10)) {
    grpc::ClientContext context;
    SetDeadline(&context, timeout);
    if (!metadata.empty()) context.AddMetadata("remark", metadata);
    pb::StatResponse response;
    return FromGrpc(pb::CacheService::NewStub(channel)->Stat(&context, pb::StatRequest(), &response));
  }
  // A small call of a client that comes back, as the clients of the product do: right after a refusal the server may
  // still be closing the connection or counting the call.
  absl::Status StatComingBack(const std::shared_ptr<grpc::Channel>& channel) {
    absl::Status status;
    for (int i = 0; i < 100 && !(status = StatWith(channel, "")).ok(); ++i) absl::SleepFor(absl::Milliseconds(20));
    return status;
  }
  // A write that never says anything, as long as this lives.
  struct SilentWrite {
    explicit SilentWrite(const std::shared_ptr<grpc::Channel>& channel)
        : stub(pb::CacheService::NewStub(channel)), writer(stub->Write(&context, &response)) {}
    ~SilentWrite() {
      context.TryCancel();
      writer->Finish().IgnoreError();
    }
    grpc::ClientContext context;
    pb::WriteResponse response;
    std::unique_ptr<pb::CacheService::Stub> stub;
    std::unique_ptr<grpc::ClientWriter<pb::WriteRequest>> writer;
  };
  static void WaitUntil(const std::atomic<int>& value, int wanted) {
    for (int i = 0; i < 1000 && value < wanted; ++i) absl::SleepFor(absl::Milliseconds(10));
    EXPECT_EQ(value, wanted);
  }

  telemetry::Metrics metrics_;
};

TEST_F(ServerLimits, MetadataIsBounded) {
  HoldingCache service;
  ASSERT_OK_AND_ASSIGN(const auto server, Server::Start({.listen = "127.0.0.1:0"}, {&service}, metrics_));
  ASSERT_OK_AND_ASSIGN(const auto channel, OpenChannel(server->address(), {}));
  EXPECT_OK(StatWith(channel, std::string(10000, 'x')));
  EXPECT_FALSE(StatWith(channel, std::string(40000, 'x')).ok());
  EXPECT_OK(StatComingBack(channel));
}

TEST_F(ServerLimits, StreamsOfAConnectionAreBounded) {
  HoldingCache service;
  ASSERT_OK_AND_ASSIGN(const auto server, Server::Start({.listen = "127.0.0.1:0", .max_streams_per_connection = 2},
                                                        {&service}, metrics_));
  ASSERT_OK_AND_ASSIGN(const auto greedy, OpenChannel(server->address(), {}));
  const SilentWrite first(greedy), second(greedy);
  WaitUntil(service.begun, 2);
  EXPECT_THAT(StatWith(greedy, "", absl::Milliseconds(300)), StatusIs(absl::StatusCode::kDeadlineExceeded, ""));
  // An option of no meaning keeps gRPC from sharing the connection.
  ASSERT_OK_AND_ASSIGN(const auto other, OpenChannel(server->address(), {.max_message_bytes = 1 << 20}));
  EXPECT_OK(StatWith(other, ""));
}

TEST_F(ServerLimits, CallsInProgressAreBounded) {
  HoldingCache service;
  ASSERT_OK_AND_ASSIGN(const auto server,
                       Server::Start({.listen = "127.0.0.1:0", .max_calls = 4}, {&service}, metrics_));
  ASSERT_OK_AND_ASSIGN(const auto channel, OpenChannel(server->address(), {}));
  std::list<SilentWrite> writes;
  absl::Status refused;
  for (int i = 0; i < 8 && refused.ok(); ++i) {
    writes.emplace_back(channel);
    absl::SleepFor(absl::Milliseconds(50));
    refused = StatWith(channel, "", absl::Seconds(5));
  }
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted, ""));
  writes.clear();
  EXPECT_OK(StatComingBack(channel));
}

TEST_F(ServerLimits, ASilentStreamIsCutOff) {
  HoldingCache service({.idle = absl::Milliseconds(300)});
  ASSERT_OK_AND_ASSIGN(const auto server, Server::Start({.listen = "127.0.0.1:0"}, {&service}, metrics_));
  ASSERT_OK_AND_ASSIGN(const auto channel, OpenChannel(server->address(), {}));
  const SilentWrite silent(channel);
  SilentWrite lively(channel);
  const absl::Time begin = absl::Now();
  while (absl::Now() - begin < absl::Seconds(1)) {
    ASSERT_TRUE(lively.writer->Write(pb::WriteRequest()));
    absl::SleepFor(absl::Milliseconds(50));
  }
  EXPECT_EQ(service.cut_off, 1) << "only the silent one";
  WaitUntil(service.cut_off, 2);
}

TEST_F(ServerLimits, AStreamThatOnlyTricklesIsCutOffToo) {
  HoldingCache service({.idle = absl::Seconds(30), .longest = absl::Milliseconds(500)});
  ASSERT_OK_AND_ASSIGN(const auto server, Server::Start({.listen = "127.0.0.1:0"}, {&service}, metrics_));
  ASSERT_OK_AND_ASSIGN(const auto channel, OpenChannel(server->address(), {}));
  SilentWrite trickle(channel);
  const absl::Time begin = absl::Now();
  while (trickle.writer->Write(pb::WriteRequest()) && absl::Now() - begin < absl::Seconds(20)) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(400));
  WaitUntil(service.cut_off, 1);
}

// A client that pings far too often is sent away: HTTP/2 by hand, because gRPC's own client is too polite for it.
TEST_F(ServerLimits, PingFloodsAreRefused) {
  HoldingCache service;
  ASSERT_OK_AND_ASSIGN(const auto server, Server::Start({.listen = "127.0.0.1:0"}, {&service}, metrics_));
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  const absl::Cleanup close_it = [connection] { close(connection); };
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(server->address().substr(server->address().rfind(':') + 1))));
  const timeval patience{.tv_sec = 20};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ASSERT_EQ(connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const std::string empty_settings("\0\0\0\4\0\0\0\0\0", 9), ping("\0\0\10\6\0\0\0\0\0" "12345678", 17);
  std::string sent = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + empty_settings;
  for (int i = 0; i < 10; ++i) sent += ping;
  ASSERT_EQ(send(connection, sent.data(), sent.size(), MSG_NOSIGNAL), static_cast<ssize_t>(sent.size()));
  std::string received;
  char buffer[4096];
  for (ssize_t got; (got = recv(connection, buffer, sizeof(buffer), 0)) > 0;) received.append(buffer, got);
  EXPECT_THAT(received, ::testing::HasSubstr("too_many_pings")) << "and the connection was closed";
}

}  // namespace
}  // namespace arpent::rpc
