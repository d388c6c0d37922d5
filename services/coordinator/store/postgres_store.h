// State in PostgreSQL: for several coordinators of which one leads. The same tables as in SQLite.
#ifndef ARPENT_SERVICES_COORDINATOR_STORE_POSTGRES_STORE_H_
#define ARPENT_SERVICES_COORDINATOR_STORE_POSTGRES_STORE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/coordinator/store/state_store.h"

namespace arpent::coordinator {

// Opens the state as the leader of `epoch` and brings its schema up to date. Every group of writes asks in its
// transaction whether the epoch still leads: after another one took over, WaitDurable is ABORTED and nothing was
// written. FAILED_PRECONDITION when a newer version has written the state; else the errors of PostgresConnection.
absl::StatusOr<std::unique_ptr<StateStore>> OpenPostgresStore(const std::string& uri, int64_t epoch);

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_STORE_POSTGRES_STORE_H_
