// The runner on real processes of the shell; whole products go through tests/integration/processors_test.py.
#include "common/stages/l2a/external_processor.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/time/clock.h"
#include "common/stages/catalog.h"
#include "common/stages/l2a/external_l2a.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::stages {
namespace {

using testing::StatusIs;

TEST(ParseProcessors, ReadsWhatAPoolIsConfiguredWith) {
  ASSERT_OK_AND_ASSIGN(const ExternalProcessors all, ParseProcessors(R"({"maja-4.9": {"command": ["maja", "-i", "{input}"], "time_limit": "90m",
      "memory_mib": 1024, "scratch_mib": 2048, "image": "registry/maja:4.9"}, "sen2cor": {"command": ["L2A_Process"]}})", "FILE"));
  ASSERT_EQ(all.size(), 2u);
  const ExternalProcessor& maja = all.at("maja-4.9");
  EXPECT_EQ(maja.name, "maja-4.9");
  EXPECT_EQ(maja.time_limit, absl::Minutes(90));
  EXPECT_EQ(maja.memory_bytes, int64_t{1} << 30);
  EXPECT_EQ(maja.scratch_bytes, int64_t{2} << 30);
  EXPECT_EQ(all.at("sen2cor").image, "");
}

TEST(ParseProcessors, NamesWhatIsWrong) {
  const auto status = [](const std::string& text) { return ParseProcessors(text, "FILE").status(); };
  EXPECT_THAT(status("{"), StatusIs(absl::StatusCode::kInvalidArgument, "FILE"));
  EXPECT_THAT(status(R"({"arpent": {"command": ["x"]}})"), StatusIs(absl::StatusCode::kInvalidArgument, "'arpent'"));
  EXPECT_THAT(status(R"({"a": {}})"), StatusIs(absl::StatusCode::kInvalidArgument, "no command"));
  EXPECT_THAT(status(R"({"a": {"command": "rm -rf /"}})"), StatusIs(absl::StatusCode::kInvalidArgument, "list of words"));
  EXPECT_THAT(status(R"({"a": {"command": ["x"], "memory": 3}})"), StatusIs(absl::StatusCode::kInvalidArgument, "'memory'"));
  EXPECT_THAT(status(R"({"a": {"command": ["x"], "time_limit": "-3s"}})"), StatusIs(absl::StatusCode::kInvalidArgument, "'time_limit'"));
}

class Processor : public ::testing::Test {
 protected:
  absl::Status Run(const std::string& script, const std::function<bool()>& cancelled = [] { return false; }) {
    processor_.name = "shell";
    processor_.command = {"/bin/sh", "-c", script, "sh", "{input}"};
    std::filesystem::create_directories(folder_.File("work"));
    return Execute(processor_, {folder_.File("work"), folder_.File("log"), {{"input", "a b;c"}}}, cancelled);
  }

  testing::TemporaryFolder folder_;
  ExternalProcessor processor_;
};

TEST_F(Processor, RunsInItsFolderWithItsWordsUninterpreted) {
  EXPECT_OK(Run("printf %s \"$1\" > made"));
  std::ifstream made(folder_.File("work/made"));
  EXPECT_EQ(std::string((std::istreambuf_iterator<char>(made)), {}), "a b;c");
}

TEST_F(Processor, FailuresHaveTheEndOfTheLog) {
  EXPECT_THAT(Run("echo first; echo no DEM found >&2; exit 3"), StatusIs(absl::StatusCode::kInternal, "exit code 3"));
  EXPECT_THAT(Run("echo no DEM found >&2; exit 3"), StatusIs(absl::StatusCode::kInternal, "no DEM found"));
  EXPECT_THAT(Run("kill -SEGV $$"), StatusIs(absl::StatusCode::kInternal, "signal 11"));
  processor_.command = {"/nowhere/maja"};
  EXPECT_THAT(Execute(processor_, {folder_.File("work"), folder_.File("log"), {}}, [] { return false; }),
              StatusIs(absl::StatusCode::kFailedPrecondition, "/nowhere/maja"));
  processor_.command = {"echo", "{inptu}"};
  EXPECT_THAT(Execute(processor_, {folder_.File("work"), folder_.File("log"), {}}, [] { return false; }),
              StatusIs(absl::StatusCode::kInvalidArgument, "{inptu}"));
}

TEST_F(Processor, TimeIsLimitedAndWhatItStartedDiesToo) {
  processor_.time_limit = absl::Milliseconds(300);
  EXPECT_THAT(Run("sleep 60 & echo $! > child; echo waiting; wait"), StatusIs(absl::StatusCode::kDeadlineExceeded, "waiting"));
  int child = 0;
  std::ifstream(folder_.File("work/child")) >> child;
  ASSERT_GT(child, 0);
  // Gone, or dead and not yet collected by whoever inherited it; a busy machine takes its time to end it.
  std::string text;
  const auto is_dead = [&] {
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    text.clear();
    std::getline(stat, text);
    return text.empty() || text.find(") Z ") != std::string::npos || text.find(") X ") != std::string::npos;
  };
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (!is_dead() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(5));
  EXPECT_TRUE(is_dead()) << text;
}

TEST_F(Processor, MemoryAndScratchAreLimited) {
  processor_.memory_bytes = 30 << 20;
  EXPECT_THAT(Run("echo growing; x=$(head -c 80000000 /dev/zero | tr '\\0' x); sleep 20"),
              StatusIs(absl::StatusCode::kResourceExhausted, "30 MiB of memory"));
  processor_.memory_bytes = int64_t{8} << 30;
  processor_.scratch_bytes = 5 << 20;
  EXPECT_THAT(Run("head -c 20000000 /dev/zero > big; sleep 20"), StatusIs(absl::StatusCode::kResourceExhausted, "5 MiB of scratch"));
}

TEST_F(Processor, CancellingStopsIt) {
  EXPECT_THAT(Run("sleep 60", [] { return true; }), StatusIs(absl::StatusCode::kCancelled, "cancelled"));
}

TEST_F(Processor, AnImageIsRunWithoutNetworkAndWithTheFolderOnly) {
  processor_.image = "registry/maja:4.9";
  processor_.command = {"maja", "{input}"};
  ASSERT_OK_AND_ASSIGN(const auto words, CommandLine(processor_, {"/folder", "/log", {{"input", "/folder/input/x"}}}));
  EXPECT_EQ(words.front(), "podman");
  EXPECT_NE(std::find(words.begin(), words.end(), "--network=none"), words.end());
  EXPECT_NE(std::find(words.begin(), words.end(), "--volume=/folder:/folder"), words.end());
  EXPECT_EQ(words.back(), "/folder/input/x");
}

TEST(WithProcessors, ANameThatNoWorkerKnowsSaysWhichAreKnown) {
  StageRegistry registry;
  registry["l2a"] = [](const TaskSpec&, const StageContext&) -> absl::StatusOr<TaskResult> { return TaskResult{}; };
  ExternalProcessors processors;
  processors["maja-4.9"].command = {"maja"};
  registry = WithProcessors(std::move(registry), std::move(processors));
  TaskSpec task;
  task.parameters = (*FindStage("l2a"))->defaults;
  EXPECT_OK(registry["l2a"](task, {}).status());
  task.parameters.Set("processor", "maja");
  EXPECT_THAT(registry["l2a"](task, {}).status(), StatusIs(absl::StatusCode::kFailedPrecondition, "it has arpent, maja-4.9"));
}

}  // namespace
}  // namespace arpent::stages
