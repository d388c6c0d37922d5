#include "services/coordinator/store/leadership.h"

#include "absl/time/clock.h"
#include "common/testing/status_matchers.h"
#include "services/coordinator/store/postgres_for_test.h"
#include "services/coordinator/store/postgres_store.h"

namespace arpent::coordinator {
namespace {

using ::arpent::testing::StatusIs;

class LeadershipTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ARPENT_REQUIRE_POSTGRES();
    database_ = PostgresForTest::Shared().NewDatabase();
  }
  std::unique_ptr<Leadership> Candidate(const std::string& name, absl::Duration term) {
    auto candidate = Leadership::Open(database_, name, term);
    EXPECT_OK(candidate.status());
    return *std::move(candidate);
  }
  std::string database_;
};

TEST_F(LeadershipTest, OneLeadsUntilItsTermEndsOrItResigns) {
  const auto a = Candidate("a", absl::Minutes(1)), b = Candidate("b", absl::Minutes(1));
  ASSERT_OK_AND_ASSIGN(const auto first, a->TryAcquire());
  ASSERT_TRUE(first.has_value());
  ASSERT_OK_AND_ASSIGN(auto second, b->TryAcquire());
  EXPECT_FALSE(second.has_value());
  ASSERT_OK(a->Renew());
  ASSERT_OK(a->Resign());
  ASSERT_OK_AND_ASSIGN(second, b->TryAcquire());
  ASSERT_TRUE(second.has_value());
  EXPECT_GT(*second, *first);
  EXPECT_THAT(a->Renew(), StatusIs(absl::StatusCode::kAborted, "another coordinator leads"));
  ASSERT_OK(a->Resign()) << "of a term that is over: nothing";
  ASSERT_OK(b->Renew());
}

// A leader that stood still past its term and then writes: nothing of it is seen.
TEST_F(LeadershipTest, AnOldLeadersWritesAreFenced) {
  const auto a = Candidate("a", absl::Milliseconds(50)), b = Candidate("b", absl::Minutes(1));
  ASSERT_OK_AND_ASSIGN(const auto first, a->TryAcquire());
  ASSERT_OK_AND_ASSIGN(const auto old_store, OpenPostgresStore(database_, *first));
  ASSERT_OK(old_store->WaitDurable(old_store->Append({{Table::kSites, "s", "of a"}})));
  std::optional<int64_t> second;
  while (!second) {
    ASSERT_OK_AND_ASSIGN(second, b->TryAcquire());
  }
  ASSERT_OK_AND_ASSIGN(const auto new_store, OpenPostgresStore(database_, *second));
  ASSERT_OK(new_store->WaitDurable(new_store->Append({{Table::kSites, "s", "of b"}})));
  EXPECT_THAT(old_store->WaitDurable(old_store->Append({{Table::kSites, "s", "of a again"}})),
              StatusIs(absl::StatusCode::kAborted, "nothing was written"));
  EXPECT_THAT(OpenPostgresStore(database_, *first).status(), StatusIs(absl::StatusCode::kAborted, "another"));
  ASSERT_OK_AND_ASSIGN(const auto site, new_store->Get(Table::kSites, "s"));
  EXPECT_EQ(site, "of b");
}

TEST_F(LeadershipTest, ADatabaseThatIsAwayIsUnavailable) {
  EXPECT_THAT(Leadership::Open("postgresql:///x?host=/nowhere", "a", absl::Seconds(1)).status(),
              StatusIs(absl::StatusCode::kUnavailable, "state database"));
}

}  // namespace
}  // namespace arpent::coordinator
