#include "services/coordinator/store/state_store.h"

#include <sqlite3.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"
#include "services/coordinator/store/leadership.h"
#include "services/coordinator/store/memory_store.h"
#include "services/coordinator/store/postgres_for_test.h"
#include "services/coordinator/store/postgres_store.h"
#include "services/coordinator/store/sqlite_backup.h"
#include "services/coordinator/store/sqlite_store.h"

namespace arpent::coordinator {
namespace {

using ::arpent::testing::StatusIs;
using Rows = std::map<std::string, std::string>;

Rows ScanAll(StateStore& store, Table table, const std::string& prefix = "") {
  Rows rows;
  EXPECT_OK(store.Scan(table, prefix, [&](const std::string& key, const std::string& value) { rows[key] = value; }));
  return rows;
}

// One suite for every store. `Reopen` gives the same state again, as a restarted process sees it.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::unique_ptr<StateStore> Reopen(std::unique_ptr<StateStore> current) = 0;
};

class SqliteBackend final : public Backend {
 public:
  std::unique_ptr<StateStore> Reopen(std::unique_ptr<StateStore> current) override {
    current.reset();
    auto store = OpenSqliteStore(folder_.File("state.db"));
    EXPECT_OK(store.status());
    return *std::move(store);
  }

 private:
  testing::TemporaryFolder folder_;
};

class MemoryBackend final : public Backend {
 public:
  std::unique_ptr<StateStore> Reopen(std::unique_ptr<StateStore> current) override {
    return current != nullptr ? std::move(current) : std::make_unique<MemoryStore>();
  }
};

class PostgresBackend final : public Backend {
 public:
  std::unique_ptr<StateStore> Reopen(std::unique_ptr<StateStore> current) override {
    current.reset();
    // Each process that takes over has an epoch of its own.
    if (leadership_ != nullptr) {
      EXPECT_OK(leadership_->Resign());
    }
    auto leadership = Leadership::Open(database_, "test", absl::Minutes(1));
    EXPECT_OK(leadership.status());
    leadership_ = *std::move(leadership);
    auto store = OpenPostgresStore(database_, **leadership_->TryAcquire());
    EXPECT_OK(store.status());
    return *std::move(store);
  }

 private:
  const std::string database_ = PostgresForTest::Shared().NewDatabase();
  std::unique_ptr<Leadership> leadership_;
};

using MakeBackend = std::function<std::unique_ptr<Backend>()>;
struct Named {
  std::string name;
  MakeBackend make;
};

class StateStoreContract : public ::testing::TestWithParam<Named> {
 protected:
  void SetUp() override {
    if (GetParam().name == "Postgres") ARPENT_REQUIRE_POSTGRES();
    backend_ = GetParam().make();
    store_ = backend_->Reopen(nullptr);
  }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<StateStore> store_;

  void Put(Table table, const std::string& key, const std::string& value) {
    ASSERT_OK(store_->WaitDurable(store_->Append({{table, key, value}})));
  }
};

TEST_P(StateStoreContract, KeepsWhatWasWrittenOverARestart) {
  const std::string bytes("\0\xff two\n", 7);
  Put(Table::kSites, "a", bytes);
  Put(Table::kSites, "a", bytes + "!");
  Put(Table::kRuns, "a", "");
  store_ = backend_->Reopen(std::move(store_));
  EXPECT_EQ(ScanAll(*store_, Table::kSites), (Rows{{"a", bytes + "!"}}));
  EXPECT_EQ(ScanAll(*store_, Table::kRuns), (Rows{{"a", ""}}));
  ASSERT_OK_AND_ASSIGN(const auto found, store_->Get(Table::kSites, "a"));
  EXPECT_EQ(found, bytes + "!");
  ASSERT_OK_AND_ASSIGN(const auto absent, store_->Get(Table::kSites, "b"));
  EXPECT_EQ(absent, std::nullopt);
}

TEST_P(StateStoreContract, EveryTableIsKeptOverARestart) {
  for (int table = 0; table < kTables; ++table) {
    Put(static_cast<Table>(table), "key", absl::StrCat("of table ", table));
    Put(static_cast<Table>(table), "gone", "");
    ASSERT_OK(store_->WaitDurable(store_->Append({{static_cast<Table>(table), "gone", std::nullopt}})));
  }
  store_ = backend_->Reopen(std::move(store_));
  for (int table = 0; table < kTables; ++table) {
    EXPECT_EQ(ScanAll(*store_, static_cast<Table>(table)), (Rows{{"key", absl::StrCat("of table ", table)}}))
        << TableName(static_cast<Table>(table));
  }
}

TEST_P(StateStoreContract, ScansMoreThanOneReadTakes) {
  std::vector<Write> writes;
  for (int i = 0; i < 12000; ++i) writes.push_back({Table::kCells, absl::StrCat("run/", i), absl::StrCat(i)});
  writes.push_back({Table::kCells, "rum", "before"});
  writes.push_back({Table::kCells, "run0", "behind"});
  ASSERT_OK(store_->WaitDurable(store_->Append(std::move(writes))));
  const Rows rows = ScanAll(*store_, Table::kCells, "run/");
  EXPECT_EQ(rows.size(), 12000u);
  for (const auto& [key, value] : rows) ASSERT_EQ(key, "run/" + value);
}

TEST_P(StateStoreContract, WritesOfOneCallAreOneInTheirOrder) {
  ASSERT_OK(store_->WaitDurable(store_->Append(
      {{Table::kTasks, "t", "1"}, {Table::kTasks, "t", std::nullopt}, {Table::kTasks, "t", "2"}, {Table::kCells, "c", "x"},
       {Table::kCells, "c", std::nullopt}, {Table::kCells, "never there", std::nullopt}})));
  EXPECT_EQ(ScanAll(*store_, Table::kTasks), (Rows{{"t", "2"}}));
  EXPECT_EQ(ScanAll(*store_, Table::kCells), Rows());
}

TEST_P(StateStoreContract, ScansByPrefixInOrderOfBytes) {
  const std::string high = std::string("r") + "\xc3\xa9";
  for (const std::string& key : {std::string("r1/b"), std::string("r1/a"), std::string("r10/a"), std::string("r2"), high}) Put(Table::kCells, key, key);
  EXPECT_EQ(ScanAll(*store_, Table::kCells, "r1/"), (Rows{{"r1/a", "r1/a"}, {"r1/b", "r1/b"}}));
  EXPECT_EQ(ScanAll(*store_, Table::kCells, "r").size(), 5u);
  std::vector<std::string> order;
  EXPECT_OK(store_->Scan(Table::kCells, "", [&](const std::string& key, const std::string&) { order.push_back(key); }));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_P(StateStoreContract, ManyThreadsSeeTheirWritesDurable) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 50; ++i) Put(Table::kProducts, absl::StrCat(thread, "-", i), std::string(100, 'x'));
    });
  }
  for (std::thread& thread : threads) thread.join();
  store_ = backend_->Reopen(std::move(store_));
  EXPECT_EQ(ScanAll(*store_, Table::kProducts).size(), 400u);
}

TEST_P(StateStoreContract, AgreesWithAMapOverRandomWrites) {
  std::mt19937 random(11);
  Rows model;
  for (int step = 0; step < 300; ++step) {
    std::vector<Write> writes;
    for (uint32_t i = 0; i <= random() % 5; ++i) {
      const std::string key = absl::StrCat("k", random() % 20);
      if (random() % 3 == 0) {
        writes.push_back({Table::kSkips, key, std::nullopt});
        model.erase(key);
      } else {
        writes.push_back({Table::kSkips, key, absl::StrCat(step)});
        model[key] = absl::StrCat(step);
      }
    }
    const uint64_t number = store_->Append(std::move(writes));
    if (step % 20 == 0) {
      ASSERT_OK(store_->WaitDurable(number));
      ASSERT_EQ(ScanAll(*store_, Table::kSkips), model);
    }
    if (step % 100 == 99) store_ = backend_->Reopen(std::move(store_));
  }
  store_ = backend_->Reopen(std::move(store_));
  EXPECT_EQ(ScanAll(*store_, Table::kSkips), model);
}

INSTANTIATE_TEST_SUITE_P(Stores, StateStoreContract,
                         ::testing::Values(Named{"Sqlite", [] { return std::make_unique<SqliteBackend>(); }},
                                           Named{"Postgres", [] { return std::make_unique<PostgresBackend>(); }},
                                           Named{"Memory", [] { return std::make_unique<MemoryBackend>(); }}),
                         [](const auto& info) { return info.param.name; });

TEST(SqliteStore, RefusesANewerSchemaAndWhatIsNoDatabase) {
  const testing::TemporaryFolder folder;
  { ASSERT_OK(OpenSqliteStore(folder.File("state.db")).status()); }
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(folder.File("state.db").c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "PRAGMA user_version = 99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  EXPECT_THAT(OpenSqliteStore(folder.File("state.db")).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, "has schema 99"));
  EXPECT_THAT(OpenSqliteStore(folder.File("none/state.db")).status(),
              StatusIs(absl::StatusCode::kNotFound, "none/state.db"));
}

TEST(SqliteStore, IsOpenInOneCoordinatorOnly) {
  const testing::TemporaryFolder folder;
  auto first = OpenSqliteStore(folder.File("state.db"));
  ASSERT_OK(first.status());
  EXPECT_THAT(OpenSqliteStore(folder.File("state.db")).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, "another coordinator has it open"));
  first->reset();
  EXPECT_OK(OpenSqliteStore(folder.File("state.db")).status());
}

TEST(SqliteStore, IsWaitedForWhileAnotherCoordinatorEnds) {
  const testing::TemporaryFolder folder;
  auto first = OpenSqliteStore(folder.File("state.db"));
  ASSERT_OK(first.status());
  std::thread ending([&] {
    absl::SleepFor(absl::Milliseconds(200));
    first->reset();
  });
  EXPECT_OK(OpenSqliteStore(folder.File("state.db"), absl::Minutes(1)).status());
  ending.join();
}

TEST(SqliteStore, IsBackedUpWhileItIsWrittenTo) {
  const testing::TemporaryFolder folder;
  ASSERT_OK_AND_ASSIGN(const auto store, OpenSqliteStore(folder.File("state.db")));
  const auto write = [&store](int row) {
    return store->Append({{Table::kSites, absl::StrCat("a", row), "first"}, {Table::kSites, absl::StrCat("b", row), "second"}});
  };
  ASSERT_OK(store->WaitDurable(write(0)));
  std::thread writer([&] {
    for (int row = 1; row <= 200; ++row) EXPECT_OK(store->WaitDurable(write(row)));
  });
  EXPECT_OK(BackUpSqlite(folder.File("state.db"), folder.File("copy.db")));
  writer.join();
  EXPECT_EQ(ScanAll(*store, Table::kSites).size(), 402u);

  ASSERT_OK_AND_ASSIGN(const auto copy, OpenSqliteStore(folder.File("copy.db")));
  const Rows rows = ScanAll(*copy, Table::kSites);
  EXPECT_EQ(rows.at("a0"), "first");
  // One instant: the two rows of a group are both there or both not.
  EXPECT_EQ(rows.size() % 2, 0u);
  for (const auto& [key, value] : rows) {
    EXPECT_EQ(rows.count((key[0] == 'a' ? "b" : "a") + key.substr(1)), 1u) << key;
  }
}

TEST(SqliteStore, BackupSaysWhatIsWrong) {
  const testing::TemporaryFolder folder;
  EXPECT_THAT(BackUpSqlite(folder.File("none.db"), folder.File("copy.db")), StatusIs(absl::StatusCode::kNotFound, "none.db"));
  { ASSERT_OK(OpenSqliteStore(folder.File("state.db")).status()); }
  ASSERT_OK(BackUpSqlite(folder.File("state.db"), folder.File("copy.db")));
  EXPECT_THAT(BackUpSqlite(folder.File("state.db"), folder.File("copy.db")),
              StatusIs(absl::StatusCode::kAlreadyExists, "copy.db"));
}

}  // namespace
}  // namespace arpent::coordinator
