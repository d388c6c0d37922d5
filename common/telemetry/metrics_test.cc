#include "common/telemetry/metrics.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/testing/status_matchers.h"

namespace arpent::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// GET /metrics over a plain socket, as Prometheus would.
std::string Scrape(int port) {
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(static_cast<uint16_t>(port))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
  EXPECT_EQ(write(connection, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(connection, buffer, sizeof(buffer))) > 0;) text.append(buffer, got);
  close(connection);
  return text;
}

TEST(Metrics, ServesWhatWasCounted) {
  Metrics metrics;
  const CounterFamily tasks = metrics.AddCounter("test_tasks_total", "Tasks.", {"stage", "outcome"});
  tasks.With({"l2a", "done"}).Increment();
  tasks.With({"l2a", "done"}).Increment(2);
  metrics.AddHistogram("test_seconds", "Seconds.", {}, ExponentialBuckets(1, 10, 2)).With({}).Observe(5);
  ASSERT_OK_AND_ASSIGN(const auto server, MetricsServer::Start("127.0.0.1:0", metrics));
  const int port = std::stoi(server->address().substr(server->address().rfind(':') + 1));
  ASSERT_GT(port, 0);
  const std::string text = Scrape(port);
  EXPECT_THAT(text, HasSubstr("test_tasks_total{outcome=\"done\",stage=\"l2a\"} 3"));
  EXPECT_THAT(text, HasSubstr("test_seconds_bucket{le=\"10\"} 1"));
  EXPECT_THAT(text, HasSubstr("test_seconds_bucket{le=\"1\"} 0"));
  EXPECT_THAT(text, HasSubstr("arpent_build_info{version=\"0."));
}

TEST(Metrics, OneNameIsOneFamily) {
  Metrics metrics;
  metrics.AddCounter("test_total", "Help.", {"a"}).With({"x"}).Increment();
  metrics.AddCounter("test_total", "Help.", {"a"}).With({"x"}).Increment();
  EXPECT_EQ(metrics.AddCounter("test_total", "Help.", {"a"}).With({"x"}).Value(), 2);
}

TEST(Metrics, GaugesAreRefreshedAtTheScrape) {
  Metrics metrics;
  const GaugeFamily depth = metrics.AddGauge("test_depth", "Depth.", {"site"});
  depth.With({"old"}).Set(7);
  int scrapes = 0;
  auto refresh = metrics.BeforeScrape([&] {
    depth.Clear();
    depth.With({"new"}).Set(++scrapes);
  });
  EXPECT_THAT(metrics.Text(), HasSubstr("test_depth{site=\"new\"} 1"));
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("old")));
  refresh.reset();
  EXPECT_THAT(metrics.Text(), HasSubstr("test_depth{site=\"new\"} 2"));
}

TEST(MetricsServer, SaysWhyItCannotListen) {
  Metrics metrics;
  EXPECT_THAT(MetricsServer::Start("256.1.1.1:99999", metrics),
              testing::StatusIs(absl::StatusCode::kUnavailable, "256.1.1.1:99999"));
}

}  // namespace
}  // namespace arpent::telemetry
