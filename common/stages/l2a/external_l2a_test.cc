// What an external processor is given; what it makes is tested in tests/integration/processors_test.py.
#include "common/stages/l2a/external_l2a.h"

#include <gtest/gtest.h>

#include <string>

#include "common/kernels/atmosphere/tables.h"
#include "common/stages/l2a/synthetic_scene_fixture.h"

namespace arpent::stages {
namespace {

using testing::StatusIs;

class ExternalL2a : public SyntheticScene {
 protected:
  absl::Status Run(const TaskSpec& task, const std::string& script) {
    ExternalProcessor processor;
    processor.name = "maja";
    processor.command = {"/bin/sh", "-c", script, "sh", "{input}", "{history}", "{mode}", "{dem}"};
    return RunExternalL2a(task, Context(), processor).status();
  }
};

TEST_F(ExternalL2a, GetsItsSceneItsHistoryAndItsMode) {
  scene::SceneMetadata metadata = Metadata(60);
  const auto bare = [](const scene::Band&, int, int) { return 0.2; };
  const std::string uri = Write(metadata, bare);
  metadata.product_id = "S2A_MSIL1C_20210531T100031_N0510_R122_T33UXP_20210531T130031";
  const std::string earlier = Write(metadata, bare);
  const std::string show = "test -f \"$1/MTD_MSIL1C.xml\" && ls $1/GRANULE/*/IMG_DATA | wc -l; ls \"$2\"; echo mode=$3 dem=$4; exit 4";
  TaskSpec task = Task(uri);
  EXPECT_THAT(Run(task, show), StatusIs(absl::StatusCode::kInternal, "mode=INIT dem=\n"));
  task.inputs.push_back({"history", "digest", earlier});
  EXPECT_THAT(Run(task, show), StatusIs(absl::StatusCode::kInternal, "mode=BACKWARD"));
  EXPECT_THAT(Run(task, show), StatusIs(absl::StatusCode::kInternal, metadata.product_id));
  EXPECT_THAT(Run(task, show), StatusIs(absl::StatusCode::kInternal, "13\n"));  // all bands are there
}

TEST_F(ExternalL2a, EndingWellWithoutAProductIsAnError) {
  const std::string uri = Write(Metadata(60), [](const scene::Band&, int, int) { return 0.2; });
  EXPECT_THAT(Run(Task(uri), "true"), StatusIs(absl::StatusCode::kInternal, "left no Level-2A product"));
}

}  // namespace
}  // namespace arpent::stages
