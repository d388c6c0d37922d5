#include "services/coordinator/queue/ready_tasks.h"

#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"

namespace arpent::coordinator {
namespace {

constexpr int64_t kPlenty = int64_t{1} << 40;

TaskDemand Demand(const std::string& share, double core_seconds, double path_seconds = 0, int priority = 0,
                  const std::string& stage = "l2a", int64_t memory = 1) {
  return {.stage = stage,
          .stage_version = stage + "@1",
          .share = share,
          .priority = priority,
          .core_seconds = core_seconds,
          .path_seconds = path_seconds,
          .memory_bytes = memory};
}

std::string TakeOne(ReadyTasks& tasks, const std::set<std::string>& stages = {"l2a@1"}, int64_t memory = kPlenty) {
  return tasks.Take(stages, memory).value_or("none");
}

TEST(ReadyTasks, PriorityThenLongestPathThenArrival) {
  ReadyTasks tasks;
  tasks.Add("short", Demand("a", 1, 10));
  tasks.Add("long", Demand("a", 1, 20));
  tasks.Add("long2", Demand("a", 1, 20));
  tasks.Add("urgent", Demand("b", 1, 0, 5));
  EXPECT_EQ(TakeOne(tasks), "urgent");
  EXPECT_EQ(TakeOne(tasks), "long");
  EXPECT_EQ(TakeOne(tasks), "long2");
  EXPECT_EQ(TakeOne(tasks), "short");
  EXPECT_EQ(TakeOne(tasks), "none");
  EXPECT_TRUE(tasks.empty());
}

TEST(ReadyTasks, OnlyWhatTheWorkerCanDoAndHasMemoryFor) {
  ReadyTasks tasks;
  tasks.Add("big", Demand("a", 1, 20, 0, "l2a", 100));
  tasks.Add("small", Demand("a", 1, 10, 0, "l2a", 10));
  tasks.Add("other", Demand("a", 1, 30, 0, "map", 10));
  EXPECT_EQ(TakeOne(tasks, {"l2a@2"}), "none");
  EXPECT_EQ(TakeOne(tasks, {"l2a@1"}, 50), "small");
  EXPECT_EQ(TakeOne(tasks, {"l2a@1"}, 50), "none");
  EXPECT_EQ(TakeOne(tasks, {"l2a@1", "map@1"}, 100), "other");
  EXPECT_EQ(TakeOne(tasks, {"l2a@1", "map@1"}, 100), "big");
}

// Landsat must not wait until all Sentinel-2 is done, nor a small country behind a large one.
TEST(ReadyTasks, SharesGetEqualCoreSecondsWhateverTheSizeOfTheirTasks) {
  ReadyTasks tasks;
  for (int i = 0; i < 1000; ++i) tasks.Add(absl::StrCat("s2-", i), Demand("site/sentinel2", 10));
  for (int i = 0; i < 1000; ++i) tasks.Add(absl::StrCat("ls-", i), Demand("site/landsat", 2.5));
  for (int i = 0; i < 1000; ++i) tasks.Add(absl::StrCat("ot-", i), Demand("other/sentinel2", 1));
  std::map<std::string, double> served;
  for (int i = 0; i < 600; ++i) {
    const std::string task = TakeOne(tasks).substr(0, 2);
    served[task] += task == "s2" ? 10 : task == "ls" ? 2.5 : 1;
  }
  for (const char* const share : {"s2", "ls", "ot"}) EXPECT_NEAR(served[share], (served["s2"] + served["ls"] + served["ot"]) / 3, 20) << share;
}

// A share that appears late or comes back gets its part from then on, no more.
TEST(ReadyTasks, AnEmptyShareKeepsNoClaim) {
  ReadyTasks tasks;
  for (int i = 0; i < 200; ++i) tasks.Add(absl::StrCat("a", i), Demand("a", 1));
  for (int i = 0; i < 100; ++i) TakeOne(tasks);
  for (int i = 0; i < 100; ++i) tasks.Add(absl::StrCat("b", i), Demand("b", 1));
  int of_b = 0;
  for (int i = 0; i < 50; ++i) of_b += TakeOne(tasks)[0] == 'b';
  EXPECT_NEAR(of_b, 25, 1);
}

TEST(ReadyTasks, EveryTaskComesOutOnceWhateverIsAddedAndRemoved) {
  std::mt19937 random(7);
  ReadyTasks tasks;
  std::map<std::string, TaskDemand> expected;
  for (int step = 0; step < 20000; ++step) {
    const std::string id = absl::StrCat("t", random() % 50);
    if (random() % 2 == 0) {
      if (expected.count(id) > 0) continue;
      expected[id] = Demand(absl::StrCat("share", random() % 4), 0.5 + random() % 20, random() % 9,
                            static_cast<int>(random() % 2), random() % 2 == 0 ? "l2a" : "map", random() % 3);
      tasks.Add(id, expected[id]);
    } else if (random() % 3 == 0) {
      if (expected.count(id) == 0) continue;
      tasks.Remove(id, expected[id]);
      expected.erase(id);
    } else {
      const int64_t memory = random() % 3;
      const std::string stage = random() % 2 == 0 ? "l2a@1" : "map@1";
      const std::string taken = TakeOne(tasks, {stage}, memory);
      int best_priority = -1;
      for (const auto& [name, demand] : expected) {
        if (demand.stage_version == stage && demand.memory_bytes <= memory) {
          best_priority = std::max(best_priority, demand.priority);
        }
      }
      if (taken == "none") {
        ASSERT_EQ(best_priority, -1);
        continue;
      }
      ASSERT_EQ(expected.count(taken), 1u);
      ASSERT_EQ(expected[taken].priority, best_priority);
      ASSERT_EQ(expected[taken].stage_version, stage);
      ASSERT_LE(expected[taken].memory_bytes, memory);
      expected.erase(taken);
    }
  }
}

}  // namespace
}  // namespace arpent::coordinator
