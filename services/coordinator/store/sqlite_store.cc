#include "services/coordinator/store/sqlite_store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/base/status.h"
#include "services/coordinator/store/group_commit.h"
#include "services/coordinator/store/migrations.h"

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
      return absl::ResourceExhaustedError(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(message);
    default:
      return absl::UnavailableError(message);
  }
}

void Bind(sqlite3_stmt* statement, int index, const std::string& bytes, bool is_text) {
  // The statement is stepped and reset before `bytes` goes.
  const int size = static_cast<int>(bytes.size());
  if (is_text) {
    sqlite3_bind_text(statement, index, bytes.data(), size, SQLITE_STATIC);
  } else {
    sqlite3_bind_blob(statement, index, bytes.data(), size, SQLITE_STATIC);
  }
}

std::string Column(sqlite3_stmt* statement, int index) {
  const void* const bytes = sqlite3_column_blob(statement, index);
  const int size = sqlite3_column_bytes(statement, index);
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

class SqliteStore final : public StateStore {
 public:
  explicit SqliteStore(std::string path) : path_(std::move(path)) {}
  ~SqliteStore() override {
    commits_.reset();
    if (lock_file_ >= 0) close(lock_file_);
  }

  absl::Status Open() {
    ARPENT_RETURN_IF_ERROR(LockForThisProcess());
    ARPENT_ASSIGN_OR_RETURN(writer_, Connect());
    for (const char* const pragma :
         {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA wal_autocheckpoint = 4000"}) {
      ARPENT_RETURN_IF_ERROR(Execute(pragma));
    }
    ARPENT_RETURN_IF_ERROR(Migrate());
    ARPENT_ASSIGN_OR_RETURN(reader_, Connect());
    for (int i = 0; i < kTables; ++i) {
      const absl::string_view table = TableName(static_cast<Table>(i));
      ARPENT_ASSIGN_OR_RETURN(put_[i], Prepare(absl::StrCat("INSERT INTO ", table,
                                                            " VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2")));
      ARPENT_ASSIGN_OR_RETURN(erase_[i], Prepare(absl::StrCat("DELETE FROM ", table, " WHERE key = ?1")));
    }
    commits_ = std::make_unique<GroupCommit>([this](const std::vector<Write>& group) { return Commit(group); });
    return absl::OkStatus();
  }

  uint64_t Append(std::vector<Write> writes) override { return commits_->Append(std::move(writes)); }
  absl::Status WaitDurable(uint64_t number) override { return commits_->WaitDurable(number); }

  absl::Status Scan(Table table, const std::string& prefix, const Visitor& visit) override {
    const std::string end = PrefixEnd(prefix);
    absl::MutexLock lock(&reader_mutex_);
    ARPENT_ASSIGN_OR_RETURN(const Statement statement,
                            PrepareOn(reader_.get(), absl::StrCat("SELECT key, value FROM ", TableName(table),
                                                                  " WHERE key >= ?1", end.empty() ? "" : " AND key < ?2",
                                                                  " ORDER BY key")));
    Bind(statement.get(), 1, prefix, true);
    if (!end.empty()) Bind(statement.get(), 2, end, true);
    int code;
    while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
      visit(Column(statement.get(), 0), Column(statement.get(), 1));
    }
    return code == SQLITE_DONE ? absl::OkStatus() : SqliteStatus(reader_.get(), path_);
  }

  absl::StatusOr<std::optional<std::string>> Get(Table table, const std::string& key) override {
    absl::MutexLock lock(&reader_mutex_);
    ARPENT_ASSIGN_OR_RETURN(const Statement statement,
                            PrepareOn(reader_.get(), absl::StrCat("SELECT value FROM ", TableName(table), " WHERE key = ?1")));
    Bind(statement.get(), 1, key, true);
    const int code = sqlite3_step(statement.get());
    if (code == SQLITE_ROW) return std::optional<std::string>(Column(statement.get(), 0));
    if (code == SQLITE_DONE) return std::optional<std::string>();
    return SqliteStatus(reader_.get(), path_);
  }

 private:
  // Two coordinators on one state would each believe its own memory. The kernel drops the lock when the process ends,
  // however it ends.
  absl::Status LockForThisProcess() {
    const std::string file = path_ + ".lock";
    lock_file_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock_file_ < 0) return ErrnoStatus(errno, absl::StrCat("state ", file));
    if (flock(lock_file_, LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat("state ", path_, ": another coordinator has it open"));
  }

  absl::StatusOr<Database> Connect() {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(path_.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    Database database(raw);
    if (code != SQLITE_OK) return SqliteStatus(raw, path_);
    sqlite3_busy_timeout(raw, 5000);
    return database;
  }

  absl::StatusOr<Statement> PrepareOn(sqlite3* database, const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
      return SqliteStatus(database, path_);
    }
    return Statement(statement);
  }
  absl::StatusOr<Statement> Prepare(const std::string& sql) { return PrepareOn(writer_.get(), sql); }

  absl::Status Execute(const std::string& sql) {
    if (sqlite3_exec(writer_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return absl::OkStatus();
    return SqliteStatus(writer_.get(), path_);
  }

  absl::Status Migrate() {
    ARPENT_RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
    int version = 0;
    {
      ARPENT_ASSIGN_OR_RETURN(const Statement statement, Prepare("PRAGMA user_version"));
      if (sqlite3_step(statement.get()) != SQLITE_ROW) return SqliteStatus(writer_.get(), path_);
      version = sqlite3_column_int(statement.get(), 0);
    }
    const auto migrations = Migrations("TEXT", "BLOB");
    const int newest = static_cast<int>(migrations.size());
    if (version > newest) {
      return absl::FailedPreconditionError(absl::StrCat("state ", path_, " has schema ", version,
                                                        ", this program knows up to ", newest,
                                                        ": run the newer version that wrote it"));
    }
    for (int step = version; step < newest; ++step) {
      for (const std::string& sql : migrations[step]) ARPENT_RETURN_IF_ERROR(Execute(sql));
    }
    ARPENT_RETURN_IF_ERROR(Execute(absl::StrCat("PRAGMA user_version = ", newest)));
    return Execute("COMMIT");
  }

  absl::Status Commit(const std::vector<Write>& group) {
    ARPENT_RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
    for (const Write& write : group) {
      const int table = static_cast<int>(write.table);
      sqlite3_stmt* const statement = write.value ? put_[table].get() : erase_[table].get();
      Bind(statement, 1, write.key, true);
      if (write.value) Bind(statement, 2, *write.value, false);
      const int code = sqlite3_step(statement);
      sqlite3_reset(statement);
      if (code != SQLITE_DONE) return SqliteStatus(writer_.get(), path_);
    }
    return Execute("COMMIT");
  }

  const std::string path_;
  int lock_file_ = -1;
  Database writer_, reader_;  // the statements below must go before
  std::array<Statement, kTables> put_, erase_;
  absl::Mutex reader_mutex_;
  std::unique_ptr<GroupCommit> commits_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<StateStore>> OpenSqliteStore(const std::string& path) {
  auto store = std::make_unique<SqliteStore>(path);
  ARPENT_RETURN_IF_ERROR(store->Open());
  return store;
}

}  // namespace arpent::coordinator
