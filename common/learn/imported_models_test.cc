// Models of XGBoost and LightGBM, trained here or committed, must give the library's own predictions.
#include <xgboost/c_api.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/kernels/classify/classifier.h"
#include "common/kernels/classify/model_file.h"
#include "common/learn/boosting_trainer.h"
#include "common/learn/lightgbm_model.h"
#include "common/learn/xgboost_model.h"
#include "common/testing/status_matchers.h"

namespace arpent::learn {
namespace {

using ::arpent::testing::StatusIs;

constexpr double kSameProbability = 1e-6;

std::string TestFile(const std::string& name) {
  std::ifstream file(std::string(ARPENT_TESTDATA) + "/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

// Rows of features, then of the library's probabilities.
struct Expected {
  std::vector<std::vector<float>> planes;
  std::vector<std::vector<double>> probabilities;
};

Expected ReadExpected(const std::string& csv, size_t features) {
  Expected expected;
  expected.planes.resize(features);
  for (const absl::string_view line : absl::StrSplit(csv, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> cells = absl::StrSplit(line, ',');
    for (size_t f = 0; f < features; ++f) {
      expected.planes[f].push_back(cells[f].empty() ? std::numeric_limits<float>::quiet_NaN() : std::stof(cells[f]));
    }
    expected.probabilities.emplace_back();
    for (size_t k = features; k < cells.size(); ++k) expected.probabilities.back().push_back(std::stod(cells[k]));
  }
  return expected;
}

void ExpectPredictions(const kernels::Forest& forest, const Expected& expected) {
  kernels::ModelDescription description;
  for (size_t f = 0; f < forest.features(); ++f) description.feature_names.push_back(absl::StrCat("f", f));
  for (uint16_t k = 0; k < forest.classes; ++k) description.classes.push_back({k, ""});
  ASSERT_OK_AND_ASSIGN(const std::string bytes, kernels::WriteModel(description, {forest}));
  ASSERT_OK_AND_ASSIGN(const auto classifier, kernels::Classifier::Load(bytes, "test"));
  std::vector<const float*> planes;
  for (const auto& plane : expected.planes) planes.push_back(plane.data());
  const size_t rows = expected.probabilities.size();
  std::vector<float> probabilities(rows * forest.classes);
  std::vector<uint16_t> codes(rows);
  std::vector<uint8_t> confidence(rows);
  classifier->PredictProbabilities(planes, rows, probabilities.data());
  classifier->Predict(planes, rows, codes.data(), confidence.data());
  for (size_t i = 0; i < rows; ++i) {
    const auto& row = expected.probabilities[i];
    for (size_t k = 0; k < row.size(); ++k) {
      ASSERT_NEAR(probabilities[i * forest.classes + k], row[k], kSameProbability) << i;
    }
    ASSERT_EQ(codes[i], std::max_element(row.begin(), row.end()) - row.begin()) << i;
  }
}

TEST(LightgbmModel, PredictsAsTheLibraryDid) {
  for (const std::string name : {"lightgbm_multiclass", "lightgbm_binary"}) {
    ASSERT_OK_AND_ASSIGN(const ImportedModel model, ReadLightgbmModel(TestFile(name + ".txt"), name));
    EXPECT_EQ(model.feature_names.size(), 6u);
    ExpectPredictions(model.forest, ReadExpected(TestFile(name + ".csv"), 6));
  }
}

TEST(LightgbmModel, WhatCannotBeReadIsNamed) {
  const std::string text = TestFile("lightgbm_multiclass.txt");
  EXPECT_THAT(ReadLightgbmModel(text.substr(0, text.size() / 2), "m.txt"), StatusIs(absl::StatusCode::kDataLoss, "m.txt"));
  EXPECT_THAT(ReadLightgbmModel("hello", "m.txt"), StatusIs(absl::StatusCode::kDataLoss, "m.txt"));
  const auto changed = [&text](const char* from, const char* to) {
    return ReadLightgbmModel(absl::StrReplaceAll(text, {{from, to}}), "m.txt");
  };
  const auto unsupported = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(changed("objective=multiclass", "objective=lambdarank"), StatusIs(unsupported, "lambdarank"));
  EXPECT_THAT(changed("is_linear=0", "is_linear=1"), StatusIs(unsupported, "linear"));
  EXPECT_THAT(changed("decision_type=10", "decision_type=1"), StatusIs(unsupported, "category"));
  EXPECT_THAT(changed("left_child=1", "left_child=77"), StatusIs(unsupported, "broken"));
  EXPECT_THAT(changed("left_child=1", "left_child=0"), StatusIs(unsupported, "broken"));  // a circle
}

TEST(XgboostModel, PredictsAsTheLibraryDid) {
  for (const std::string name : {"xgboost_multiclass", "xgboost_binary"}) {
    for (const char* kind : {".json", ".ubj"}) {
      ASSERT_OK_AND_ASSIGN(const ImportedModel model, ReadXgboostModel(TestFile(name + kind), name));
      ExpectPredictions(model.forest, ReadExpected(TestFile(name + ".csv"), 6));
    }
  }
}

TEST(XgboostModel, WhatCannotBeReadIsNamed) {
  const std::string text = TestFile("xgboost_multiclass.json");
  EXPECT_THAT(ReadXgboostModel(text.substr(0, text.size() / 2), "m.json"), StatusIs(absl::StatusCode::kDataLoss, "m.json"));
  EXPECT_THAT(ReadXgboostModel("", "m.json"), StatusIs(absl::StatusCode::kDataLoss, "m.json"));
  const auto unsupported = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(ReadXgboostModel(absl::StrReplaceAll(text, {{"multi:softprob", "rank:pairwise"}}), "m.json"),
              StatusIs(unsupported, "rank:pairwise"));
  EXPECT_THAT(ReadXgboostModel(absl::StrReplaceAll(text, {{"\"gbtree\"", "\"dart\""}}), "m.json"),
              StatusIs(unsupported, "dart"));
}

// The library's own prediction of the model it saved.
Expected LibraryPredictions(const std::string& json, const std::vector<std::vector<float>>& planes, size_t classes) {
  Expected expected{planes, {}};
  const size_t rows = planes[0].size();
  std::vector<float> values;
  for (size_t i = 0; i < rows; ++i) {
    for (const auto& plane : planes) values.push_back(plane[i]);
  }
  BoosterHandle booster = nullptr;
  DMatrixHandle matrix = nullptr;
  EXPECT_EQ(XGBoosterCreate(nullptr, 0, &booster), 0);
  EXPECT_EQ(XGBoosterLoadModelFromBuffer(booster, json.data(), json.size()), 0);
  EXPECT_EQ(XGDMatrixCreateFromMat(values.data(), rows, planes.size(), std::nanf(""), &matrix), 0);
  bst_ulong length = 0;
  const float* answers = nullptr;
  EXPECT_EQ(XGBoosterPredict(booster, matrix, 0, 0, 0, &length, &answers), 0);
  for (size_t i = 0; i < rows; ++i) {
    expected.probabilities.emplace_back(answers + i * classes, answers + (i + 1) * classes);
  }
  XGDMatrixFree(matrix);
  XGBoosterFree(booster);
  return expected;
}

TEST(BoostingTrainer, PredictsAsTheLibraryDoesAndLearns) {
  constexpr size_t kRows = 1500, kClasses = 4;
  std::mt19937 generator(1);
  std::normal_distribution<float> noise;
  std::vector<std::vector<float>> planes(5, std::vector<float>(kRows));
  std::vector<uint16_t> classes(kRows);
  for (size_t i = 0; i < kRows; ++i) {
    classes[i] = generator() % kClasses;
    for (size_t f = 0; f < 5; ++f) {
      planes[f][i] = noise(generator) + (f == 2 ? 2.5f * classes[i] : 0);
      if (generator() % 10 == 0) planes[f][i] = std::numeric_limits<float>::quiet_NaN();
    }
  }
  std::vector<const float*> pointers;
  for (const auto& plane : planes) pointers.push_back(plane.data());
  const TrainingSamples samples{pointers, classes, {}, kClasses};
  ASSERT_OK_AND_ASSIGN(const std::string json, TrainBoostingJson(samples, {.rounds = 12}));
  EXPECT_EQ(TrainBoostingJson(samples, {.rounds = 12}).value(), json);
  ASSERT_OK_AND_ASSIGN(const ImportedModel model, ReadXgboostModel(json, "trained"));
  const Expected expected = LibraryPredictions(json, planes, kClasses);
  ExpectPredictions(model.forest, expected);
  size_t right = 0;
  for (size_t i = 0; i < kRows; ++i) {
    const auto& row = expected.probabilities[i];
    right += std::max_element(row.begin(), row.end()) - row.begin() == classes[i];
  }
  EXPECT_GT(right, kRows * 0.75);
  std::vector<uint32_t> rows(kRows / 2);
  for (uint32_t i = 0; i < rows.size(); ++i) rows[i] = i;
  EXPECT_NE(TrainBoostingJson(samples, {.rounds = 12}, rows).value(), json);

  const auto thresholds = [&](int bins) {
    const kernels::Forest forest = TrainBoosting(samples, {.rounds = 12, .bins = bins}).value();
    return forest.edge_begin[3] - forest.edge_begin[2];
  };
  EXPECT_LE(thresholds(32), 32u);
  EXPECT_GT(thresholds(256), 40u);
}

TEST(BoostingTrainer, EightSamplesToABin) {
  EXPECT_EQ(BoostingBins(0), 32);
  EXPECT_EQ(BoostingBins(300), 37);
  EXPECT_EQ(BoostingBins(1600), 200);
  EXPECT_EQ(BoostingBins(1u << 31), 256);
}

}  // namespace
}  // namespace arpent::learn
