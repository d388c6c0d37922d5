#include "services/coordinator/store/postgres_store.h"

#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/coordinator/store/postgres_connection.h"
#include "services/coordinator/store/sql_store.h"

namespace arpent::coordinator {
namespace {

class PostgresDriver final : public SqlDriver {
 public:
  explicit PostgresDriver(int64_t epoch) : epoch_(epoch) {}

  absl::Status Open(const std::string& uri) {
    ARPENT_ASSIGN_OR_RETURN(writer_, PostgresConnection::Open(uri));
    ARPENT_ASSIGN_OR_RETURN(reader_, PostgresConnection::Open(uri));
    return absl::OkStatus();
  }

  Dialect dialect() const override {
    return {.key_type = "BYTEA", .value_type = "BYTEA", .first_parameter = "$1::bytea", .second_parameter = "$2::bytea"};
  }
  std::string name() const override { return "the state database"; }

  absl::Status InTransaction(const std::function<absl::Status()>& body) override {
    ARPENT_RETURN_IF_ERROR(Execute("BEGIN"));
    absl::Status status = RequireLeadership();
    if (status.ok()) status = body();
    if (status.ok()) return Execute("COMMIT");
    Execute("ROLLBACK").IgnoreError();
    return status;
  }

  absl::StatusOr<int> SchemaVersion() override {
    ARPENT_RETURN_IF_ERROR(Execute("CREATE TABLE IF NOT EXISTS schema_version (version INT NOT NULL)"));
    ARPENT_ASSIGN_OR_RETURN(const auto rows, writer_->Execute("SELECT coalesce(max(version), 0)::text FROM schema_version"));
    int version = 0;
    if (rows.empty() || !absl::SimpleAtoi(rows[0][0], &version)) return absl::InternalError("no schema version");
    return version;
  }
  absl::Status SetSchemaVersion(int version) override {
    return Execute(absl::StrCat("INSERT INTO schema_version VALUES (", version, ")"));
  }

  absl::Status Execute(const std::string& sql) override { return writer_->Execute(sql).status(); }

  absl::Status Apply(Table table, const TableChange& change) override {
    const absl::string_view name = TableName(table);
    if (!change.keys.empty()) {
      ARPENT_RETURN_IF_ERROR(writer_->Execute(absl::StrCat("INSERT INTO ", name,
                                                           " SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT "
                                                           "(key) DO UPDATE SET value = EXCLUDED.value"),
                                              {ByteArrays(change.keys), ByteArrays(change.values)})
                                 .status());
    }
    if (change.erased.empty()) return absl::OkStatus();
    return writer_->Execute(absl::StrCat("DELETE FROM ", name, " WHERE key = ANY($1::bytea[])"), {ByteArrays(change.erased)})
        .status();
  }

  absl::StatusOr<Rows> Query(const std::string& sql, const std::vector<std::string>& parameters) override {
    ARPENT_ASSIGN_OR_RETURN(auto found, reader_->Execute(sql, parameters));
    Rows rows;
    for (PostgresConnection::Row& row : found) rows.emplace_back(std::move(row[0]), std::move(row[1]));
    return rows;
  }

 private:
  // Within a transaction. The row stays locked against a new leader until the transaction ends.
  absl::Status RequireLeadership() {
    ARPENT_ASSIGN_OR_RETURN(
        const auto rows, writer_->Execute(absl::StrCat("SELECT one FROM leader WHERE epoch = ", epoch_, " FOR SHARE")));
    if (!rows.empty()) return absl::OkStatus();
    return absl::AbortedError(absl::StrCat("epoch ", epoch_, " is over: another coordinator leads; nothing was written"));
  }

  const int64_t epoch_;
  std::unique_ptr<PostgresConnection> writer_, reader_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<StateStore>> OpenPostgresStore(const std::string& uri, int64_t epoch) {
  auto driver = std::make_unique<PostgresDriver>(epoch);
  ARPENT_RETURN_IF_ERROR(driver->Open(uri));
  return OpenSqlStore(std::move(driver));
}

}  // namespace arpent::coordinator
