#include "common/telemetry/node_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/testing/temporary_folder.h"

namespace arpent::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The value of a series in the text of /metrics; NaN when it is not there.
double ValueOf(const std::string& text, const std::string& series) {
  const size_t at = text.find("\n" + series + " ");
  return at == std::string::npos ? NAN : std::strtod(text.c_str() + at + series.size() + 2, nullptr);
}

void Write(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

TEST(NodeMetrics, TellsOfThisProcess) {
  Metrics metrics;
  const NodeMetrics node(metrics);
  volatile double sink = 0;
  for (int i = 0; i < 20'000'000; ++i) sink = sink + i;
  const std::string text = metrics.Text();
  EXPECT_GT(ValueOf(text, "process_cpu_seconds_total"), 0.001);
  EXPECT_GT(ValueOf(text, "process_resident_memory_bytes"), 1e6);
  EXPECT_GE(ValueOf(text, "process_open_fds"), 3);
  EXPECT_GE(ValueOf(text, "process_max_fds"), ValueOf(text, "process_open_fds"));
  EXPECT_GT(ValueOf(text, "arpent_cpu_limit_cores"), 0);
  EXPECT_GT(ValueOf(text, "arpent_memory_limit_bytes"), 1e8);
}

TEST(NodeMetrics, PressureIsOfTheCgroupWhereItShowsIt) {
  const testing::TemporaryFolder folder;
  const std::string root = folder.path();
  Write(root + "/proc/pressure/io", "some avg10=0.00 avg60=0.00 avg300=0.00 total=4500000\n"
                                    "full avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\n");
  Write(root + "/proc/pressure/cpu", "some avg10=9.00 avg60=0.00 avg300=0.00 total=9000000\n");
  Write(root + "/sys/fs/cgroup/cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=250000\n");
  Write(root + "/sys/fs/cgroup/cpu.stat", "usage_usec 12\nthrottled_usec 1500000\n");
  Metrics metrics;
  const NodeMetrics node(metrics, root);
  std::string text = metrics.Text();
  EXPECT_EQ(ValueOf(text, R"(arpent_pressure_seconds_total{resource="io",share="some"})"), 4.5);
  EXPECT_EQ(ValueOf(text, R"(arpent_pressure_seconds_total{resource="io",share="full"})"), 2);
  EXPECT_EQ(ValueOf(text, R"(arpent_pressure_seconds_total{resource="cpu",share="some"})"), 0.25);
  EXPECT_THAT(text, Not(HasSubstr("resource=\"memory\"")));
  EXPECT_EQ(ValueOf(text, "arpent_cpu_throttled_seconds_total"), 1.5);

  Write(root + "/proc/pressure/io", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n");
  text = metrics.Text();
  EXPECT_EQ(ValueOf(text, R"(arpent_pressure_seconds_total{resource="io",share="some"})"), 4.5) << "a counter fell";
}

TEST(WatchDisk, ShowsRoomWhileItIsHeldAndNothingOfAnAbsentFolder) {
  const testing::TemporaryFolder folder;
  Metrics metrics;
  const auto scratch = WatchDisk(metrics, "scratch", folder.path());
  const auto absent = WatchDisk(metrics, "state", folder.path() + "/absent");
  const std::string text = metrics.Text();
  const std::filesystem::space_info room = std::filesystem::space(folder.path());
  EXPECT_EQ(ValueOf(text, R"(arpent_disk_size_bytes{place="scratch"})"), static_cast<double>(room.capacity));
  EXPECT_GT(ValueOf(text, R"(arpent_disk_free_bytes{place="scratch"})"), 0);
  EXPECT_LE(ValueOf(text, R"(arpent_disk_free_bytes{place="scratch"})"), static_cast<double>(room.capacity));
  EXPECT_THAT(text, Not(HasSubstr("place=\"state\"")));
}

}  // namespace
}  // namespace arpent::telemetry
