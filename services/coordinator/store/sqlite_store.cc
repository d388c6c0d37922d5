#include "services/coordinator/store/sqlite_store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "services/coordinator/store/sql_store.h"

namespace arpent::coordinator {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

absl::Status SqliteStatus(sqlite3* database, const std::string& path) {
  const std::string message = absl::StrCat("state ", path, ": ", sqlite3_errmsg(database));
  switch (sqlite3_errcode(database)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::FailedPreconditionError(absl::StrCat(message, "; another program has it open"));
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return absl::PermissionDeniedError(message);
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(absl::StrCat(message, "; make room on its disk"));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(message);
    default:
      return absl::UnavailableError(message);
  }
}

// The statement is stepped and reset before the bytes go.
void BindText(sqlite3_stmt* statement, int index, absl::string_view bytes) {
  sqlite3_bind_text(statement, index, bytes.data(), static_cast<int>(bytes.size()), SQLITE_STATIC);
}
void BindBytes(sqlite3_stmt* statement, int index, absl::string_view bytes) {
  // Without an address it would be NULL, not empty.
  sqlite3_bind_blob(statement, index, bytes.empty() ? "" : bytes.data(), static_cast<int>(bytes.size()), SQLITE_STATIC);
}

std::string Column(sqlite3_stmt* statement, int index) {
  const void* const bytes = sqlite3_column_blob(statement, index);
  const int size = sqlite3_column_bytes(statement, index);
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

class SqliteDriver final : public SqlDriver {
 public:
  explicit SqliteDriver(std::string path) : path_(std::move(path)) {}
  ~SqliteDriver() override {
    if (lock_file_ >= 0) close(lock_file_);
  }

  absl::Status Open(absl::Duration wait) {
    ARPENT_RETURN_IF_ERROR(LockForThisProcess(wait));
    ARPENT_ASSIGN_OR_RETURN(writer_, Connect());
    for (const char* const pragma :
         {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA wal_autocheckpoint = 4000"}) {
      ARPENT_RETURN_IF_ERROR(Execute(pragma));
    }
    ARPENT_ASSIGN_OR_RETURN(reader_, Connect());
    return absl::OkStatus();
  }

  Dialect dialect() const override {
    return {.key_type = "TEXT", .value_type = "BLOB", .first_parameter = "?1", .second_parameter = "?2"};
  }
  std::string name() const override { return absl::StrCat("state ", path_); }

  absl::Status InTransaction(const std::function<absl::Status()>& body) override {
    ARPENT_RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
    absl::Status status = body();
    if (status.ok()) status = Execute("COMMIT");
    if (!status.ok()) Execute("ROLLBACK").IgnoreError();  // some errors have rolled back by themselves
    return status;
  }

  absl::StatusOr<int> SchemaVersion() override {
    ARPENT_ASSIGN_OR_RETURN(const Statement statement, Prepare(writer_.get(), "PRAGMA user_version"));
    if (sqlite3_step(statement.get()) != SQLITE_ROW) return SqliteStatus(writer_.get(), path_);
    return sqlite3_column_int(statement.get(), 0);
  }
  absl::Status SetSchemaVersion(int version) override {
    return Execute(absl::StrCat("PRAGMA user_version = ", version));
  }

  absl::Status Execute(const std::string& sql) override {
    if (sqlite3_exec(writer_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return absl::OkStatus();
    return SqliteStatus(writer_.get(), path_);
  }

  absl::Status Apply(Table table, const TableChange& change) override {
    Statements& statements = statements_[static_cast<int>(table)];
    if (statements.put == nullptr) {
      const absl::string_view name = TableName(table);
      ARPENT_ASSIGN_OR_RETURN(statements.put,
                              Prepare(writer_.get(), absl::StrCat("INSERT INTO ", name, " VALUES (?1, ?2) ON CONFLICT (key) "
                                                                  "DO UPDATE SET value = ?2")));
      ARPENT_ASSIGN_OR_RETURN(statements.erase,
                              Prepare(writer_.get(), absl::StrCat("DELETE FROM ", name, " WHERE key = ?1")));
    }
    for (size_t i = 0; i < change.keys.size(); ++i) {
      BindText(statements.put.get(), 1, change.keys[i]);
      BindBytes(statements.put.get(), 2, change.values[i]);
      ARPENT_RETURN_IF_ERROR(Run(statements.put.get()));
    }
    for (const absl::string_view key : change.erased) {
      BindText(statements.erase.get(), 1, key);
      ARPENT_RETURN_IF_ERROR(Run(statements.erase.get()));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Rows> Query(const std::string& sql, const std::vector<std::string>& parameters) override {
    ARPENT_ASSIGN_OR_RETURN(const Statement statement, Prepare(reader_.get(), sql));
    for (size_t i = 0; i < parameters.size(); ++i) BindText(statement.get(), static_cast<int>(i) + 1, parameters[i]);
    Rows rows;
    int code;
    while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
      rows.emplace_back(Column(statement.get(), 0), Column(statement.get(), 1));
    }
    if (code != SQLITE_DONE) return SqliteStatus(reader_.get(), path_);
    return rows;
  }

 private:
  struct Statements {
    Statement put, erase;
  };

  // Two coordinators on one state would each believe its own memory. The kernel drops the lock when the process ends,
  // however it ends.
  absl::Status LockForThisProcess(absl::Duration wait) {
    const std::string file = path_ + ".lock";
    lock_file_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock_file_ < 0) return ErrnoStatus(errno, absl::StrCat("state ", file));
    const absl::Time end = absl::Now() + wait;
    while (flock(lock_file_, LOCK_EX | LOCK_NB) != 0) {
      if (absl::Now() >= end) {
        return absl::FailedPreconditionError(absl::StrCat("state ", path_, ": another coordinator has it open"));
      }
      absl::SleepFor(absl::Milliseconds(100));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Database> Connect() {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(path_.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    Database database(raw);
    if (code != SQLITE_OK) return SqliteStatus(raw, path_);
    sqlite3_busy_timeout(raw, 5000);
    return database;
  }

  absl::StatusOr<Statement> Prepare(sqlite3* database, const std::string& sql) const {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
      return SqliteStatus(database, path_);
    }
    return Statement(statement);
  }

  absl::Status Run(sqlite3_stmt* statement) const {
    const int code = sqlite3_step(statement);
    const absl::Status status = code == SQLITE_DONE ? absl::OkStatus() : SqliteStatus(writer_.get(), path_);
    sqlite3_reset(statement);
    return status;
  }

  const std::string path_;
  int lock_file_ = -1;
  Database writer_, reader_;  // the statements below must go before
  std::array<Statements, kTables> statements_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<StateStore>> OpenSqliteStore(const std::string& path, absl::Duration wait) {
  auto driver = std::make_unique<SqliteDriver>(path);
  ARPENT_RETURN_IF_ERROR(driver->Open(wait));
  return OpenSqlStore(std::move(driver));
}

}  // namespace arpent::coordinator
