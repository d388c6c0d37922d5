#include "common/telemetry/node_metrics.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/resources.h"

namespace arpent::telemetry {
namespace {

namespace fs = std::filesystem;

double CpuSeconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + used.tv_nsec * 1e-9;
}

// Second number of statm: resident pages.
double ResidentBytes(const std::string& root) {
  std::ifstream file(root + "/proc/self/statm");
  double total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double OpenFiles(const std::string& root) {
  std::error_code error;
  double count = 0;
  for (fs::directory_iterator file(root + "/proc/self/fd", error), end; !error && file != end; file.increment(error)) ++count;
  return count;
}

double MostOpenFiles() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

// "name number" lines: the number of `name`.
std::optional<double> NumberOf(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  std::string key;
  double value = 0;
  while (file >> key >> value) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::optional<double> ThrottledSeconds(const std::string& root) {
  if (const auto micros = NumberOf(root + "/sys/fs/cgroup/cpu.stat", "throttled_usec")) return *micros * 1e-6;
  if (const auto nanos = NumberOf(root + "/sys/fs/cgroup/cpu/cpu.stat", "throttled_time")) return *nanos * 1e-9;
  return std::nullopt;
}

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=188103": microseconds since boot.
std::optional<double> StalledSeconds(const std::string& path, const std::string& share) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    double micros = 0;
    const size_t total = line.rfind("total=");
    if (!absl::StartsWith(line, share) || total == std::string::npos) continue;
    if (absl::SimpleAtod(line.substr(total + 6), &micros)) return micros * 1e-6;
  }
  return std::nullopt;
}

// Totals of the kernel only grow; a machine that slept or a cgroup that moved must not make a counter fall.
void Raise(const Counter& counter, double total) {
  Counter copy = counter;
  copy.Increment(std::max(0.0, total - copy.Value()));
}

}  // namespace

struct NodeMetrics::Families {
  std::string root;
  Counter cpu;
  Gauge resident, open_files, most_open_files, start;
  Gauge cpu_limit, memory_limit;
  CounterFamily throttled, pressure;

  Families(Metrics& metrics, const std::string& at)
      : root(at),
        cpu(metrics.AddCounter("process_cpu_seconds_total", "User and system CPU time of the process.", {}).With({})),
        resident(metrics.AddGauge("process_resident_memory_bytes", "Resident memory of the process.", {}).With({})),
        open_files(metrics.AddGauge("process_open_fds", "Open file descriptors.", {}).With({})),
        most_open_files(metrics.AddGauge("process_max_fds", "Most file descriptors that may be open.", {}).With({})),
        start(metrics.AddGauge("process_start_time_seconds", "When the process began, since 1970.", {}).With({})),
        cpu_limit(metrics.AddGauge("arpent_cpu_limit_cores", "Cores that the process may use: machine or cgroup.", {}).With({})),
        memory_limit(metrics.AddGauge("arpent_memory_limit_bytes",
                                      "Memory that the process may use: machine or cgroup.", {}).With({})),
        throttled(metrics.AddCounter("arpent_cpu_throttled_seconds_total",
                                     "How long the cgroup's CPU limit held its threads.", {})),
        pressure(metrics.AddCounter("arpent_pressure_seconds_total",
                                    "How long some or all of the runnable work was stalled for a resource (PSI).",
                                    {"resource", "share"})) {
    start.Set(static_cast<double>(time(nullptr)));
    most_open_files.Set(MostOpenFiles());
    const ResourceLimits limits = DetectResourceLimits(root);
    cpu_limit.Set(limits.cpus);
    memory_limit.Set(static_cast<double>(limits.memory_bytes));
  }

  void Refresh() {
    Raise(cpu, CpuSeconds());
    resident.Set(ResidentBytes(root));
    open_files.Set(OpenFiles(root));
    if (const auto seconds = ThrottledSeconds(root)) Raise(throttled.With({}), *seconds);
    for (const char* const resource : {"cpu", "memory", "io"}) {
      std::string file = absl::StrCat(root, "/sys/fs/cgroup/", resource, ".pressure");
      if (!std::ifstream(file)) file = absl::StrCat(root, "/proc/pressure/", resource);
      for (const char* const share : {"some", "full"}) {
        if (const auto seconds = StalledSeconds(file, share)) Raise(pressure.With({resource, share}), *seconds);
      }
    }
  }
};

NodeMetrics::NodeMetrics(Metrics& metrics, const std::string& root) : families_(std::make_shared<Families>(metrics, root)) {
  refresh_ = metrics.BeforeScrape([families = families_] { families->Refresh(); });
}

std::shared_ptr<void> WatchDisk(Metrics& metrics, const std::string& place, const std::string& folder) {
  const GaugeFamily size = metrics.AddGauge("arpent_disk_size_bytes", "Size of the file system that a place is on.", {"place"});
  const GaugeFamily free = metrics.AddGauge("arpent_disk_free_bytes", "Of it free for the service.", {"place"});
  return metrics.BeforeScrape([=] {
    struct statvfs room {};
    if (statvfs(folder.c_str(), &room) != 0) return;
    const auto block = static_cast<double>(room.f_frsize);
    size.With({place}).Set(block * static_cast<double>(room.f_blocks));
    free.With({place}).Set(block * static_cast<double>(room.f_bavail));
  });
}

}  // namespace arpent::telemetry
