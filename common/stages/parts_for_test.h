// Proves that a stage gives the same bytes however its work is dealt out.
#ifndef ARPENT_COMMON_STAGES_PARTS_FOR_TEST_H_
#define ARPENT_COMMON_STAGES_PARTS_FOR_TEST_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/product/layout.h"
#include "common/stages/stage.h"
#include "common/testing/status_matchers.h"

namespace arpent::stages {

using RunForTest = std::function<absl::StatusOr<TaskResult>(const TaskSpec&)>;

// Every object of a product, by name, but for run.json, which has the time.
inline std::map<std::string, std::string> BytesOf(const storage::StoreSet& stores, const std::string& uri) {
  std::map<std::string, std::string> bytes;
  const auto objects = stores.List(uri, /*recursive=*/true);
  EXPECT_OK(objects.status());
  if (!objects.ok()) return bytes;
  for (const storage::ObjectInfo& object : *objects) {
    if (absl::EndsWith(object.path, "/run.json")) continue;
    const auto read = stores.ReadAll(absl::StrCat("output:/", object.path));
    EXPECT_OK(read.status());
    bytes[object.path] = read.value_or("");
  }
  return bytes;
}

inline void RemoveAll(const storage::StoreSet& stores, const std::string& uri) {
  const auto objects = stores.List(uri, /*recursive=*/true);
  ASSERT_OK(objects.status());
  for (const storage::ObjectInfo& object : *objects) ASSERT_OK((*stores.Find("output"))->Delete(object.path));
}

// Makes the parts of the task's product, in any order.
inline void MakeParts(const RunForTest& run, TaskSpec task, int across) {
  task.part.across = across;
  std::vector<int> order(static_cast<size_t>(task.part.count()));
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(across));
  for (const int index : order) {
    task.part.index = index;
    ASSERT_OK_AND_ASSIGN(const TaskResult part, run(task));
    EXPECT_EQ(part.outcome, TaskResult::Outcome::kDone);
    EXPECT_TRUE(part.product.uri.empty()) << "a part is no product";
  }
}

// The product of one task, then of parts: all objects are equal, and nothing is left of the parts.
inline void ExpectTheSameFromParts(const RunForTest& run, const storage::StoreSet& stores, TaskSpec task,
                                   const std::vector<int>& cuts) {
  ASSERT_OK_AND_ASSIGN(const TaskResult whole, run(task));
  const auto expected = BytesOf(stores, whole.product.uri);
  ASSERT_GT(expected.size(), 2u);
  for (const int across : cuts) {
    SCOPED_TRACE(absl::StrCat(across, " x ", across));
    RemoveAll(stores, whole.product.uri);
    MakeParts(run, task, across);
    EXPECT_FALSE(stores.Stat(whole.product.uri + "/item.json").ok()) << "parts publish nothing";
    task.part = {.across = across};
    ASSERT_OK_AND_ASSIGN(const TaskResult assembled, run(task));
    EXPECT_EQ(assembled.product.uri, whole.product.uri);
    EXPECT_EQ(assembled.pixels, 0) << "they were counted with the parts";
    const auto got = BytesOf(stores, whole.product.uri);
    ASSERT_EQ(got.size(), expected.size());
    for (const auto& [path, bytes] : expected) EXPECT_TRUE(got.at(path) == bytes) << path;
    EXPECT_FALSE(stores.List(ProductUri(product::WorkFolder(task.Key())), true).ok()) << "parts are left";
  }
}

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_PARTS_FOR_TEST_H_
