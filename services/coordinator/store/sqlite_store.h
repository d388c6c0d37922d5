// State in one SQLite file (write-ahead log, flushed at every commit): the default, for an all-in-one and for a single
// coordinator with a volume.
#ifndef ARPENT_SERVICES_COORDINATOR_STORE_SQLITE_STORE_H_
#define ARPENT_SERVICES_COORDINATOR_STORE_SQLITE_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/coordinator/store/state_store.h"

namespace arpent::coordinator {

// Opens or creates the file and brings its schema up to date. FAILED_PRECONDITION when a newer version has written it or
// another coordinator has it open and does not let go within `wait` (one that is being replaced takes a moment to end);
// NOT_FOUND, PERMISSION_DENIED or UNAVAILABLE naming the file when it cannot be opened.
absl::StatusOr<std::unique_ptr<StateStore>> OpenSqliteStore(const std::string& path,
                                                            absl::Duration wait = absl::ZeroDuration());

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_STORE_SQLITE_STORE_H_
