// Tasks of a site that names an external L2A processor go to workers that have it.
#include "services/coordinator/coordinator_for_test.h"

namespace arpent::coordinator {
namespace {

class CoordinatorProcessorTest : public CoordinatorTest {
 protected:
  CoordinatorProcessorTest() {
    scenes_.resize(2);
    Apply(absl::StrCat(kSite, "l2a: {processor: maja-4.9}\n"));
  }

  // A worker that has the processor too.
  SynchronizeRequest WithMaja(const std::string& name) const {
    SynchronizeRequest request = Request(name);
    request.add_stages(absl::StrCat((*stages::FindStage("l2a"))->Versioned(), "#tables1+maja-4.9"));
    return request;
  }
  // Calls until `request` gets nothing more; the stages that it was given.
  std::map<std::string, int> Serve(SynchronizeRequest request) {
    std::map<std::string, int> served;
    for (int call = 0; call < 20; ++call) {
      const absl::StatusOr<SynchronizeResponse> response = coordinator_->Synchronize(request);
      EXPECT_OK(response.status());
      request.clear_finished();
      if (!response.ok() || (response->begin().empty() && response->acknowledged().empty())) break;
      for (const Task& task : response->begin()) {
        ++served[task.stage()];
        *request.add_finished() = Outcome(task);
      }
    }
    return served;
  }
};

TEST_F(CoordinatorProcessorTest, AWorkerWithoutItGetsNoneOfItsTasks) {
  const RunMessage run = Start();
  EXPECT_GT(Serve(Request("plain")).at("discover"), 0);
  EXPECT_EQ(Counts(Get(run), "l2a").ready(), 2);
  EXPECT_THAT(Cells(run).at("l2a/" + scenes_[0].acquisition()).waiting_for(), HasSubstr("#tables1+maja-4.9; there is none"));
  EXPECT_EQ(Serve(WithMaja("maja")).at("l2a"), 2);
  EXPECT_EQ(Counts(Get(run), "l2a").done(), 2);
}

TEST_F(CoordinatorProcessorTest, AWorkerWithItDoesOtherSitesTooAndItsOfferDoesNotChangeTheTables) {
  Apply(kSite);  // our own processor
  const RunMessage run = Start();
  EXPECT_EQ(Serve(WithMaja("maja")).at("l2a"), 2);
  EXPECT_EQ(Get(run).state(), RUN_STATE_SUCCEEDED);
}

TEST_F(CoordinatorProcessorTest, NoOtherTablesAreTriedWhereTheProcessorIsMissing) {
  const RunMessage run = Start();
  for (int minute = 0; minute < 60; ++minute) {
    Serve(Request("plain"));
    clock_.Advance(absl::Minutes(1));
    ASSERT_OK(coordinator_->Tick());
  }
  EXPECT_EQ(Counts(Get(run), "l2a").ready(), 2);
  EXPECT_TRUE(Get(run).warnings().empty());
}

}  // namespace
}  // namespace arpent::coordinator
