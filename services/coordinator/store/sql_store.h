// State in a database that speaks SQL. Schema, groups of writes and pages of reads are the same for all of them; what
// differs is a SqlDriver.
#ifndef ARPENT_SERVICES_COORDINATOR_STORE_SQL_STORE_H_
#define ARPENT_SERVICES_COORDINATOR_STORE_SQL_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/coordinator/store/state_store.h"

namespace arpent::coordinator {

// What changes in one table: each row is named once.
struct TableChange {
  std::vector<absl::string_view> keys, values;  // rows to be there, in the order of their keys
  std::vector<absl::string_view> erased;
};

// One database. Everything but Query belongs to the writer and is called on one thread at a time; Query may be called at
// the same time on another, and sees what was committed.
class SqlDriver {
 public:
  struct Dialect {
    std::string key_type, value_type;         // of columns: text compared byte by byte, byte strings
    std::string first_parameter, second_parameter;  // of a query
  };
  using Rows = std::vector<std::pair<std::string, std::string>>;

  virtual ~SqlDriver() = default;

  virtual Dialect dialect() const = 0;
  // For messages: "state /var/lib/arpent/state.db".
  virtual std::string name() const = 0;

  // Commits what `body` did when it returns OK, durably; else takes all of it back and returns its error.
  virtual absl::Status InTransaction(const std::function<absl::Status()>& body) = 0;
  // Within a transaction.
  virtual absl::StatusOr<int> SchemaVersion() = 0;  // 0: there is none yet
  virtual absl::Status SetSchemaVersion(int version) = 0;
  virtual absl::Status Execute(const std::string& sql) = 0;
  virtual absl::Status Apply(Table table, const TableChange& change) = 0;

  // Rows of two columns; as many parameters as the statement names.
  virtual absl::StatusOr<Rows> Query(const std::string& sql, const std::vector<std::string>& parameters) = 0;
};

// Brings the schema up to date. FAILED_PRECONDITION when a newer version has written it; else the driver's errors.
absl::StatusOr<std::unique_ptr<StateStore>> OpenSqlStore(std::unique_ptr<SqlDriver> driver);

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_STORE_SQL_STORE_H_
