#include "common/stages/train/train_stage.h"

#include <filesystem>
#include <random>

#include <nlohmann/json.hpp>

#include "common/kernels/classify/classifier.h"
#include "common/learn/sample_table.h"
#include "common/stages/catalog.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::stages {
namespace {

using ::arpent::testing::StatusIs;
using learn::SampleSplit;
using learn::SampleTable;

// Two tiles, two strata, three crops that differ in NDVI; polygon p has crop 1 + p % 3 and five samples.
SampleTable Samples(const std::string& tile, uint32_t first_polygon, uint32_t polygons) {
  SampleTable table;
  table.purpose = "crop-type";
  table.tile = tile;
  table.feature_names = {"NDVI_1", "NDVI_2", "B02_1"};
  table.legend = {{1, "wheat"}, {2, "maize"}, {3, "sunflower"}, {9, "rice"}};
  table.strata = {"north", "south"};
  std::mt19937 generator(first_polygon + 1);
  std::normal_distribution<float> noise(0, 0.05f);
  std::vector<std::vector<float>> planes(3);
  for (uint32_t p = first_polygon; p < first_polygon + polygons; ++p) {
    for (int i = 0; i < 5; ++i) {
      const uint16_t code = 1 + p % 3;
      table.class_codes.push_back(code);
      table.polygon_ids.push_back(p);
      table.stratum.push_back(p / 3 % 2);
      table.split.push_back(p / 6 % 4 == 3 ? SampleSplit::kValidate : SampleSplit::kTrain);
      table.weights.push_back(1);
      planes[0].push_back(0.2f * code + noise(generator));
      planes[1].push_back(0.8f - 0.2f * code + noise(generator));
      planes[2].push_back(noise(generator));
    }
  }
  for (const auto& plane : planes) table.values.insert(table.values.end(), plane.begin(), plane.end());
  return table;
}

class TrainStageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto stores = std::make_shared<storage::StoreSet>();
    ASSERT_OK_AND_ASSIGN(auto store, storage::FileStore::Open(folder_.File("out"), {.create_root = true}));
    stores->Add("output", store);
    context_.stores = stores;
    context_.scratch = folder_.File("scratch");
    std::filesystem::create_directories(context_.scratch);
    task_.stage = "train";
    task_.algorithm_version = 1;
    task_.site = "site";
    task_.season = "2021";
    task_.stratum = "north";
    task_.parameters = FindStage("train").value()->defaults;
    task_.parameters.Set("trees", 20);
    task_.parameters.Set("learner", "forest");
    Put(Samples("33TVL", 0, 48));
    Put(Samples("33TWL", 48, 36));
  }

  void Put(const SampleTable& table) {
    const std::string uri = "output:/samples/site/2021/" + table.tile;
    ASSERT_OK(context_.stores->WriteAll(uri + "/crop-type.samples", learn::WriteSampleTable(table).value()));
    for (TaskInput& input : task_.inputs) {
      if (input.uri == uri) return;
    }
    task_.inputs.push_back({"samples", Sha256Of(table.tile), uri});
  }

  testing::TemporaryFolder folder_;
  StageContext context_;
  TaskSpec task_;
};

TEST_F(TrainStageTest, PublishesAModelThatTellsTheCropsApart) {
  ASSERT_OK_AND_ASSIGN(const TaskResult result, RunTrain(task_, context_));
  EXPECT_THAT(result.product.uri, ::testing::StartsWith("output:/models/site/2021/north-crop-type_"));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, context_.stores->ReadAll(result.product.uri + "/model.arpent"));
  ASSERT_OK_AND_ASSIGN(const auto classifier, kernels::Classifier::Load(bytes, "model"));
  EXPECT_EQ(classifier->description().purpose, "crop-type");
  EXPECT_EQ(classifier->description().classes.size(), 3u);  // no sample of rice
  const float ndvi_1[] = {0.2f, 0.4f, 0.6f}, ndvi_2[] = {0.6f, 0.4f, 0.2f}, blue[] = {0, 0, 0};
  const float* planes[] = {ndvi_1, ndvi_2, blue};
  uint16_t codes[3];
  uint8_t confidence[3];
  classifier->Predict(planes, 3, codes, confidence);
  EXPECT_THAT(codes, ::testing::ElementsAre(1, 2, 3));

  ASSERT_OK_AND_ASSIGN(const std::string text, context_.stores->ReadAll(result.product.uri + "/metrics.json"));
  const auto metrics = nlohmann::json::parse(text);
  // 84 polygons, half of them in the north, a class each third: 14 polygons a class, 3 of them for validation.
  EXPECT_EQ(metrics["classes"][0]["train_polygons"].get<int>() + metrics["classes"][0]["validate_polygons"].get<int>(), 14);
  EXPECT_EQ(metrics["classes"][0]["train_samples"].get<int>(), 5 * metrics["classes"][0]["train_polygons"].get<int>());
  EXPECT_GT(metrics["validation_sample_accuracy"].get<double>(), 0.9);
  EXPECT_GT(metrics["out_of_bag_accuracy"].get<double>(), 0.9);
}

TEST_F(TrainStageTest, SameBytesForAnyNumberOfThreads) {
  ASSERT_OK_AND_ASSIGN(const TaskResult one, RunTrain(task_, context_));
  context_.threads = 4;
  ASSERT_OK_AND_ASSIGN(const TaskResult four, RunTrain(task_, context_));
  ASSERT_EQ(one.product.assets.size(), four.product.assets.size());
  for (size_t i = 0; i < one.product.assets.size(); ++i) {
    EXPECT_EQ(one.product.assets[i].sha256, four.product.assets[i].sha256);
  }
}

TEST_F(TrainStageTest, UsesAtMostSoManySamplesOfAClass) {
  task_.parameters.Set("samples_per_class", 20);
  ASSERT_OK_AND_ASSIGN(const TaskResult result, RunTrain(task_, context_));
  EXPECT_EQ(result.product.numbers.at("arpent:training_samples"), 60);
}

TEST_F(TrainStageTest, AClassWithOnePolygonIsNamed) {
  SampleTable table = Samples("33TVL", 0, 48);
  for (size_t i = 0; i < 5; ++i) table.class_codes[i] = 9;
  Put(table);
  EXPECT_THAT(RunTrain(task_, context_),
              StatusIs(absl::StatusCode::kInvalidArgument, "class 9 (rice) has samples of a single polygon (row 0"));
}

TEST_F(TrainStageTest, ACellOfAReferenceMapIsEnoughForTheMask) {
  task_.inputs.clear();
  SampleTable table = Samples("33TVL", 0, 48);
  table.purpose = "crop-mask";
  table.legend = {{0, "no crop"}, {1, "crop"}};
  for (uint16_t& code : table.class_codes) code = code == 1 ? 1 : 0;
  std::fill(table.polygon_ids.begin(), table.polygon_ids.end(), 7);
  ASSERT_OK(context_.stores->WriteAll("output:/mask/crop-mask.samples", learn::WriteSampleTable(table).value()));
  task_.inputs.push_back({"samples", Sha256Of("mask"), "output:/mask"});
  task_.parameters.Set("purpose", "crop-mask");
  task_.parameters.Set("learner", "auto");
  ASSERT_OK_AND_ASSIGN(const TaskResult result, RunTrain(task_, context_));
  ASSERT_OK_AND_ASSIGN(const std::string text, context_.stores->ReadAll(result.product.uri + "/metrics.json"));
  const nlohmann::json training = nlohmann::json::parse(text)["training"];
  EXPECT_EQ(training["learner"], "forest");
  EXPECT_FALSE(training.contains("threshold")) << "one cell cannot be held out";
}

TEST_F(TrainStageTest, TheMaskHasAThresholdAndCropTypesHaveNone) {
  SampleTable table = Samples("33TVL", 0, 48);
  table.purpose = "crop-mask";
  table.legend = {{0, "no crop"}, {1, "crop"}};
  for (uint16_t& code : table.class_codes) code = code == 1 ? 1 : 0;
  ASSERT_OK(context_.stores->WriteAll("output:/mask/crop-mask.samples", learn::WriteSampleTable(table).value()));
  const auto training = [this] {
    const auto result = RunTrain(task_, context_);
    EXPECT_TRUE(result.ok()) << result.status();
    return nlohmann::json::parse(context_.stores->ReadAll(result->product.uri + "/metrics.json").value())["training"];
  };
  EXPECT_FALSE(training().contains("threshold"));
  task_.inputs = {{"samples", Sha256Of("mask"), "output:/mask"}};
  task_.parameters.Set("purpose", "crop-mask");
  EXPECT_GT(std::stod(training()["threshold"].get<std::string>()), 0.5);
}

TEST_F(TrainStageTest, AnEmptyStratumIsNamed) {
  task_.stratum = "west";
  EXPECT_THAT(RunTrain(task_, context_),
              StatusIs(absl::StatusCode::kInvalidArgument, "stratum 'west', tiles 33TVL, 33TWL"));
}

TEST_F(TrainStageTest, OneClassIsNotEnough) {
  for (auto [tile, first] : {std::pair("33TVL", 0), std::pair("33TWL", 48)}) {
    SampleTable table = Samples(tile, first, 12);
    std::fill(table.class_codes.begin(), table.class_codes.end(), 2);
    Put(table);
  }
  EXPECT_THAT(RunTrain(task_, context_), StatusIs(absl::StatusCode::kInvalidArgument, "class 2 (maize)"));
}

TEST_F(TrainStageTest, FeaturesThatDifferAreNamed) {
  SampleTable table = Samples("33TWL", 48, 36);
  table.feature_names[2] = "B03_1";
  Put(table);
  EXPECT_THAT(RunTrain(task_, context_),
              StatusIs(absl::StatusCode::kInvalidArgument, "33TWL 3 ('B02_1' against 'B03_1')"));
}

TEST_F(TrainStageTest, DamagedAndMissingTablesAreNamed) {
  const std::string file = task_.inputs[0].uri + "/crop-type.samples";
  ASSERT_OK_AND_ASSIGN(const std::string bytes, context_.stores->ReadAll(file));
  ASSERT_OK(context_.stores->WriteAll(file, bytes.substr(0, bytes.size() / 2)));
  EXPECT_THAT(RunTrain(task_, context_), StatusIs(absl::StatusCode::kDataLoss, "33TVL/crop-type.samples"));
  task_.inputs[0].uri = "output:/samples/nowhere";
  EXPECT_THAT(RunTrain(task_, context_), StatusIs(absl::StatusCode::kNotFound, "nowhere"));
  task_.inputs.clear();
  EXPECT_THAT(RunTrain(task_, context_), StatusIs(absl::StatusCode::kInvalidArgument, "samples"));
}

TEST_F(TrainStageTest, WrongParametersAreNamed) {
  task_.parameters.Set("learner", "oracle");
  EXPECT_THAT(RunTrain(task_, context_), StatusIs(absl::StatusCode::kInvalidArgument, "oracle"));
  task_.parameters.Set("learner", "forest");
  task_.parameters.Set("trees", 0);
  EXPECT_THAT(RunTrain(task_, context_), StatusIs(absl::StatusCode::kInvalidArgument, "trees"));
  task_.parameters.Set("purpose", "weather");
  EXPECT_THAT(RunTrain(task_, context_), StatusIs(absl::StatusCode::kInvalidArgument, "weather"));
}

}  // namespace
}  // namespace arpent::stages
