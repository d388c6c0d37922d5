// The coordinator's durable state: tables of rows by key. Writes are queued and made durable in groups, in the order in
// which they came; an answer that depends on a write waits for it. What a reader sees of writes that are not durable
// yet is not defined: the coordinator keeps what it works on in memory.
#ifndef ARPENT_SERVICES_COORDINATOR_STORE_STATE_STORE_H_
#define ARPENT_SERVICES_COORDINATOR_STORE_STATE_STORE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace arpent::coordinator {

enum class Table {
  kSites,        // name -> SiteRecord
  kRuns,         // run id -> RunRecord
  kCells,        // run id/cell id -> Cell, ended ones only
  kDiscoveries,  // run id/cell id -> TaskDone of a discover cell
  kTasks,        // task id -> TaskRecord
  kProducts,     // key -> Product
  kSkips,        // key -> reason: computed, and found not worth publishing
  kCounters,     // name -> decimal number
  kCurrent,      // place (a product's folder without its key) -> key of the product that a run last found there
  kCosts,        // stage -> CostRecord
};
inline constexpr int kTables = 10;
absl::string_view TableName(Table table);

// The end of the range of keys that begin with `prefix`; empty: there is none.
std::string PrefixEnd(std::string prefix);

struct Write {
  Table table;
  std::string key;
  std::optional<std::string> value;  // none: erase the row
};

// Thread-safe.
class StateStore {
 public:
  using Visitor = std::function<void(const std::string& key, const std::string& value)>;

  virtual ~StateStore() = default;

  // Queues writes that become durable together or not at all, after everything queued before. Returns their number.
  virtual uint64_t Append(std::vector<Write> writes) = 0;
  // Waits until writes up to this number are durable. After an error nothing more is written: the process must end and
  // begin again from what is durable.
  virtual absl::Status WaitDurable(uint64_t number) = 0;

  // Rows whose key begins with `prefix`, in order of key.
  virtual absl::Status Scan(Table table, const std::string& prefix, const Visitor& visit) = 0;
  virtual absl::StatusOr<std::optional<std::string>> Get(Table table, const std::string& key) = 0;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_STORE_STATE_STORE_H_
