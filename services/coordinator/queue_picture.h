// Why a task in the queue does not run yet, in words: the whole queue and every worker, looked at once.
#ifndef ARPENT_SERVICES_COORDINATOR_QUEUE_PICTURE_H_
#define ARPENT_SERVICES_COORDINATOR_QUEUE_PICTURE_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/coordinator/queue/task_queue.h"
#include "services/coordinator/worker_roster.h"

namespace arpent::coordinator {

class QueuePicture {
 public:
  QueuePicture(const WorkerRoster& roster, const TaskQueue& queue, absl::Time now);

  // What a task waits for; empty for one that is leased. `attempts`: how often it was tried; `error_code`: how the last
  // attempt ended.
  std::string WhyItWaits(const TaskQueue::View& task, int attempts, const std::string& error_code) const;

 private:
  struct Worker {
    std::set<std::string> stage_versions;
    bool draining = false;
    int slots = 0, busy = 0;
    int64_t memory_bytes = 0, free_memory_bytes = 0;
  };

  std::string WhyNoneTakesIt(const TaskDemand& demand) const;
  std::string WhatGoesBefore(const TaskDemand& demand) const;

  const absl::Time now_;
  std::vector<Worker> workers_;
  std::map<int, std::map<std::string, int>> ready_;  // tasks by priority and share
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_QUEUE_PICTURE_H_
