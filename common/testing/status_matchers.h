// EXPECT_OK(expression), ASSERT_OK, ASSERT_OK_AND_ASSIGN(auto x, F()), StatusIs(code, message matcher).
#ifndef ARPENT_COMMON_TESTING_STATUS_MATCHERS_H_
#define ARPENT_COMMON_TESTING_STATUS_MATCHERS_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/base/status.h"

namespace arpent::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

// The code is `code` and the message contains `text`.
MATCHER_P2(StatusIs, code, text, "") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code &&
         std::string(StatusOf(arg).message()).find(std::string(text)) != std::string::npos;
}

}  // namespace arpent::testing

#define EXPECT_OK(expression) EXPECT_THAT(expression, ::arpent::testing::IsOk())
#define ASSERT_OK(expression) ASSERT_THAT(expression, ::arpent::testing::IsOk())
#define ASSERT_OK_AND_ASSIGN(declaration, expression) \
  ASSERT_OK_AND_ASSIGN_IMPL(ARPENT_CONCAT(arpent_test_, __LINE__), declaration, expression)
#define ASSERT_OK_AND_ASSIGN_IMPL(statusor, declaration, expression) \
  auto statusor = (expression);                                      \
  ASSERT_TRUE(statusor.ok()) << statusor.status();                   \
  declaration = *std::move(statusor)

#endif  // ARPENT_COMMON_TESTING_STATUS_MATCHERS_H_
