#include "services/worker/worker_factory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/rpc/channel.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"
#include "services/worker/scratch_folder.h"
#include "services/worker/worker_flags.h"

namespace arpent::worker {
namespace {

namespace fs = std::filesystem;
using testing::StatusIs;

stages::StageRegistry TwoStages() {
  const auto nothing = [](const stages::TaskSpec&, const stages::StageContext&) -> absl::StatusOr<stages::TaskResult> {
    return absl::UnimplementedError("not run here");
  };
  return {{"l2a", nothing}, {"composite", nothing}};
}

class WorkerFactory : public ::testing::Test {
 protected:
  absl::Status Make(const WorkerSettings& settings) {
    return MakeWorker(settings, TwoStages(), std::make_shared<storage::StoreSet>(), *rpc::OpenChannel("127.0.0.1:1", {}),
                      metrics_)
        .status();
  }
  testing::TemporaryFolder folder_;
  telemetry::Metrics metrics_;
};

TEST_F(WorkerFactory, NamesAStageThatDoesNotExist) {
  EXPECT_THAT(Make({.stages = {"l3a"}, .scratch = folder_.path()}), StatusIs(absl::StatusCode::kInvalidArgument, "l3a"));
  EXPECT_THAT(Make({.stages = {"map"}, .scratch = folder_.path()}), StatusIs(absl::StatusCode::kInvalidArgument, "map"));
}

TEST_F(WorkerFactory, WithoutTablesThereIsNoL2a) {
  EXPECT_OK(Make({.scratch = folder_.path(), .tables = folder_.path()}));
  const WorkerSettings only_l2a{.stages = {"l2a"}, .scratch = folder_.path(), .tables = folder_.path()};
  EXPECT_THAT(Make(only_l2a), StatusIs(absl::StatusCode::kFailedPrecondition, "atmosphere.lut"));
  std::ofstream(folder_.File("atmosphere.lut")) << "tables";
  EXPECT_OK(Make(only_l2a));
}

TEST_F(WorkerFactory, CleansUpAfterADeadWorkerOnly) {
  ASSERT_OK_AND_ASSIGN(auto living, ScratchFolder::Make(folder_.path(), "living"));
  std::ofstream(living->path() + "/file") << "in use";
  if (fork() == 0) {
    auto dead = ScratchFolder::Make(folder_.path(), "dead");
    std::ofstream((*dead)->path() + "/file") << "left over";
    _exit(0);  // as by kill -9: no destructor runs
  }
  int status;
  wait(&status);
  EXPECT_TRUE(fs::exists(folder_.File("dead/file")));
  ASSERT_OK_AND_ASSIGN(auto third, ScratchFolder::Make(folder_.path(), "third"));
  EXPECT_FALSE(fs::exists(folder_.File("dead")));
  EXPECT_TRUE(fs::exists(folder_.File("living/file")));
  living.reset();
  third.reset();
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(WorkerFactory, OpensTheStoresOfItsFlags) {
  SystemClock clock;
  WorkerFlags flags;
  EXPECT_THAT(OpenStores(flags, {}, clock), StatusIs(absl::StatusCode::kInvalidArgument, "no store"));
  flags.cache = "127.0.0.1:1";
  flags.stores = {"output=" + folder_.path()};
  ASSERT_OK_AND_ASSIGN(const auto stores, OpenStores(flags, {}, clock));
  EXPECT_EQ(stores->all().size(), 2u);
  EXPECT_OK(stores->WriteAll("output:/a", "x"));  // its own, not the gateway's
  flags.stores = {"output=/no/such/folder"};
  EXPECT_THAT(OpenStores(flags, {}, clock), StatusIs(absl::StatusCode::kNotFound, "--store output"));
}

}  // namespace
}  // namespace arpent::worker
