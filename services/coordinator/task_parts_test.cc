#include "services/coordinator/task_parts.h"

#include <gtest/gtest.h>

#include "common/base/digest.h"

namespace arpent::coordinator {
namespace {

TEST(TaskName, OfProductsPartsAndOthers) {
  const std::string key = Sha256Of("a product");
  EXPECT_EQ((TaskName{key, 3}.ToString()), key + "#3");
  EXPECT_EQ(TaskName{key}.ToString(), key);
  for (const std::string& id : {key, key + "#0", key + "#15"}) EXPECT_EQ(TaskName::Parse(id).ToString(), id);
  EXPECT_EQ(TaskName::Parse(key + "#15").task, key);
  EXPECT_EQ(TaskName::Parse(key + "#15").part, 15);
  // What only looks like a part is a task of that name.
  const std::string path(64, '/');
  for (const std::string& id : {std::string("run/discover/input:/a#3"), path + "#3", key + "#", key + "#x"}) {
    EXPECT_EQ(TaskName::Parse(id).task, id);
    EXPECT_FALSE(TaskName::Parse(id).is_part());
  }
}

TEST(TaskParts, OneTaskUntilItIsCut) {
  TaskParts parts;
  EXPECT_FALSE(parts.cut());
  EXPECT_EQ(parts.Open(), std::vector<int>{-1});
  parts.SetProgress(-1, 0.4);
  EXPECT_DOUBLE_EQ(parts.Progress(), 0.4);
  parts.Cut(2);
  EXPECT_EQ(parts.Open(), (std::vector<int>{0, 1, 2, 3}));
  parts.SetDone(1);
  parts.SetProgress(2, 0.5);
  EXPECT_EQ(parts.done(), 1);
  EXPECT_EQ(parts.Open(), (std::vector<int>{0, 2, 3}));
  EXPECT_NEAR(parts.Progress(), 0.9 * 1.5 / 4 + 0.1 * 0.4, 1e-12);
  for (const int part : {0, 2, 3}) parts.SetDone(part);
  EXPECT_EQ(parts.Open(), std::vector<int>{-1}) << "now they are assembled";
  parts.SetProgress(-1, 1);
  EXPECT_DOUBLE_EQ(parts.Progress(), 1);
}

TEST(PartsAcross, AsFineAsSlotsAreIdleAndAsPartsAreWorthIt) {
  EXPECT_EQ(PartsAcross(8, 8, 1e6, 10), 1) << "every slot has a task of its own";
  EXPECT_EQ(PartsAcross(8, 0, 1e6, 10), 1);
  EXPECT_EQ(PartsAcross(3, 2, 1e6, 10), 1) << "parts cost more than the one idle slot gives";
  EXPECT_EQ(PartsAcross(2, 1, 1e6, 10), 2);
  EXPECT_EQ(PartsAcross(8, 2, 1e6, 10), 2);
  EXPECT_EQ(PartsAcross(9, 2, 1e6, 10), 3);
  EXPECT_EQ(PartsAcross(1000, 1, 1e6, 10), 4);
  EXPECT_EQ(PartsAcross(1000, 1, 159, 10), 3);
  EXPECT_EQ(PartsAcross(1000, 1, 41, 10), 2);
  EXPECT_EQ(PartsAcross(1000, 1, 39, 10), 1);
}

}  // namespace
}  // namespace arpent::coordinator
