// State that goes with the process: for `run plan` without a state, and for tests.
#ifndef ARPENT_SERVICES_COORDINATOR_STORE_MEMORY_STORE_H_
#define ARPENT_SERVICES_COORDINATOR_STORE_MEMORY_STORE_H_

#include <array>
#include <map>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "services/coordinator/store/state_store.h"

namespace arpent::coordinator {

class MemoryStore final : public StateStore {
 public:
  uint64_t Append(std::vector<Write> writes) override;
  absl::Status WaitDurable(uint64_t number) override { return absl::OkStatus(); }
  absl::Status Scan(Table table, const std::string& prefix, const Visitor& visit) override;
  absl::StatusOr<std::optional<std::string>> Get(Table table, const std::string& key) override;

 private:
  absl::Mutex mutex_;
  uint64_t appended_ ABSL_GUARDED_BY(mutex_) = 0;
  std::array<std::map<std::string, std::string>, kTables> tables_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_STORE_MEMORY_STORE_H_
