// What the process may use: the smaller of the machine's and the cgroup's limits (cgroup v1 and v2).
#ifndef ARPENT_COMMON_BASE_RESOURCES_H_
#define ARPENT_COMMON_BASE_RESOURCES_H_

#include <cstdint>
#include <string>

namespace arpent {

struct ResourceLimits {
  double cpus = 1;            // may be a fraction: 1.5 CPUs of quota
  int64_t memory_bytes = 0;
  // Threads worth starting: cpus rounded up, at least 1.
  int Threads() const;
};

// Reads the limits of this process. `root` stands in for "/" in tests.
ResourceLimits DetectResourceLimits(const std::string& root = "");

// Peak resident memory of this process in bytes (VmHWM), 0 where the kernel does not say.
int64_t PeakResidentBytes();

// To be called first in main. The C library would open eight heaps per core, one after the other for the threads that come
// and go (gRPC has many), and each keeps what it once held: the freed buffers of a task then stay resident several times.
// One heap per core, at least two, is enough for threads that allocate in large pieces.
void LimitHeaps();

// Gives what is free in the heaps back to the system: between tasks.
void ReturnFreeMemory();

}  // namespace arpent

#endif  // ARPENT_COMMON_BASE_RESOURCES_H_
