// A copy of the SQLite state while a coordinator goes on working with it.
#ifndef ARPENT_SERVICES_COORDINATOR_STORE_SQLITE_BACKUP_H_
#define ARPENT_SERVICES_COORDINATOR_STORE_SQLITE_BACKUP_H_

#include <string>

#include "absl/status/status.h"

namespace arpent::coordinator {

// Writes the state in `path`, as it is at one instant, to the new file `target`, which a coordinator can be started with.
// NOT_FOUND when there is no state, ALREADY_EXISTS when `target` is there, DATA_LOSS when the state is damaged,
// UNAVAILABLE for what may pass.
absl::Status BackUpSqlite(const std::string& path, const std::string& target);

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_STORE_SQLITE_BACKUP_H_
