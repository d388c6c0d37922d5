#include "services/coordinator/store/postgres_connection.h"

#include <arpa/inet.h>
#include <libpq-fe.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace arpent::coordinator {
namespace {

constexpr uint32_t kByteaOid = 17;

void AppendNumber(uint32_t number, std::string* bytes) {
  const uint32_t network = htonl(number);
  bytes->append(reinterpret_cast<const char*>(&network), sizeof(network));
}

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};

// By SQLSTATE class: 08 connection, 57 operator intervention, 28 authorisation, 42501 privilege, 53 resources.
absl::Status ResultStatus(PGconn* connection, const PGresult* result) {
  const char* const state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const absl::string_view code = state == nullptr ? "08000" : state;
  const std::string message = absl::StrCat("state database: ", PQerrorMessage(connection));
  if (absl::StartsWith(code, "28")) return absl::UnauthenticatedError(message);
  if (code == "42501") return absl::PermissionDeniedError(message);
  if (absl::StartsWith(code, "53")) return absl::ResourceExhaustedError(message);
  if (absl::StartsWith(code, "08") || absl::StartsWith(code, "57") || absl::StartsWith(code, "40")) {
    return absl::UnavailableError(message);
  }
  return absl::InternalError(message);
}

}  // namespace

void PostgresConnection::Close::operator()(pg_conn* connection) const { PQfinish(connection); }

absl::StatusOr<std::unique_ptr<PostgresConnection>> PostgresConnection::Open(const std::string& uri) {
  std::unique_ptr<PostgresConnection> connection(new PostgresConnection(PQconnectdb(uri.c_str())));
  PGconn* const raw = connection->connection_.get();
  if (PQstatus(raw) == CONNECTION_OK) {
    // "already exists, skipping" is no news.
    PQsetNoticeProcessor(raw, [](void*, const char*) {}, nullptr);
    return connection;
  }
  const std::string message = absl::StrCat("state database: ", PQerrorMessage(raw));
  const bool refused = absl::StrContains(message, "authentication failed") || absl::StrContains(message, "no pg_hba.conf entry");
  return refused ? absl::UnauthenticatedError(message) : absl::UnavailableError(message);
}

absl::StatusOr<std::vector<PostgresConnection::Row>> PostgresConnection::Execute(
    const std::string& sql, const std::vector<std::string>& parameters) {
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const std::string& parameter : parameters) {
    values.push_back(parameter.data());
    lengths.push_back(static_cast<int>(parameter.size()));
  }
  const std::vector<int> binary(parameters.size(), 1);
  const std::unique_ptr<PGresult, ClearResult> result(
      PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(parameters.size()), nullptr, values.data(),
                   lengths.data(), binary.data(), /*resultFormat=*/1));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) return ResultStatus(connection_.get(), result.get());
  std::vector<Row> rows(PQntuples(result.get()));
  for (size_t row = 0; row < rows.size(); ++row) {
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      const int at = static_cast<int>(row);
      rows[row].emplace_back(PQgetvalue(result.get(), at, column), PQgetlength(result.get(), at, column));
    }
  }
  return rows;
}

std::string ByteArrays(const std::vector<absl::string_view>& values) {
  std::string bytes;
  AppendNumber(1, &bytes);  // dimensions
  AppendNumber(0, &bytes);  // no NULLs
  AppendNumber(kByteaOid, &bytes);
  AppendNumber(static_cast<uint32_t>(values.size()), &bytes);
  AppendNumber(1, &bytes);  // lower bound
  for (const absl::string_view value : values) {
    AppendNumber(static_cast<uint32_t>(value.size()), &bytes);
    bytes.append(value.data(), value.size());
  }
  return bytes;
}

}  // namespace arpent::coordinator
