// Where a task's time went: CPU, waiting for a core, and waiting for bytes by source. Waits are counted in our own I/O
// layer, because the kernel's accounting does not see time spent waiting on a socket.
#ifndef ARPENT_COMMON_TELEMETRY_TIME_ACCOUNT_H_
#define ARPENT_COMMON_TELEMETRY_TIME_ACCOUNT_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/task_context.h"

namespace arpent::telemetry {

// kCacheWait: for the tile cache; kStorageWait: for object storage; kDiskWait: for local files.
enum class TimeKind { kCpu, kRunQueue, kCacheWait, kStorageWait, kDiskWait, kOther };
inline constexpr int kTimeKinds = 6;

// "cpu", "run_queue", "cache_wait", "storage_wait", "disk_wait", "other": the values of the metric label `kind`.
absl::string_view TimeKindName(TimeKind kind);

// Thread-seconds by kind. The kinds are disjoint; kOther is thread time that none of the others explains.
struct TaskTimes {
  std::array<absl::Duration, kTimeKinds> by_kind = {};
  absl::Duration operator[](TimeKind kind) const { return by_kind[static_cast<int>(kind)]; }
  absl::Duration& operator[](TimeKind kind) { return by_kind[static_cast<int>(kind)]; }
};

// Accounts the time of every thread that works for one task. Thread-safe.
class TimeAccount final : public TaskContext {
 public:
  void ThreadEnters() override;
  void ThreadLeaves() override;
  void Add(TimeKind kind, absl::Duration duration);
  // Bytes that came from or went to storage, whatever the source.
  void AddBytes(int64_t read, int64_t written);

  TaskTimes Times() const;  // of the threads that have left
  int64_t bytes_read() const { return bytes_read_; }
  int64_t bytes_written() const { return bytes_written_; }

 private:
  std::array<std::atomic<int64_t>, kTimeKinds> nanoseconds_ = {};
  std::atomic<int64_t> bytes_read_ = 0;
  std::atomic<int64_t> bytes_written_ = 0;
};

// The account of the calling thread's task, or null outside of one.
TimeAccount* CurrentTimeAccount();

// Counts its lifetime as a wait of `kind` for the current task. Inside another ScopedWait it counts nothing: the
// outermost wait names the source that the task waited for.
class ScopedWait {
 public:
  explicit ScopedWait(TimeKind kind);
  ~ScopedWait();
  ScopedWait(const ScopedWait&) = delete;
  ScopedWait& operator=(const ScopedWait&) = delete;

  // Bytes that came in or went out; like the wait, counted by the outermost only.
  void AddBytes(int64_t read, int64_t written) {
    if (outermost_) account_->AddBytes(read, written);
  }

 private:
  TimeAccount* const account_;
  const TimeKind kind_;
  const bool outermost_;
  int64_t start_wall_ = 0;
  int64_t start_busy_ = 0;
};

}  // namespace arpent::telemetry

#endif  // ARPENT_COMMON_TELEMETRY_TIME_ACCOUNT_H_
