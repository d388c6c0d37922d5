// States that earlier versions wrote, in the SQL that they used, taken over by this one.
#include "services/coordinator/store/migrations.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"
#include "services/coordinator/store/leadership.h"
#include "services/coordinator/store/postgres_connection.h"
#include "services/coordinator/store/postgres_for_test.h"
#include "services/coordinator/store/postgres_store.h"
#include "services/coordinator/store/sqlite_store.h"
#include "services/coordinator/store/state_store.h"

namespace arpent::coordinator {
namespace {

using ::arpent::testing::StatusIs;

// What each version of the schema added, word for word. KEY and BYTES are the database's types.
const std::vector<std::vector<std::string>> kReleased = {
    {"CREATE TABLE sites (key KEY PRIMARY KEY, value BYTES NOT NULL)",
     "CREATE TABLE runs (key KEY PRIMARY KEY, value BYTES NOT NULL)",
     "CREATE TABLE cells (key KEY PRIMARY KEY, value BYTES NOT NULL)",
     "CREATE TABLE discoveries (key KEY PRIMARY KEY, value BYTES NOT NULL)",
     "CREATE TABLE tasks (key KEY PRIMARY KEY, value BYTES NOT NULL)",
     "CREATE TABLE products (key KEY PRIMARY KEY, value BYTES NOT NULL)",
     "CREATE TABLE skips (key KEY PRIMARY KEY, value BYTES NOT NULL)",
     "CREATE TABLE counters (key KEY PRIMARY KEY, value BYTES NOT NULL)",
     "INSERT INTO products VALUES ('p1', 'of schema 1')", "INSERT INTO counters VALUES ('last_token', '41')"},
    {"CREATE TABLE current_products (key KEY PRIMARY KEY, value BYTES NOT NULL)",
     "INSERT INTO current_products VALUES ('l2a/T/2021/a', 'p1')"},
    {"CREATE TABLE costs (key KEY PRIMARY KEY, value BYTES NOT NULL)", "INSERT INTO costs VALUES ('l2a', 'ratio')"}};

std::vector<std::string> SqlOf(size_t version, const std::string& key, const std::string& bytes) {
  std::vector<std::string> all;
  for (size_t step = 0; step < version; ++step) {
    for (const std::string& sql : kReleased[step]) all.push_back(absl::StrReplaceAll(sql, {{"KEY PRIMARY", key + " PRIMARY"}, {"BYTES", bytes}}));
  }
  return all;
}

// A database as a version of the schema left it, and how this program opens it.
class OldState {
 public:
  virtual ~OldState() = default;
  virtual void Write(size_t version) = 0;
  // What a version of the future would have noted.
  virtual void SetSchema(int version) = 0;
  virtual absl::StatusOr<std::unique_ptr<StateStore>> Open() = 0;
};

class OldSqlite final : public OldState {
 public:
  void Write(size_t version) override {
    Run({"PRAGMA journal_mode = WAL"});
    Run(SqlOf(version, "TEXT", "BLOB"));
    SetSchema(static_cast<int>(version));
  }
  void SetSchema(int version) override { Run({absl::StrCat("PRAGMA user_version = ", version)}); }
  absl::StatusOr<std::unique_ptr<StateStore>> Open() override { return OpenSqliteStore(path_); }

 private:
  void Run(const std::vector<std::string>& statements) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    for (const std::string& sql : statements) {
      ASSERT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    }
    sqlite3_close(database);
  }

  testing::TemporaryFolder folder_;
  const std::string path_ = folder_.File("state.db");
};

class OldPostgres final : public OldState {
 public:
  void Write(size_t version) override {
    Run({"CREATE TABLE schema_version (version INT NOT NULL)"});
    Run(SqlOf(version, "BYTEA", "BYTEA"));
    for (size_t step = 1; step <= version; ++step) SetSchema(static_cast<int>(step));
  }
  void SetSchema(int version) override { Run({absl::StrCat("INSERT INTO schema_version VALUES (", version, ")")}); }
  absl::StatusOr<std::unique_ptr<StateStore>> Open() override {
    if (leadership_ != nullptr) {
      EXPECT_OK(leadership_->Resign());
    }
    auto leadership = Leadership::Open(uri_, "test", absl::Minutes(1));
    EXPECT_OK(leadership.status());
    leadership_ = *std::move(leadership);
    return OpenPostgresStore(uri_, **leadership_->TryAcquire());
  }

 private:
  void Run(const std::vector<std::string>& statements) {
    const auto connection = PostgresConnection::Open(uri_);
    ASSERT_OK(connection.status());
    for (const std::string& sql : statements) ASSERT_OK((*connection)->Execute(sql).status());
  }

  const std::string uri_ = PostgresForTest::Shared().NewDatabase();
  std::unique_ptr<Leadership> leadership_;
};

struct Named {
  std::string name;
  std::function<std::unique_ptr<OldState>()> make;
};

class MigrationTest : public ::testing::TestWithParam<Named> {
 protected:
  void SetUp() override {
    if (GetParam().name == "Postgres") ARPENT_REQUIRE_POSTGRES();
  }
};

TEST_P(MigrationTest, EveryReleasedSchemaIsTakenOverWithItsRows) {
  ASSERT_EQ(kReleased.size(), Migrations("TEXT", "BLOB").size()) << "a new step needs its words above";
  for (size_t version = 0; version <= kReleased.size(); ++version) {
    SCOPED_TRACE(absl::StrCat("schema ", version));
    const std::unique_ptr<OldState> old = GetParam().make();
    if (version > 0) old->Write(version);
    for (int opened = 0; opened < 2; ++opened) {  // the second finds nothing to do
      ASSERT_OK_AND_ASSIGN(const std::unique_ptr<StateStore> store, old->Open());
      const auto get = [&](Table table, const std::string& key) { return *store->Get(table, key); };
      EXPECT_EQ(get(Table::kProducts, "p1").value_or(""), version >= 1 ? "of schema 1" : "");
      EXPECT_EQ(get(Table::kCounters, "last_token").value_or(""), version >= 1 ? "41" : "");
      EXPECT_EQ(get(Table::kCurrent, "l2a/T/2021/a").value_or(""), version >= 2 ? "p1" : "");
      EXPECT_EQ(get(Table::kCosts, "l2a").value_or(""), version >= 3 ? "ratio" : "");
      for (int table = 0; table < kTables; ++table) {
        ASSERT_OK(store->WaitDurable(store->Append({{static_cast<Table>(table), "new", "row"}})));
        EXPECT_EQ(get(static_cast<Table>(table), "new"), "row") << TableName(static_cast<Table>(table));
      }
    }
  }
}

TEST_P(MigrationTest, ANewerSchemaIsRefusedAndLeftAsItIs) {
  const std::unique_ptr<OldState> old = GetParam().make();
  old->Write(kReleased.size());
  old->SetSchema(99);
  for (int attempt = 0; attempt < 2; ++attempt) {
    EXPECT_THAT(old->Open().status(), StatusIs(absl::StatusCode::kFailedPrecondition, "has schema 99, this program knows up to"));
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, MigrationTest,
                         ::testing::Values(Named{"Sqlite", [] { return std::make_unique<OldSqlite>(); }},
                                           Named{"Postgres", [] { return std::make_unique<OldPostgres>(); }}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace arpent::coordinator
