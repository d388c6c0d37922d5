// S3Store against a server that misbehaves: refuses for a while or for good, breaks off, trickles, sends less than it was
// asked for. Each is an error that is tried again, or the right bytes: never wrong ones, never for ever.
#include <arpa/inet.h>
#include <cpl_conv.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/storage/open_store.h"
#include "common/testing/status_matchers.h"

namespace arpent::storage {
namespace {

using ::arpent::testing::StatusIs;

enum class Fault { kNone, kBusyTwice, kBusy, kBreaksOff, kSendsLess, kTrickles };

// One object, "bucket/object", of 100,000 bytes, as an S3 service shows it; one connection, one request.
class FaultyS3 {
 public:
  FaultyS3() {
    for (int i = 0; i < 100000; ++i) object_.push_back(static_cast<char>(i * 7 + i / 256));
    socket_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(socket_, 64), 0);
    socklen_t size = sizeof(address);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (int client; (client = accept(socket_, nullptr, nullptr)) >= 0; close(client)) Serve(client);
    });
  }
  ~FaultyS3() {
    shutdown(socket_, SHUT_RDWR);
    close(socket_);
    thread_.join();
  }

  void Set(Fault fault) {
    requests_ = 0;
    fault_ = fault;
  }
  const std::string& object() const { return object_; }
  std::string Uri() const { return absl::StrCat("s3://bucket?endpoint=http://127.0.0.1:", port_, "&path-style=true&anonymous=true"); }

 private:
  static void Send(int client, absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  void Serve(int client) {
    std::string request;
    char buffer[4096];
    while (!absl::StrContains(request, "\r\n\r\n")) {
      const ssize_t got = recv(client, buffer, sizeof(buffer), 0);
      if (got <= 0) return;
      request.append(buffer, static_cast<size_t>(got));
    }
    const int number = ++requests_;
    const Fault fault = fault_;
    if (fault == Fault::kBusy || (fault == Fault::kBusyTwice && number <= 2)) {
      return Send(client, "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    size_t begin = 0, end = object_.size();
    if (const size_t range = request.find("Range: bytes="); range != std::string::npos) {
      const std::string bounds = request.substr(range + 13, request.find("\r\n", range) - range - 13);
      size_t last = 0;
      EXPECT_TRUE(absl::SimpleAtoi(bounds.substr(0, bounds.find('-')), &begin));
      EXPECT_TRUE(absl::SimpleAtoi(bounds.substr(bounds.find('-') + 1), &last));
      end = std::min(end, last + 1);
    }
    std::string body = object_.substr(begin, end - begin);
    if (fault == Fault::kSendsLess) body.resize(body.size() / 2);
    Send(client, absl::StrCat("HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nConnection: close\r\nContent-Range: bytes ", begin,
                              "-", end - 1, "/", object_.size(), "\r\nContent-Length: ", body.size(), "\r\n\r\n"));
    if (absl::StartsWith(request, "HEAD")) return;
    if (fault == Fault::kBreaksOff) body.resize(body.size() / 2);
    if (fault != Fault::kTrickles) return Send(client, body);
    for (int i = 0; i < 50 && fault_ == Fault::kTrickles; ++i) {
      absl::SleepFor(absl::Milliseconds(400));
    }
  }

  std::string object_;
  int socket_ = -1, port_ = 0;
  std::atomic<int> requests_ = 0;
  std::atomic<Fault> fault_ = Fault::kNone;
  std::thread thread_;
};

class S3Faults : public ::testing::Test {
 protected:
  S3Faults() {
    // A quick test: the waits are an operator's to set as well.
    CPLSetConfigOption("GDAL_HTTP_RETRY_DELAY", "0.05");
    CPLSetConfigOption("GDAL_HTTP_LOW_SPEED_TIME", "1");
    store_ = *OpenStore(server_.Uri());
  }
  absl::StatusOr<std::string> Read(int64_t offset, size_t length) {
    std::string bytes(length, '\0');
    const absl::StatusOr<size_t> got = store_->Read("object", "", offset, length, bytes.data());
    if (!got.ok()) return got.status();
    bytes.resize(*got);
    return bytes;
  }
  void ExpectWhole() {
    server_.Set(Fault::kNone);
    for (const int64_t offset : {0, 777, 60000}) {
      const absl::StatusOr<std::string> bytes = Read(offset, 30000);
      ASSERT_OK(bytes.status());
      EXPECT_EQ(*bytes, server_.object().substr(static_cast<size_t>(offset), 30000));
    }
  }

  FaultyS3 server_;
  std::shared_ptr<ObjectStore> store_;
};

TEST_F(S3Faults, AServiceThatIsBusyForAMomentIsWaitedFor) {
  ExpectWhole();
  server_.Set(Fault::kBusyTwice);
  const absl::StatusOr<std::string> bytes = Read(777, 30000);
  ASSERT_OK(bytes.status());
  EXPECT_EQ(*bytes, server_.object().substr(777, 30000));
}

TEST_F(S3Faults, WhatDoesNotComeIsUnavailableAndThenComes) {
  for (const Fault fault : {Fault::kBusy, Fault::kBreaksOff, Fault::kSendsLess, Fault::kTrickles}) {
    SCOPED_TRACE(static_cast<int>(fault));
    ExpectWhole();
    server_.Set(fault);
    const absl::Time begin = absl::Now();
    EXPECT_THAT(Read(777, 30000).status(), StatusIs(absl::StatusCode::kUnavailable, "object"));
    EXPECT_LT(absl::Now() - begin, absl::Seconds(20));
    ExpectWhole();
  }
}

}  // namespace
}  // namespace arpent::storage
