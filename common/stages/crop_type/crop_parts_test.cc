// Crop maps made part by part.
#include "common/stages/crop_type/crop_chain_fixture.h"
#include "common/stages/parts_for_test.h"

namespace arpent::stages {
namespace {

using ::arpent::testing::StatusIs;

// Three cells of 512 pixels across, two down, none of them on the borders of the rasters' blocks.
class CropPartsTest : public CropChainTest {
 protected:
  CropPartsTest() : CropChainTest(1080, 540, 4) {}

  TaskSpec MapTask(const std::string& stage, const TaskInput& model) const {
    TaskSpec task = Task(stage);
    task.inputs = inputs_;
    task.inputs.push_back(model);
    return task;
  }
};

TEST_F(CropPartsTest, AnyCutGivesTheSameBytes) {
  TaskSpec samples_task = SamplesTask();
  samples_task.parameters.Set("samples_per_class", 300);
  ASSERT_OK_AND_ASSIGN(const TaskResult samples, Run(RunSamples, samples_task));
  ASSERT_OK_AND_ASSIGN(const TaskInput mask_model, Train(InputOf("samples", samples), "crop-mask"));
  ASSERT_OK_AND_ASSIGN(const TaskInput type_model, Train(InputOf("samples", samples), "crop-type"));
  const TaskSpec mask_task = MapTask("crop-mask", mask_model);
  ExpectTheSameFromParts([this](const TaskSpec& task) { return Run(RunCropMask, task); }, *stores_, mask_task, {2, 4});
  ASSERT_OK_AND_ASSIGN(const TaskResult mask, Run(RunCropMask, mask_task));
  EXPECT_GT(mask.product.numbers.at("arpent:pixels_crop"), 0.5 * width_ * height_);
  TaskSpec type_task = MapTask("crop-type", type_model);
  type_task.inputs.push_back(InputOf("crop-mask", mask));
  ExpectTheSameFromParts([this](const TaskSpec& task) { return Run(RunCropType, task); }, *stores_, type_task, {3});
}

TEST_F(CropPartsTest, ACloudyPartIsNoFailureACloudySeasonIs) {
  ASSERT_OK_AND_ASSIGN(const TaskResult samples, Run(RunSamples, SamplesTask()));
  ASSERT_OK_AND_ASSIGN(const TaskInput model, Train(InputOf("samples", samples), "crop-mask"));
  all_cloud_ = true;
  std::filesystem::remove_all(folder_.File("out") + "/l2a");
  inputs_ = {PublishDate(0)};
  TaskSpec task = MapTask("crop-mask", model);
  MakeParts([this](const TaskSpec& part) { return Run(RunCropMask, part); }, task, 2);
  task.part = {.across = 2};
  EXPECT_THAT(Run(RunCropMask, task), StatusIs(absl::StatusCode::kNotFound, "all cloud"));
}

}  // namespace
}  // namespace arpent::stages
