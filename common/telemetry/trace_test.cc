#include "common/telemetry/trace.h"

#include <gtest/gtest.h>

namespace arpent::telemetry {
namespace {

// The example of the W3C recommendation, section 3.2.
constexpr char kExample[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(Trace, ReadsTheExampleOfTheRecommendation) {
  EXPECT_EQ(ParseTraceparent(kExample), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(ParseTraceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-be-like"),
            "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST(Trace, WhatIsMadeIsReadAgain) {
  const std::string id = NewTraceId();
  EXPECT_EQ(ParseTraceparent(MakeTraceparent(id)), id);
  EXPECT_NE(NewTraceId(), id);
  EXPECT_NE(MakeTraceparent(id), MakeTraceparent(id)) << "two spans with one id";
  EXPECT_EQ(TraceIdOf("run"), TraceIdOf("run"));
  EXPECT_EQ(ParseTraceparent(MakeTraceparent(TraceIdOf("run"))), TraceIdOf("run"));
}

TEST(Trace, RefusesWhatIsNone) {
  for (const char* const wrong : {
           "", "00", "garbage", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"}) {
    EXPECT_EQ(ParseTraceparent(wrong), "") << wrong;
  }
}

}  // namespace
}  // namespace arpent::telemetry
