#include "common/base/scratch_pool.h"

#include <atomic>
#include <set>
#include <vector>

#include "common/base/parallel.h"
#include "common/testing/status_matchers.h"

namespace arpent {
namespace {

TEST(ScratchPool, LendsWhatCameBackAndNeverTheSameTwice) {
  ScratchPool<std::vector<int>> pool;
  const std::vector<int>* first = nullptr;
  {
    const auto one = pool.Borrow(), other = pool.Borrow();
    EXPECT_NE(&*one, &*other);
    one->push_back(7);
    first = &*one;
  }
  const auto a = pool.Borrow(), b = pool.Borrow(), c = pool.Borrow();
  const std::set<const std::vector<int>*> lent = {&*a, &*b, &*c};
  EXPECT_EQ(lent.size(), 3u);
  EXPECT_TRUE(lent.contains(first));
  EXPECT_EQ(a->size() + b->size() + c->size(), 1u) << "as its last borrower left it";
}

TEST(ScratchPool, OneBorrowerAtATime) {
  struct Guarded {
    std::atomic<int> users{0};
  };
  ScratchPool<Guarded> pool;
  std::atomic<int> clashes{0};
  ASSERT_OK(ParallelFor(2000, 4, [&](size_t) {
    const auto mine = pool.Borrow();
    clashes += mine->users.fetch_add(1) != 0;
    mine->users.fetch_sub(1);
    return absl::OkStatus();
  }));
  EXPECT_EQ(clashes, 0);
}

}  // namespace
}  // namespace arpent
