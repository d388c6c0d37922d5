#include "services/coordinator/store/sql_store.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/base/status.h"
#include "services/coordinator/store/group_commit.h"
#include "services/coordinator/store/migrations.h"

namespace arpent::coordinator {
namespace {

constexpr size_t kRowsPerRead = 5000;

// The last write of a row is what counts, since all become visible together.
std::map<Table, TableChange> ChangesOf(const std::vector<Write>& group) {
  std::map<std::pair<Table, absl::string_view>, const Write*> last;
  for (const Write& write : group) last[{write.table, write.key}] = &write;
  std::map<Table, TableChange> changes;
  for (const auto& [place, write] : last) {
    TableChange& change = changes[place.first];
    if (!write->value) {
      change.erased.push_back(write->key);
      continue;
    }
    change.keys.push_back(write->key);
    change.values.push_back(*write->value);
  }
  return changes;
}

class SqlStore final : public StateStore {
 public:
  explicit SqlStore(std::unique_ptr<SqlDriver> driver) : driver_(std::move(driver)), dialect_(driver_->dialect()) {}

  absl::Status Open() {
    ARPENT_RETURN_IF_ERROR(driver_->InTransaction([this] { return Migrate(); }));
    commits_ = std::make_unique<GroupCommit>([this](const std::vector<Write>& group) { return Commit(group); });
    return absl::OkStatus();
  }

  uint64_t Append(std::vector<Write> writes) override { return commits_->Append(std::move(writes)); }
  absl::Status WaitDurable(uint64_t number) override { return commits_->WaitDurable(number); }

  absl::Status Scan(Table table, const std::string& prefix, const Visitor& visit) override {
    const std::string end = PrefixEnd(prefix);
    std::vector<std::string> bounds = {prefix};
    if (!end.empty()) bounds.push_back(end);
    for (const char* from = ">= ";; from = "> ") {
      const std::string sql = absl::StrCat("SELECT key, value FROM ", TableName(table), " WHERE key ", from,
                                           dialect_.first_parameter,
                                           end.empty() ? "" : absl::StrCat(" AND key < ", dialect_.second_parameter),
                                           " ORDER BY key LIMIT ", kRowsPerRead);
      ARPENT_ASSIGN_OR_RETURN(const SqlDriver::Rows rows, Query(sql, bounds));
      for (const auto& [key, value] : rows) visit(key, value);
      if (rows.size() < kRowsPerRead) return absl::OkStatus();
      bounds[0] = rows.back().first;
    }
  }

  absl::StatusOr<std::optional<std::string>> Get(Table table, const std::string& key) override {
    ARPENT_ASSIGN_OR_RETURN(SqlDriver::Rows rows,
                            Query(absl::StrCat("SELECT key, value FROM ", TableName(table), " WHERE key = ",
                                               dialect_.first_parameter),
                                  {key}));
    if (rows.empty()) return std::optional<std::string>();
    return std::optional<std::string>(std::move(rows[0].second));
  }

 private:
  absl::StatusOr<SqlDriver::Rows> Query(const std::string& sql, const std::vector<std::string>& parameters) {
    absl::MutexLock lock(&reader_mutex_);
    return driver_->Query(sql, parameters);
  }

  absl::Status Migrate() {
    ARPENT_ASSIGN_OR_RETURN(const int version, driver_->SchemaVersion());
    const auto migrations = Migrations(dialect_.key_type, dialect_.value_type);
    const int newest = static_cast<int>(migrations.size());
    if (version > newest) {
      return absl::FailedPreconditionError(absl::StrCat(driver_->name(), " has schema ", version,
                                                        ", this program knows up to ", newest,
                                                        ": run the newer version that wrote it"));
    }
    for (int step = version; step < newest; ++step) {
      for (const std::string& sql : migrations[step]) ARPENT_RETURN_IF_ERROR(driver_->Execute(sql));
      ARPENT_RETURN_IF_ERROR(driver_->SetSchemaVersion(step + 1));
    }
    return absl::OkStatus();
  }

  absl::Status Commit(const std::vector<Write>& group) {
    return driver_->InTransaction([&]() -> absl::Status {
      for (const auto& [table, change] : ChangesOf(group)) ARPENT_RETURN_IF_ERROR(driver_->Apply(table, change));
      return absl::OkStatus();
    });
  }

  const std::unique_ptr<SqlDriver> driver_;
  const SqlDriver::Dialect dialect_;
  absl::Mutex reader_mutex_;
  std::unique_ptr<GroupCommit> commits_;  // goes first: it makes durable what is queued
};

}  // namespace

absl::StatusOr<std::unique_ptr<StateStore>> OpenSqlStore(std::unique_ptr<SqlDriver> driver) {
  auto store = std::make_unique<SqlStore>(std::move(driver));
  ARPENT_RETURN_IF_ERROR(store->Open());
  return store;
}

}  // namespace arpent::coordinator
