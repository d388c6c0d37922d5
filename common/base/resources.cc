#include "common/base/resources.h"

#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace arpent {
namespace {

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

int64_t MachineMemory(const std::string& root) {
  std::ifstream file(root + "/proc/meminfo");
  std::string label;
  int64_t kibibytes = 0;
  if (file >> label >> kibibytes) return kibibytes * 1024;
  return int64_t{1} << 30;
}

// The cgroup path of this process for `controller` ("" = the v2 hierarchy), with every parent up to the root.
std::vector<std::string> CgroupFolders(const std::string& root, absl::string_view controller) {
  std::ifstream file(root + "/proc/self/cgroup");
  std::string path;
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const std::vector<std::string> controllers = absl::StrSplit(fields[1], ',');
    if (std::find(controllers.begin(), controllers.end(), controller) != controllers.end()) path = fields[2];
  }
  const std::string mount =
      root + "/sys/fs/cgroup" + (controller.empty() ? "" : "/" + std::string(controller));
  std::vector<std::string> folders;
  while (path.size() > 1) {
    folders.push_back(mount + path);
    path.erase(path.rfind('/'));
  }
  folders.push_back(mount);
  return folders;
}

std::optional<int64_t> NumberIn(const std::string& path) {
  int64_t value = 0;
  if (absl::SimpleAtoi(FirstLine(path), &value)) return value;
  return std::nullopt;
}

}  // namespace

int ResourceLimits::Threads() const { return std::max(1, static_cast<int>(std::ceil(cpus - 1e-9))); }

ResourceLimits DetectResourceLimits(const std::string& root) {
  ResourceLimits limits;
  limits.cpus = std::max(1u, std::thread::hardware_concurrency());
  limits.memory_bytes = MachineMemory(root);
  const auto limit_cpus = [&](double cpus) {
    if (cpus > 0) limits.cpus = std::min(limits.cpus, cpus);
  };
  const auto limit_memory = [&](int64_t bytes) {
    if (bytes > 0) limits.memory_bytes = std::min(limits.memory_bytes, bytes);
  };
  for (const std::string& folder : CgroupFolders(root, "")) {
    const std::vector<std::string> quota = absl::StrSplit(FirstLine(folder + "/cpu.max"), ' ');
    double used = 0, period = 0;
    if (quota.size() == 2 && absl::SimpleAtod(quota[0], &used) && absl::SimpleAtod(quota[1], &period) && period > 0) {
      limit_cpus(used / period);
    }
    limit_memory(NumberIn(folder + "/memory.max").value_or(0));
  }
  for (const std::string& folder : CgroupFolders(root, "cpu")) {
    const auto quota = NumberIn(folder + "/cpu.cfs_quota_us");
    const auto period = NumberIn(folder + "/cpu.cfs_period_us");
    if (quota && period && *quota > 0 && *period > 0) limit_cpus(static_cast<double>(*quota) / *period);
  }
  for (const std::string& folder : CgroupFolders(root, "memory")) {
    limit_memory(NumberIn(folder + "/memory.limit_in_bytes").value_or(0));
  }
  return limits;
}

int64_t PeakResidentBytes() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string label;
    int64_t kibibytes = 0;
    if (words >> label >> kibibytes && label == "VmHWM:") return kibibytes * 1024;
  }
  return 0;
}

void LimitHeaps() { mallopt(M_ARENA_MAX, std::max(2, DetectResourceLimits().Threads())); }

void ReturnFreeMemory() { malloc_trim(0); }

}  // namespace arpent
