// The lease loop: tell the coordinator what this process can do and holds, hear what to begin, stop or extend, run the
// tasks, report how they ended. Stateless: a killed worker loses only unfinished attempts.
#ifndef ARPENT_COMMON_WORKER_WORKER_H_
#define ARPENT_COMMON_WORKER_WORKER_H_

#include <list>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/resources.h"
#include "common/worker/coordinator_link.h"
#include "common/worker/task_runner.h"

namespace arpent::worker {

struct WorkerOptions {
  std::string worker_id;                // unique per process; MakeWorkerId()
  std::string host;
  std::vector<std::string> stages;      // as reported, "l2a@1" or "l2a@1#<digest of its tables>"
  int slots = 1;                        // tasks at once
  int threads_per_task = 1;
  int64_t memory_bytes = int64_t{4} << 30;  // for all tasks together
  absl::Duration heartbeat = absl::Seconds(5);       // between calls while every slot is busy
  absl::Duration longest_poll = absl::Seconds(5);    // of an idle worker's call; drain waits for it
  absl::Duration drain_grace = absl::Seconds(60);    // for running tasks; then they are handed back
  absl::Duration lifetime = absl::InfiniteDuration();  // then it drains and Run returns; 10 % of jitter either way
};

// Slots and threads for the limits: one task per core as far as memory allows, and what is left as threads.
void SizeFor(const ResourceLimits& limits, WorkerOptions* options);

std::string HostName();
// Host, process number and a random part.
std::string MakeWorkerId();

class Worker {
 public:
  Worker(WorkerOptions options, TaskRunner runner, std::unique_ptr<CoordinatorLink> coordinator,
         telemetry::Metrics& metrics);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Works until it has drained (OK) or the coordinator refuses it for good (that error).
  absl::Status Run();

  // Takes no new tasks, finishes or hands back what runs, then Run returns. Any thread, any number of times.
  void Drain();
  bool draining() const;

  // Hears from the coordinator now and then; false when it has been silent for a while. For readiness.
  bool connected() const;

 private:
  // What becomes of a task that is asked to stop.
  enum class Fate { kReported, kDropped, kHandedBack };
  struct Held {
    v1::Task task;
    TaskControl control;
    Fate fate = Fate::kReported;
    bool ended = false;
    std::thread thread;
  };

  void StartDraining(absl::Duration grace) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::SynchronizeRequest Request();
  absl::Duration PollTime() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Apply(const v1::SynchronizeResponse& response);
  void Begin(const v1::Task& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HandBack(const v1::Task& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunTask(Held& held);
  void Reap() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StopOverdue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WaitForNews(absl::Duration longest);
  bool Finished() const;
  void ShowSlots() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const WorkerOptions options_;
  const TaskRunner runner_;
  const std::unique_ptr<CoordinatorLink> coordinator_;
  const telemetry::GaugeFamily slots_;
  const absl::Time retire_at_;

  mutable absl::Mutex mutex_;
  std::list<std::unique_ptr<Held>> held_ ABSL_GUARDED_BY(mutex_);
  std::list<v1::TaskOutcome> unacknowledged_ ABSL_GUARDED_BY(mutex_);
  bool news_ ABSL_GUARDED_BY(mutex_) = false;  // something ended, or drain began, since the last call
  absl::Time drain_since_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  absl::Duration drain_grace_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  absl::Time last_heard_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace arpent::worker

#endif  // ARPENT_COMMON_WORKER_WORKER_H_
