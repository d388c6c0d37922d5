#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "absl/synchronization/barrier.h"
#include "common/base/digest.h"
#include "common/base/parallel.h"
#include "common/base/parameters.h"
#include "common/base/resources.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent {
namespace {

using ::arpent::testing::StatusIs;

TEST(Digest, EqualsThePublishedVector) {  // FIPS 180-4, "abc"
  EXPECT_EQ(Sha256Of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, FieldsDoNotRunIntoEachOther) {
  EXPECT_NE(Sha256().UpdateField("ab").UpdateField("c").Finish(), Sha256().UpdateField("a").UpdateField("bc").Finish());
}

TEST(Digest, NamesTheMissingFile) {
  EXPECT_THAT(Sha256OfFile("/nowhere/x"), StatusIs(absl::StatusCode::kNotFound, "/nowhere/x"));
}

TEST(Status, EveryCodeHasANameThatReadsBack) {
  for (int code = 0; code <= 16; ++code) {
    EXPECT_EQ(CodeFromName(CodeName(static_cast<absl::StatusCode>(code))), static_cast<absl::StatusCode>(code));
  }
}

TEST(Parameters, NumbersAreShortestRoundTrip) {
  EXPECT_EQ(CanonicalNumber(0.1), "0.1");
  EXPECT_EQ(CanonicalNumber(-0.0), "0");
  EXPECT_EQ(CanonicalNumber(25), "25");
  EXPECT_EQ(std::stod(CanonicalNumber(1.0 / 3)), 1.0 / 3);
}

TEST(Parameters, CanonicalTextIsSorted) {
  Parameters parameters;
  parameters.Set("b", 0.5);
  parameters.Set("a", true);
  EXPECT_EQ(parameters.Canonical(), "a=true\nb=0.5\n");
}

TEST(Parameters, NamesWhatIsWrong) {
  Parameters parameters;
  parameters.Set("trees", "many");
  EXPECT_THAT(parameters.GetInt("trees"), StatusIs(absl::StatusCode::kInvalidArgument, "trees"));
  EXPECT_THAT(parameters.GetInt("depth"), StatusIs(absl::StatusCode::kInvalidArgument, "depth"));
}

TEST(ParallelFor, RunsEachIndexOnceWhateverTheThreads) {
  for (int threads : {1, 2, 7}) {
    std::vector<int> counts(1000, 0);
    EXPECT_OK(ParallelFor(counts.size(), threads, [&](size_t i) {
      ++counts[i];
      return absl::OkStatus();
    }));
    EXPECT_EQ(counts, std::vector<int>(1000, 1));
  }
}

TEST(ParallelFor, ReturnsAnError) {
  EXPECT_THAT(ParallelFor(50, 3,
                          [](size_t i) {
                            return i == 7 ? absl::DataLossError("seven") : absl::OkStatus();
                          }),
              StatusIs(absl::StatusCode::kDataLoss, "seven"));
}

class Cgroup : public ::testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_.File(path)).parent_path());
    std::ofstream(root_.File(path)) << text;
  }
  testing::TemporaryFolder root_;
};

TEST_F(Cgroup, ReadsVersion2) {
  Write("proc/meminfo", "MemTotal: 16000000 kB\n");
  Write("proc/self/cgroup", "0::/pod/worker\n");
  Write("sys/fs/cgroup/pod/worker/cpu.max", "50000 100000\n");
  Write("sys/fs/cgroup/pod/memory.max", "1000000000\n");
  Write("sys/fs/cgroup/pod/worker/memory.max", "max\n");
  const ResourceLimits limits = DetectResourceLimits(root_.path());
  EXPECT_DOUBLE_EQ(limits.cpus, 0.5);
  EXPECT_EQ(limits.memory_bytes, 1000000000);
  EXPECT_EQ(limits.Threads(), 1);
}

TEST_F(Cgroup, ReadsVersion1) {
  Write("proc/meminfo", "MemTotal: 16000000 kB\n");
  Write("proc/self/cgroup", "4:memory:/pod\n3:cpu,cpuacct:/pod\n");
  Write("sys/fs/cgroup/cpu/pod/cpu.cfs_quota_us", "70000\n");
  Write("sys/fs/cgroup/cpu/pod/cpu.cfs_period_us", "100000\n");
  Write("sys/fs/cgroup/memory/pod/memory.limit_in_bytes", "2000000000\n");
  const ResourceLimits limits = DetectResourceLimits(root_.path());
  EXPECT_DOUBLE_EQ(limits.cpus, 0.7);
  EXPECT_EQ(limits.memory_bytes, 2000000000);
}

// The heaps that the C library has opened in this process.
int Heaps() {
  char* text = nullptr;
  size_t size = 0;
  FILE* const stream = open_memstream(&text, &size);
  malloc_info(0, stream);
  fclose(stream);
  int heaps = 0;
  for (const char* at = text; (at = strstr(at, "<heap nr=")) != nullptr; ++at) ++heaps;
  free(text);
  return heaps;
}

int HeapsOfManyThreads() {
  std::vector<std::thread> threads;
  absl::Barrier* const barrier = new absl::Barrier(17);
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([barrier] {
      const std::vector<char> own(1000);
      if (barrier->Block()) delete barrier;
    });
  }
  if (barrier->Block()) delete barrier;
  for (std::thread& thread : threads) thread.join();
  return Heaps();
}

TEST(HeapsDeathTest, AreNotMoreThanCores) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a fresh process
  const int most = std::max(2, DetectResourceLimits().Threads());
  EXPECT_EXIT(
      {
        LimitHeaps();
        exit(HeapsOfManyThreads() <= most ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace arpent
