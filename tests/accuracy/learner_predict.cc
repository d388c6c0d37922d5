// learner_predict LEARNER TREES SEED < samples > classes
// What compare_learners runs: trains one of our learners and predicts. Input: int32 training rows, test rows, features,
// classes; float32 training values and test values, feature by feature; int32 training classes; int32 training groups.
// Output: int32 class per test row.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/kernels/classify/classifier.h"
#include "common/kernels/classify/model_file.h"
#include "common/learn/learner.h"

namespace arpent {
namespace {

template <typename T>
std::vector<T> Read(size_t count) {
  std::vector<T> values(count);
  if (std::fread(values.data(), sizeof(T), count, stdin) != count) {
    std::fprintf(stderr, "learner_predict: the input is cut short\n");
    std::exit(1);
  }
  return values;
}

std::vector<const float*> PlanesOf(const std::vector<float>& values, size_t rows, size_t features) {
  std::vector<const float*> planes;
  for (size_t f = 0; f < features; ++f) planes.push_back(values.data() + f * rows);
  return planes;
}

absl::Status Run(const learn::LearnerOptions& options) {
  const std::vector<int32_t> sizes = Read<int32_t>(4);
  const size_t train_rows = sizes[0], test_rows = sizes[1], features = sizes[2];
  const std::vector<float> train = Read<float>(train_rows * features), test = Read<float>(test_rows * features);
  const std::vector<int32_t> labels = Read<int32_t>(train_rows), group_numbers = Read<int32_t>(train_rows);
  const std::vector<uint16_t> classes(labels.begin(), labels.end());
  const std::vector<uint32_t> groups(group_numbers.begin(), group_numbers.end());
  const auto planes = PlanesOf(train, train_rows, features);
  const learn::TrainingSamples samples{planes, classes, {}, static_cast<size_t>(sizes[3]), groups};
  const auto model = learn::Learn(samples, options, 1);
  if (!model.ok()) return model.status();
  for (const auto& [name, value] : model->about) std::fprintf(stderr, "%s=%s\n", name.c_str(), value.c_str());
  kernels::ModelDescription description;
  for (size_t f = 0; f < features; ++f) description.feature_names.push_back(absl::StrCat(f));
  for (int k = 0; k < sizes[3]; ++k) description.classes.push_back({static_cast<uint16_t>(k), ""});
  description.class_factors = model->class_factors;
  const auto bytes = kernels::WriteModel(description, model->forests);
  if (!bytes.ok()) return bytes.status();
  const auto classifier = kernels::Classifier::Load(*bytes, "the model");
  if (!classifier.ok()) return classifier.status();
  std::vector<uint16_t> codes(test_rows);
  std::vector<uint8_t> confidence(test_rows);
  (*classifier)->Predict(PlanesOf(test, test_rows, features), test_rows, codes.data(), confidence.data());
  const std::vector<int32_t> answer(codes.begin(), codes.end());
  std::fwrite(answer.data(), sizeof(int32_t), answer.size(), stdout);
  return absl::OkStatus();
}

}  // namespace
}  // namespace arpent

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: learner_predict LEARNER TREES SEED < samples > classes\n");
    return 2;
  }
  const auto learner = arpent::learn::ParseLearner(argv[1]);
  const absl::Status status =
      learner.ok() ? arpent::Run({.learner = *learner, .trees = std::atoi(argv[2]),
                                  .seed = std::strtoull(argv[3], nullptr, 10)})
                   : learner.status();
  if (status.ok()) return 0;
  std::fprintf(stderr, "learner_predict: %s\n", status.ToString().c_str());
  return 1;
}
