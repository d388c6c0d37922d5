// Tasks that are to be done, who holds them, and what becomes of an attempt. A lease has a fencing token that grows with
// every lease; only the holder of the newest token may end the task. Pure bookkeeping: no thread, no storage, no RPC; the
// clock comes by constructor. Not thread-safe.
//
// Attempts: a failure and a lost lease count, a hand-back does not. A failure that IsRetryable is tried again after a
// backoff with jitter, up to the limit of its code.
#ifndef ARPENT_SERVICES_COORDINATOR_QUEUE_TASK_QUEUE_H_
#define ARPENT_SERVICES_COORDINATOR_QUEUE_TASK_QUEUE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "services/coordinator/queue/ready_tasks.h"

namespace arpent::coordinator {

struct QueuePolicy {
  absl::Duration lease = absl::Seconds(60);
  // In all, whatever ended them. Damaged data is read again once, then it is the data's fault.
  int attempts = 4;
  int attempts_at_damaged_data = 2;
  absl::Duration first_backoff = absl::Seconds(1);
  double backoff_factor = 3;
  absl::Duration longest_backoff = absl::Minutes(1);

  int AttemptsFor(absl::StatusCode code) const;
};

struct Lease {
  std::string task_id;
  std::string worker_id;
  int64_t token = 0;
  int attempt = 0;  // 1 for the first
  absl::Time expiry;
  absl::Time start;
  int64_t memory_bytes = 0;
};

// What a worker can take on.
struct WorkerOffer {
  std::string worker_id;
  std::set<std::string> stage_versions;
  int slots = 0;              // in all
  int64_t memory_bytes = 0;   // in all
};

// What became of an attempt that did not succeed.
struct AttemptEnd {
  std::string task_id;
  std::string worker_id;
  std::string stage;
  bool final = false;      // no further attempt; the task has left the queue
  int attempts = 0;        // so far
  absl::Status status;     // of the attempt
};

class TaskQueue {
 public:
  // `random` gives numbers in [0, 1) for the jitter. `last_token`: the newest token of an earlier life, 0 for none.
  TaskQueue(const QueuePolicy& policy, const Clock& clock, std::function<double()> random, int64_t last_token = 0);

  // Queues a task. Of one that is here already, only the priority may rise.
  void Add(const std::string& task_id, const TaskDemand& demand, int attempts_before = 0);
  // Takes the task out, wherever it stands; its holder hears it by Extend.
  void Remove(const std::string& task_id);
  bool Contains(const std::string& task_id) const { return tasks_.count(task_id) > 0; }
  // What the task's next lease reserves. Nothing happens when it is not here.
  void SetMemory(const std::string& task_id, int64_t memory_bytes);

  // Puts a lease of an earlier life back on a task that was added. It expires as it would have.
  void Restore(const Lease& lease);

  // At most so many tasks of the shares "`owner`/..." are leased at once; 0: any number.
  void SetLimit(const std::string& owner, int at_once);
  // Whether the owner of the share has as many leased as it may.
  bool AtLimit(const std::string& share) const;

  // Leases up to `most` tasks that fit beside what the worker holds.
  std::vector<Lease> LeaseFor(const WorkerOffer& offer, int most);
  // Prolongs a lease. ABORTED when it is no longer the worker's.
  absl::StatusOr<Lease> Extend(const std::string& task_id, int64_t token);

  // The ends of an attempt. ABORTED when the token is not that of the current lease.
  absl::StatusOr<Lease> Complete(const std::string& task_id, int64_t token);
  absl::StatusOr<AttemptEnd> Fail(const std::string& task_id, int64_t token, const absl::Status& status);
  absl::Status Return(const std::string& task_id, int64_t token);

  // The clock was set `by` ahead (back when negative): every time that is kept here moves with it.
  void ShiftTimes(absl::Duration by);

  // Ends the leases that have run out, as DEADLINE_EXCEEDED.
  std::vector<AttemptEnd> ExpireLeases();

  std::vector<Lease> LeasesOf(const std::string& worker_id) const;
  std::optional<Lease> LeaseOf(const std::string& task_id) const;
  int AttemptsOf(const std::string& task_id) const;
  int64_t last_token() const { return last_token_; }

  // Ready, waiting for its next attempt, or leased.
  enum class State { kReady, kBackoff, kLeased };
  struct View {
    const std::string& task_id;
    const TaskDemand& demand;
    State state;
    absl::Time since;   // in this state
    absl::Time not_before;
  };
  void ForEach(const std::function<void(const View&)>& visit) const;
  std::optional<View> Find(const std::string& task_id) const;
  size_t size() const { return tasks_.size(); }
  size_t ready() const { return ready_.size(); }
  std::vector<std::string> ReadyIds() const { return ready_.Ids(); }
  size_t leased() const { return expiring_.size(); }

 private:
  struct Task {
    TaskDemand demand;
    State state = State::kReady;
    int attempts = 0;        // that counted
    absl::Time since;
    absl::Time not_before;   // of kBackoff
    Lease lease;             // of kLeased
  };
  struct Holder {
    std::set<std::string> tasks;
    int64_t memory_bytes = 0;
  };
  using TaskIterator = std::map<std::string, Task>::iterator;

  absl::StatusOr<TaskIterator> Held(const std::string& task_id, int64_t token);
  void Hold(TaskIterator task, const Lease& lease);
  void Release(TaskIterator task);
  AttemptEnd EndAttempt(TaskIterator task, const absl::Status& status);
  void MakeReady(TaskIterator task);
  void WakeUp();
  absl::Duration Backoff(int attempts);

  const QueuePolicy policy_;
  const Clock& clock_;
  const std::function<double()> random_;
  int64_t last_token_;
  std::map<std::string, Task> tasks_;
  ReadyTasks ready_;
  std::set<std::pair<absl::Time, std::string>> sleeping_;  // by the end of their backoff
  std::set<std::pair<absl::Time, std::string>> expiring_;  // by the end of their lease
  std::map<std::string, Holder> holders_;
  std::map<std::string, int> limits_, leased_;  // by owner of shares
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_QUEUE_TASK_QUEUE_H_
