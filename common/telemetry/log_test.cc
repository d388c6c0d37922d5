#include "common/telemetry/log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/testing/status_matchers.h"

namespace arpent::telemetry {
namespace {

TEST(Log, AJsonLineHoldsEveryField) {
  const std::string line = FormatLogLine(LogFormat::kJson, "2021-06-01T00:00:00.000Z", LogLevel::kError,
                                         "cannot \"read\"\nband", {{"run", "r1"}, {"task", "t1"}}, {{"code", "DATA_LOSS"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["level"], "error");
  EXPECT_EQ(json["message"], "cannot \"read\"\nband");
  EXPECT_EQ(json["run"], "r1");
  EXPECT_EQ(json["task"], "t1");
  EXPECT_EQ(json["code"], "DATA_LOSS");
}

TEST(Log, BytesThatAreNoTextDoNotLoseTheLine) {
  const auto json = nlohmann::json::parse(FormatLogLine(LogFormat::kJson, "t", LogLevel::kInfo, "m", {}, {{"p", "\xff/x"}}));
  EXPECT_EQ(json["message"], "m");
}

TEST(Log, TextLinesAreForPeople) {
  EXPECT_EQ(FormatLogLine(LogFormat::kText, "t", LogLevel::kWarning, "slow", {{"task", "7"}}, {{"seconds", "3"}}),
            "t warning slow task=7 seconds=3");
}

TEST(Log, RefusesUnknownSettings) {
  EXPECT_THAT(SetUpLogging("loud", "json"), testing::StatusIs(absl::StatusCode::kInvalidArgument, "loud"));
  EXPECT_THAT(SetUpLogging("info", "xml"), testing::StatusIs(absl::StatusCode::kInvalidArgument, "xml"));
}

}  // namespace
}  // namespace arpent::telemetry
