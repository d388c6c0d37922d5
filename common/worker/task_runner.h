// One attempt of one task on the calling thread: from the message of the lease to the message of the outcome.
#ifndef ARPENT_COMMON_WORKER_TASK_RUNNER_H_
#define ARPENT_COMMON_WORKER_TASK_RUNNER_H_

#include <atomic>
#include <memory>
#include <string>

#include "arpent/worker/v1/worker.pb.h"
#include "common/stages/stage.h"
#include "common/storage/stores.h"
#include "common/telemetry/metrics.h"

namespace arpent::worker {

// What the lease loop and a running task tell each other.
struct TaskControl {
  std::atomic<double> done_fraction = 0;
  std::atomic<bool> cancelled = false;
};

class TaskRunner {
 public:
  struct Options {
    std::string scratch;  // local folder; each attempt gets one of its own below it, removed afterwards
    std::string tables;   // folder of look-up tables
    int threads_per_task = 1;
    int64_t memory_per_task_bytes = int64_t{1} << 30;  // when the task does not say
  };

  TaskRunner(stages::StageRegistry stages, std::shared_ptr<const storage::StoreSet> stores, Options options,
             telemetry::Metrics& metrics);

  // Never fails: what goes wrong is the outcome TaskFailed with a code that decides about another attempt. A stage that
  // throws is INTERNAL, one that runs out of memory RESOURCE_EXHAUSTED. Thread-safe.
  v1::TaskOutcome Run(const v1::Task& task, TaskControl& control) const;

  const stages::StageRegistry& stages() const { return stages_; }

 private:
  absl::StatusOr<stages::TaskResult> Execute(const stages::TaskSpec& spec, const v1::Task& task,
                                             const std::string& scratch, TaskControl& control) const;
  void Count(const std::string& stage, const v1::TaskOutcome& outcome) const;

  const stages::StageRegistry stages_;
  const std::shared_ptr<const storage::StoreSet> stores_;
  const std::shared_ptr<stages::SharedModels> models_ = std::make_shared<stages::SharedModels>();  // of all tasks
  const Options options_;
  const telemetry::CounterFamily tasks_, time_, pixels_, area_;
  const telemetry::HistogramFamily duration_;
};

}  // namespace arpent::worker

#endif  // ARPENT_COMMON_WORKER_TASK_RUNNER_H_
