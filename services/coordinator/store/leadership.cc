#include "services/coordinator/store/leadership.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::coordinator {

absl::StatusOr<std::unique_ptr<Leadership>> Leadership::Open(const std::string& uri, const std::string& holder,
                                                             absl::Duration term) {
  ARPENT_ASSIGN_OR_RETURN(std::unique_ptr<PostgresConnection> connection, PostgresConnection::Open(uri));
  // Two that begin at once would both make the table; the lock lets one after the other.
  for (const char* const sql :
       {"BEGIN", "SELECT pg_advisory_xact_lock(7270171)",
        "CREATE TABLE IF NOT EXISTS leader (one INT PRIMARY KEY, holder TEXT NOT NULL, epoch BIGINT NOT NULL, "
        "expiry TIMESTAMPTZ NOT NULL)",
        "INSERT INTO leader VALUES (1, '', 0, '-infinity') ON CONFLICT DO NOTHING", "COMMIT"}) {
    ARPENT_RETURN_IF_ERROR(connection->Execute(sql).status());
  }
  return std::unique_ptr<Leadership>(new Leadership(std::move(connection), holder, term));
}

absl::StatusOr<std::optional<int64_t>> Leadership::TryAcquire() {
  ARPENT_ASSIGN_OR_RETURN(
      const auto rows,
      connection_->Execute(absl::StrCat("UPDATE leader SET holder = $1::text, epoch = epoch + 1, expiry = clock_timestamp() + "
                                        "interval '",
                                        absl::ToInt64Milliseconds(term_),
                                        " milliseconds' WHERE expiry < clock_timestamp() RETURNING epoch::text"),
                           {holder_}));
  if (rows.empty()) return std::optional<int64_t>();
  if (!absl::SimpleAtoi(rows[0][0], &epoch_)) return absl::InternalError("state database: the epoch is no number");
  return std::optional<int64_t>(epoch_);
}

absl::Status Leadership::Renew() {
  ARPENT_ASSIGN_OR_RETURN(const auto rows,
                          connection_->Execute(absl::StrCat("UPDATE leader SET expiry = clock_timestamp() + interval '",
                                                            absl::ToInt64Milliseconds(term_),
                                                            " milliseconds' WHERE epoch = ", epoch_, " RETURNING one")));
  if (!rows.empty()) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("epoch ", epoch_, " is over: another coordinator leads"));
}

absl::Status Leadership::Resign() {
  return connection_->Execute(absl::StrCat("UPDATE leader SET expiry = '-infinity' WHERE epoch = ", epoch_)).status();
}

}  // namespace arpent::coordinator
