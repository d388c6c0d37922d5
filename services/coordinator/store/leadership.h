// Which of several coordinators leads: one row in PostgreSQL with holder, epoch and expiry, by the database's clock. The
// epoch grows with every change of leader and fences what an old one still writes (postgres_store.h).
#ifndef ARPENT_SERVICES_COORDINATOR_STORE_LEADERSHIP_H_
#define ARPENT_SERVICES_COORDINATOR_STORE_LEADERSHIP_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/coordinator/store/postgres_connection.h"

namespace arpent::coordinator {

// Not thread-safe.
class Leadership {
 public:
  // `holder` is for people; `term` is how long a leader leads without renewing. Makes the row when there is none.
  static absl::StatusOr<std::unique_ptr<Leadership>> Open(const std::string& uri, const std::string& holder,
                                                          absl::Duration term);

  // The epoch with which this process leads from now on; none while another's term lasts.
  absl::StatusOr<std::optional<int64_t>> TryAcquire();
  // Another term. ABORTED when somebody else leads by now.
  absl::Status Renew();
  // Ends the term, so that a standby need not wait for it.
  absl::Status Resign();

 private:
  Leadership(std::unique_ptr<PostgresConnection> connection, std::string holder, absl::Duration term)
      : connection_(std::move(connection)), holder_(std::move(holder)), term_(term) {}

  const std::unique_ptr<PostgresConnection> connection_;
  const std::string holder_;
  const absl::Duration term_;
  int64_t epoch_ = 0;  // 0: does not lead
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_STORE_LEADERSHIP_H_
