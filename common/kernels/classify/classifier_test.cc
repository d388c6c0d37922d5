#include "common/kernels/classify/classifier.h"

#include <cmath>

#include "common/kernels/classify/model_file.h"
#include "common/kernels/classify/random_forest_for_test.h"
#include "common/testing/status_matchers.h"

namespace arpent::kernels {
namespace {

using ::arpent::testing::StatusIs;

ModelDescription Description(int features, int classes) {
  ModelDescription description;
  description.purpose = "crop-type";
  for (int f = 0; f < features; ++f) description.feature_names.push_back("NDVI_" + std::to_string(f));
  for (int k = 0; k < classes; ++k) {
    description.classes.push_back({static_cast<uint16_t>(10 * k + 3), "crop " + std::to_string(k)});
  }
  description.training = {{"learner", "forest"}, {"seed", "1"}};
  return description;
}

std::vector<const float*> Pointers(const std::vector<std::vector<float>>& planes, size_t skip = 0) {
  std::vector<const float*> pointers;
  for (const auto& plane : planes) pointers.push_back(plane.data() + skip);
  return pointers;
}

TEST(Model, DescriptionTravelsWithTheForest) {
  const Forest forest = RandomForestMaker({}, 1).Make();
  ASSERT_OK_AND_ASSIGN(const std::string bytes, WriteModel(Description(5, 3), {forest}));
  ASSERT_OK_AND_ASSIGN(const auto classifier, Classifier::Load(bytes, "a.model"));
  EXPECT_EQ(classifier->description(), Description(5, 3));
}

TEST(Model, EveryCutIsDataLoss) {
  const Forest forest = RandomForestMaker({.trees = 1, .max_depth = 2}, 1).Make();
  ASSERT_OK_AND_ASSIGN(const std::string bytes, WriteModel(Description(5, 3), {forest}));
  for (size_t length = 0; length < bytes.size(); length += 7) {
    EXPECT_THAT(Classifier::Load(bytes.substr(0, length), "a.model"),
                StatusIs(absl::StatusCode::kDataLoss, "a.model"))
        << length;
  }
}

TEST(Model, ANewerVersionIsRefused) {
  const Forest forest = RandomForestMaker({}, 1).Make();
  ASSERT_OK_AND_ASSIGN(std::string bytes, WriteModel(Description(5, 3), {forest}));
  bytes[8] = static_cast<char>(kModelVersion + 1);
  EXPECT_THAT(Classifier::Load(bytes, "a.model"), StatusIs(absl::StatusCode::kFailedPrecondition, "newer"));
}

TEST(Model, OtherFilesAreRefused) {
  EXPECT_THAT(Classifier::Load("II*\0 a TIFF, not a model", "a.tif"),
              StatusIs(absl::StatusCode::kInvalidArgument, "a.tif"));
}

TEST(Model, ForestsThatDoNotFitTheDescriptionAreRefused) {
  const Forest forest = RandomForestMaker({}, 1).Make();
  EXPECT_THAT(WriteModel(Description(4, 3), {forest}), StatusIs(absl::StatusCode::kInvalidArgument, "5 features"));
  EXPECT_THAT(WriteModel(Description(5, 2), {forest}), StatusIs(absl::StatusCode::kInvalidArgument, "3 classes"));
  EXPECT_THAT(WriteModel(Description(5, 3), {}), StatusIs(absl::StatusCode::kInvalidArgument, "ensembles"));
}

TEST(Classifier, MissingFeaturesAreNamed) {
  const Forest forest = RandomForestMaker({}, 1).Make();
  ASSERT_OK_AND_ASSIGN(const std::string bytes, WriteModel(Description(5, 3), {forest}));
  ASSERT_OK_AND_ASSIGN(const auto classifier, Classifier::Load(bytes, "a.model"));
  const std::vector<std::string> all = {"NDVI_4", "B02", "NDVI_3", "NDVI_2", "NDVI_1", "NDVI_0"};
  ASSERT_OK_AND_ASSIGN(const auto places, classifier->MatchFeatures(all));
  EXPECT_EQ(places, (std::vector<size_t>{5, 4, 3, 2, 0}));
  const std::vector<std::string> few = {"NDVI_0", "NDVI_1"};
  EXPECT_THAT(classifier->MatchFeatures(few),
              StatusIs(absl::StatusCode::kInvalidArgument, "NDVI_2, NDVI_3, NDVI_4"));
}

TEST(Classifier, ClassAndConfidenceFollowTheShares) {
  RandomForestMaker maker({.features = 5, .classes = 4, .trees = 11}, 2);
  const Forest forest = maker.Make();
  const ForestView view(forest);
  ASSERT_OK_AND_ASSIGN(const std::string bytes, WriteModel(Description(5, 4), {forest}));
  ASSERT_OK_AND_ASSIGN(const auto classifier, Classifier::Load(bytes, "a.model"));
  const auto planes = maker.Pixels(forest, 500);
  std::vector<uint16_t> codes(500);
  std::vector<uint8_t> confidence(500);
  std::vector<float> probabilities(500 * 4);
  classifier->Predict(Pointers(planes), 500, codes.data(), confidence.data());
  classifier->PredictProbabilities(Pointers(planes), 500, probabilities.data());
  for (size_t i = 0; i < 500; ++i) {
    std::vector<uint32_t> bins;
    for (int f = 0; f < 5; ++f) bins.push_back(view.Bin(f, planes[f][i]));
    std::vector<uint64_t> sums(4);
    for (size_t t = 0; t < view.trees(); ++t) {
      const uint16_t* row = &view.shares[view.payloads[view.WalkOnePixel(t, bins)] * 8];
      for (int k = 0; k < 4; ++k) sums[k] += row[k];
    }
    const size_t best = std::max_element(sums.begin(), sums.end()) - sums.begin();
    EXPECT_EQ(codes[i], 10 * best + 3);
    EXPECT_EQ(confidence[i], std::floor(100.0 * sums[best] / (11.0 * 65535) + 0.5));
    for (int k = 0; k < 4; ++k) EXPECT_NEAR(probabilities[i * 4 + k], sums[k] / (11.0 * 65535), 1e-7);
  }
}

TEST(Classifier, ClassFactorsMultiplyProbabilities) {
  RandomForestMaker maker({.features = 5, .classes = 3, .trees = 11}, 3);
  const Forest forest = maker.Make();
  ModelDescription description = Description(5, 3);
  ASSERT_OK_AND_ASSIGN(const std::string plain_bytes, WriteModel(description, {forest}));
  description.class_factors = {0.5, 4, 1};
  ASSERT_OK_AND_ASSIGN(const std::string bytes, WriteModel(description, {forest}));
  ASSERT_OK_AND_ASSIGN(const auto plain, Classifier::Load(plain_bytes, "plain.model"));
  ASSERT_OK_AND_ASSIGN(const auto classifier, Classifier::Load(bytes, "a.model"));
  EXPECT_EQ(classifier->description(), description);
  const auto planes = maker.Pixels(forest, 500);
  std::vector<float> before(500 * 3), after(500 * 3);
  std::vector<uint16_t> codes(500);
  std::vector<uint8_t> confidence(500);
  plain->PredictProbabilities(Pointers(planes), 500, before.data());
  classifier->PredictProbabilities(Pointers(planes), 500, after.data());
  classifier->Predict(Pointers(planes), 500, codes.data(), confidence.data());
  for (size_t i = 0; i < 500; ++i) {
    const float* row = &before[i * 3];
    const double weighted[] = {0.5 * row[0], 4.0 * row[1], 1.0 * row[2]};
    const double sum = weighted[0] + weighted[1] + weighted[2];
    for (int k = 0; k < 3; ++k) EXPECT_NEAR(after[i * 3 + k], weighted[k] / sum, 1e-6);
    const size_t best = std::max_element(weighted, weighted + 3) - weighted;
    EXPECT_EQ(codes[i], 10 * best + 3);
    EXPECT_NEAR(confidence[i], 100 * weighted[best] / sum, 0.501);
  }
}

TEST(Model, ClassFactorsAreChecked) {
  const Forest forest = RandomForestMaker({}, 1).Make();
  for (const std::vector<double>& factors : {std::vector<double>{1, 2}, {1, 0, 2}, {1, -1, 2}, {1, NAN, 2}}) {
    ModelDescription description = Description(5, 3);
    description.class_factors = factors;
    EXPECT_THAT(WriteModel(description, {forest}), StatusIs(absl::StatusCode::kInvalidArgument, "class factors"));
  }
}

TEST(Classifier, BlocksDoNotMatter) {
  RandomForestMaker maker({}, 4);
  const Forest forest = maker.Make();
  ASSERT_OK_AND_ASSIGN(const std::string bytes, WriteModel(Description(5, 3), {forest}));
  ASSERT_OK_AND_ASSIGN(const auto classifier, Classifier::Load(bytes, "a.model"));
  constexpr size_t kPixels = 10000;
  const auto planes = maker.Pixels(forest, kPixels);
  std::vector<uint16_t> whole(kPixels), parts(kPixels);
  std::vector<uint8_t> whole_confidence(kPixels), confidence(kPixels);
  classifier->Predict(Pointers(planes), kPixels, whole.data(), whole_confidence.data());
  for (size_t begin = 0; begin < kPixels; begin += 777) {
    const size_t count = std::min<size_t>(777, kPixels - begin);
    classifier->Predict(Pointers(planes, begin), count, parts.data() + begin, confidence.data() + begin);
  }
  EXPECT_EQ(parts, whole);
  EXPECT_EQ(confidence, whole_confidence);
  classifier->Predict(Pointers(planes), 0, parts.data(), confidence.data());  // no pixels are fine
}

TEST(Classifier, EnsemblesAreAveragedByWeight) {
  RandomForestMaker shares_maker({.features = 5, .classes = 3}, 6);
  Forest shares = shares_maker.Make();
  Forest margins = RandomForestMaker({.features = 5, .classes = 3, .trees = 9, .kind = EnsembleKind::kMargins}, 7).Make();
  const auto planes = shares_maker.Pixels(shares, 100);
  const auto probabilities = [&planes](const std::vector<Forest>& forests) {
    std::vector<float> out(300);
    const std::string bytes = WriteModel(Description(5, 3), forests).value();
    Classifier::Load(bytes, "a.model").value()->PredictProbabilities(Pointers(planes), 100, out.data());
    return out;
  };
  const std::vector<float> first = probabilities({shares}), second = probabilities({margins});
  shares.weight = 3;
  const std::vector<float> both = probabilities({shares, margins});
  for (size_t i = 0; i < 300; ++i) EXPECT_NEAR(both[i], (3 * first[i] + second[i]) / 4, 1e-6);
}

}  // namespace
}  // namespace arpent::kernels
