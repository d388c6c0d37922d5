// One thread that makes queued writes durable, as many at a time as have come in: thousands of small transactions cost
// few flushes. Stores implement only how one group is written.
#ifndef ARPENT_SERVICES_COORDINATOR_STORE_GROUP_COMMIT_H_
#define ARPENT_SERVICES_COORDINATOR_STORE_GROUP_COMMIT_H_

#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "services/coordinator/store/state_store.h"

namespace arpent::coordinator {

class GroupCommit {
 public:
  // `commit` writes a group in one transaction and returns when it is durable. It is called on one thread.
  using Commit = std::function<absl::Status(const std::vector<Write>& group)>;
  explicit GroupCommit(Commit commit);
  // Makes durable what is queued, then returns.
  ~GroupCommit();
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  uint64_t Append(std::vector<Write> writes);
  absl::Status WaitDurable(uint64_t number);

 private:
  void Run();

  const Commit commit_;
  mutable absl::Mutex mutex_;
  std::vector<Write> queued_ ABSL_GUARDED_BY(mutex_);
  uint64_t appended_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t durable_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_STORE_GROUP_COMMIT_H_
