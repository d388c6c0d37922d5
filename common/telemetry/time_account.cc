#include "common/telemetry/time_account.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace arpent::telemetry {
namespace {

int64_t Nanoseconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

// The thread's own schedstat, kept open: it is read twice for each wait.
class ScheduleFile {
 public:
  ScheduleFile() {
    char path[64];
    std::snprintf(path, sizeof(path), "/proc/self/task/%ld/schedstat", static_cast<long>(syscall(SYS_gettid)));
    file_ = open(path, O_RDONLY | O_CLOEXEC);
  }
  ~ScheduleFile() {
    if (file_ >= 0) close(file_);
  }

  // Second number of schedstat, 0 where the kernel lacks it.
  int64_t RunQueueNanoseconds() const {
    char text[96] = {};
    if (file_ < 0 || pread(file_, text, sizeof(text) - 1, 0) <= 0) return 0;
    char* end = nullptr;
    std::strtoll(text, &end, 10);
    return std::strtoll(end, nullptr, 10);
  }

 private:
  int file_;
};

// Time that this thread was ready to run and had no core.
int64_t RunQueueNanoseconds() {
  thread_local const ScheduleFile file;
  return file.RunQueueNanoseconds();
}

struct ThreadState {
  int64_t wall = 0, cpu = 0, run_queue = 0, waits = 0;
  int wait_depth = 0;
};
thread_local ThreadState state;

}  // namespace

absl::string_view TimeKindName(TimeKind kind) {
  static constexpr absl::string_view kNames[kTimeKinds] = {"cpu",          "run_queue", "cache_wait",
                                                           "storage_wait", "disk_wait", "other"};
  return kNames[static_cast<int>(kind)];
}

void TimeAccount::ThreadEnters() {
  state = ThreadState{.wall = Nanoseconds(CLOCK_MONOTONIC),
                      .cpu = Nanoseconds(CLOCK_THREAD_CPUTIME_ID),
                      .run_queue = RunQueueNanoseconds()};
}

void TimeAccount::ThreadLeaves() {
  const int64_t wall = Nanoseconds(CLOCK_MONOTONIC) - state.wall;
  const int64_t cpu = Nanoseconds(CLOCK_THREAD_CPUTIME_ID) - state.cpu;
  const int64_t run_queue = RunQueueNanoseconds() - state.run_queue;
  Add(TimeKind::kCpu, absl::Nanoseconds(cpu));
  Add(TimeKind::kRunQueue, absl::Nanoseconds(run_queue));
  Add(TimeKind::kOther, absl::Nanoseconds(std::max<int64_t>(0, wall - cpu - run_queue - state.waits)));
}

void TimeAccount::Add(TimeKind kind, absl::Duration duration) {
  nanoseconds_[static_cast<int>(kind)] += absl::ToInt64Nanoseconds(duration);
}

void TimeAccount::AddBytes(int64_t read, int64_t written) {
  bytes_read_ += read;
  bytes_written_ += written;
}

TaskTimes TimeAccount::Times() const {
  TaskTimes times;
  for (int i = 0; i < kTimeKinds; ++i) times.by_kind[i] = absl::Nanoseconds(nanoseconds_[i].load());
  return times;
}

TimeAccount* CurrentTimeAccount() { return dynamic_cast<TimeAccount*>(CurrentTaskContext()); }

ScopedWait::ScopedWait(TimeKind kind)
    : account_(CurrentTimeAccount()), kind_(kind), outermost_(account_ != nullptr && state.wait_depth++ == 0) {
  if (!outermost_) return;
  start_wall_ = Nanoseconds(CLOCK_MONOTONIC);
  start_busy_ = Nanoseconds(CLOCK_THREAD_CPUTIME_ID) + RunQueueNanoseconds();
}

ScopedWait::~ScopedWait() {
  if (account_ == nullptr) return;
  --state.wait_depth;
  if (!outermost_) return;
  // What the thread computed or queued for a core meanwhile is counted as that, not as a wait.
  const int64_t busy = Nanoseconds(CLOCK_THREAD_CPUTIME_ID) + RunQueueNanoseconds() - start_busy_;
  const int64_t wait = std::max<int64_t>(0, Nanoseconds(CLOCK_MONOTONIC) - start_wall_ - busy);
  state.waits += wait;
  account_->Add(kind_, absl::Nanoseconds(wait));
}

}  // namespace arpent::telemetry
