// A connection to PostgreSQL: statements with binary parameters, rows of bytes, typed errors. Not thread-safe.
#ifndef ARPENT_SERVICES_COORDINATOR_STORE_POSTGRES_CONNECTION_H_
#define ARPENT_SERVICES_COORDINATOR_STORE_POSTGRES_CONNECTION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct pg_conn;

namespace arpent::coordinator {

class PostgresConnection {
 public:
  // `uri`: "postgresql://user@host/database", with everything that libpq takes. UNAVAILABLE when the server is away,
  // UNAUTHENTICATED when it refuses the user. No message repeats the password.
  static absl::StatusOr<std::unique_ptr<PostgresConnection>> Open(const std::string& uri);

  using Row = std::vector<std::string>;  // one value per column, in its binary form; NULL is empty
  // Parameters are bytes in the binary form of the type that the statement expects: BYTEA and TEXT are the bytes
  // themselves, BYTEA[] comes from ByteArrays.
  absl::StatusOr<std::vector<Row>> Execute(const std::string& sql, const std::vector<std::string>& parameters = {});

 private:
  struct Close {
    void operator()(pg_conn* connection) const;
  };
  explicit PostgresConnection(pg_conn* connection) : connection_(connection) {}

  std::unique_ptr<pg_conn, Close> connection_;
};

// The binary form of a BYTEA[].
std::string ByteArrays(const std::vector<absl::string_view>& values);

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_STORE_POSTGRES_CONNECTION_H_
