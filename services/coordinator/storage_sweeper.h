// Sweeps the output store from time to time, as `arpent storage sweep` does when it is asked. The leader's own: it knows what
// is in use, and keeps it from being used while it goes.
#ifndef ARPENT_SERVICES_COORDINATOR_STORAGE_SWEEPER_H_
#define ARPENT_SERVICES_COORDINATOR_STORAGE_SWEEPER_H_

#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/storage/stores.h"
#include "services/coordinator/coordinator.h"

namespace arpent::coordinator {

struct SweepResult {
  int removed = 0;  // folders
  int spared = 0;   // that came into use after the plan was made
  int64_t bytes = 0;
};

// One sweep. `stop` ends it early between two folders: what is left goes with the next one. Its error is the first of the
// store or of the state.
absl::StatusOr<SweepResult> SweepOutput(Coordinator& coordinator, CoordinatorCounters& counters,
                                        const storage::StoreSet& stores, const absl::Notification& stop);

class StorageSweeper {
 public:
  // Sweeps the store `output` whenever `interval` has passed since the last sweep, over restarts too. A sweep that fails is
  // tried again ten minutes later. `counters` outlive it.
  StorageSweeper(std::shared_ptr<Coordinator> coordinator, CoordinatorCounters& counters,
                 std::shared_ptr<storage::ObjectStore> output, absl::Duration interval);
  // Waits for the folder that is being removed.
  ~StorageSweeper();

 private:
  void Run();

  const std::shared_ptr<Coordinator> coordinator_;
  CoordinatorCounters& counters_;
  const absl::Duration interval_;
  storage::StoreSet stores_;
  absl::Notification stop_;
  std::thread thread_;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_STORAGE_SWEEPER_H_
