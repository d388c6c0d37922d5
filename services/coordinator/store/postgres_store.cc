#include "services/coordinator/store/postgres_store.h"

#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/base/status.h"
#include "services/coordinator/store/group_commit.h"
#include "services/coordinator/store/migrations.h"
#include "services/coordinator/store/postgres_connection.h"

namespace arpent::coordinator {
namespace {

constexpr int kRowsPerRead = 5000;

class PostgresStore final : public StateStore {
 public:
  explicit PostgresStore(int64_t epoch) : epoch_(epoch) {}
  ~PostgresStore() override { commits_.reset(); }

  absl::Status Open(const std::string& uri) {
    ARPENT_ASSIGN_OR_RETURN(writer_, PostgresConnection::Open(uri));
    ARPENT_ASSIGN_OR_RETURN(reader_, PostgresConnection::Open(uri));
    ARPENT_RETURN_IF_ERROR(Migrate());
    commits_ = std::make_unique<GroupCommit>([this](const std::vector<Write>& group) { return Commit(group); });
    return absl::OkStatus();
  }

  uint64_t Append(std::vector<Write> writes) override { return commits_->Append(std::move(writes)); }
  absl::Status WaitDurable(uint64_t number) override { return commits_->WaitDurable(number); }

  absl::Status Scan(Table table, const std::string& prefix, const Visitor& visit) override {
    const std::string end = PrefixEnd(prefix);
    std::string from = prefix;
    for (bool first = true;; first = false) {
      std::vector<PostgresConnection::Row> rows;
      {
        absl::MutexLock lock(&reader_mutex_);
        std::vector<std::string> parameters = {from};
        if (!end.empty()) parameters.push_back(end);
        ARPENT_ASSIGN_OR_RETURN(
            rows, reader_->Execute(absl::StrCat("SELECT key, value FROM ", TableName(table), " WHERE key ",
                                                first ? ">=" : ">", " $1::bytea", end.empty() ? "" : " AND key < $2::bytea",
                                                " ORDER BY key LIMIT ", kRowsPerRead),
                                   parameters));
      }
      for (const auto& row : rows) visit(row[0], row[1]);
      if (rows.size() < kRowsPerRead) return absl::OkStatus();
      from = rows.back()[0];
    }
  }

  absl::StatusOr<std::optional<std::string>> Get(Table table, const std::string& key) override {
    absl::MutexLock lock(&reader_mutex_);
    ARPENT_ASSIGN_OR_RETURN(
        auto rows, reader_->Execute(absl::StrCat("SELECT value FROM ", TableName(table), " WHERE key = $1::bytea"), {key}));
    if (rows.empty()) return std::optional<std::string>();
    return std::optional<std::string>(std::move(rows[0][0]));
  }

 private:
  absl::Status Execute(const std::string& sql, const std::vector<std::string>& parameters = {}) {
    return writer_->Execute(sql, parameters).status();
  }

  // Within a transaction. The row stays locked against a new leader until the transaction ends.
  absl::Status RequireLeadership() {
    ARPENT_ASSIGN_OR_RETURN(
        const auto rows, writer_->Execute(absl::StrCat("SELECT one FROM leader WHERE epoch = ", epoch_, " FOR SHARE")));
    if (!rows.empty()) return absl::OkStatus();
    return absl::AbortedError(absl::StrCat("epoch ", epoch_, " is over: another coordinator leads; nothing was written"));
  }

  absl::Status InTransaction(const std::function<absl::Status()>& body) {
    ARPENT_RETURN_IF_ERROR(Execute("BEGIN"));
    absl::Status status = RequireLeadership();
    if (status.ok()) status = body();
    if (status.ok()) return Execute("COMMIT");
    Execute("ROLLBACK").IgnoreError();
    return status;
  }

  absl::Status Migrate() {
    return InTransaction([this]() -> absl::Status {
      ARPENT_RETURN_IF_ERROR(Execute("CREATE TABLE IF NOT EXISTS schema_version (version INT NOT NULL)"));
      ARPENT_ASSIGN_OR_RETURN(const auto rows, writer_->Execute("SELECT coalesce(max(version), 0)::text FROM schema_version"));
      int version = 0;
      if (rows.empty() || !absl::SimpleAtoi(rows[0][0], &version)) return absl::InternalError("no schema version");
      const auto migrations = Migrations("BYTEA", "BYTEA");
      const int newest = static_cast<int>(migrations.size());
      if (version > newest) {
        return absl::FailedPreconditionError(absl::StrCat("the state database has schema ", version,
                                                          ", this program knows up to ", newest,
                                                          ": run the newer version that wrote it"));
      }
      for (int step = version; step < newest; ++step) {
        for (const std::string& sql : migrations[step]) ARPENT_RETURN_IF_ERROR(Execute(sql));
        ARPENT_RETURN_IF_ERROR(Execute(absl::StrCat("INSERT INTO schema_version VALUES (", step + 1, ")")));
      }
      return absl::OkStatus();
    });
  }

  // The last write of a row is what counts, since all become visible together.
  absl::Status Commit(const std::vector<Write>& group) {
    std::map<std::pair<int, absl::string_view>, const Write*> last;
    for (const Write& write : group) last[{static_cast<int>(write.table), write.key}] = &write;
    struct Rows {
      std::vector<absl::string_view> keys, values, erased;
    };
    std::map<int, Rows> tables;
    for (const auto& [place, write] : last) {
      Rows& rows = tables[place.first];
      if (!write->value) {
        rows.erased.push_back(write->key);
        continue;
      }
      rows.keys.push_back(write->key);
      rows.values.push_back(*write->value);
    }
    return InTransaction([&]() -> absl::Status {
      for (const auto& [index, rows] : tables) {
        const absl::string_view table = TableName(static_cast<Table>(index));
        if (!rows.keys.empty()) {
          ARPENT_RETURN_IF_ERROR(Execute(absl::StrCat("INSERT INTO ", table,
                                                      " SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT (key) DO "
                                                      "UPDATE SET value = EXCLUDED.value"),
                                         {ByteArrays(rows.keys), ByteArrays(rows.values)}));
        }
        if (rows.erased.empty()) continue;
        ARPENT_RETURN_IF_ERROR(Execute(absl::StrCat("DELETE FROM ", table, " WHERE key = ANY($1::bytea[])"),
                                       {ByteArrays(rows.erased)}));
      }
      return absl::OkStatus();
    });
  }

  const int64_t epoch_;
  std::unique_ptr<PostgresConnection> writer_, reader_;
  absl::Mutex reader_mutex_;
  std::unique_ptr<GroupCommit> commits_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<StateStore>> OpenPostgresStore(const std::string& uri, int64_t epoch) {
  auto store = std::make_unique<PostgresStore>(epoch);
  ARPENT_RETURN_IF_ERROR(store->Open(uri));
  return store;
}

}  // namespace arpent::coordinator
