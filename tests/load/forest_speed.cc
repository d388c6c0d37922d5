// forest_speed train ROWS FEATURES TREES THREADS [NOISE]
// forest_speed predict ROWS FEATURES TREES PIXELS [NOISE [INSTRUCTION_SET]]
// forest_speed boosted ROWS FEATURES ROUNDS PIXELS: a boosted model in our engine and in libxgboost itself
// Prints one line of figures; tests/load/forest_table makes the table of docs/performance.md from it.
#include <time.h>
#include <xgboost/c_api.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "common/base/resources.h"
#include "common/kernels/classify/classifier.h"
#include "common/kernels/classify/forest_engine.h"
#include "common/kernels/classify/model_file.h"
#include "common/learn/boosting_trainer.h"
#include "common/learn/forest_trainer.h"
#include "common/learn/xgboost_model.h"
#include "tests/load/forest_samples.h"

namespace arpent::load {
namespace {

constexpr size_t kClasses = 10;

double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

double WallSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

learn::TrainedForest Train(const SyntheticSamples& samples, int trees, int threads) {
  const learn::TrainingSamples views{samples.planes, samples.classes, {}, kClasses};
  const learn::ForestOptions options{.trees = trees, .max_depth = 25, .min_samples_split = 25};
  auto binned = learn::BinnedSamples::Create(views, threads);
  if (!binned.ok()) std::exit((std::fprintf(stderr, "%s\n", binned.status().ToString().c_str()), 1));
  auto trained = learn::TrainForest(*binned, options, threads);
  if (!trained.ok()) std::exit((std::fprintf(stderr, "%s\n", trained.status().ToString().c_str()), 1));
  return *std::move(trained);
}

std::string ModelOf(const kernels::Forest& forest) {
  kernels::ModelDescription description;
  description.purpose = "crop-type";
  for (size_t f = 0; f < forest.features(); ++f) description.feature_names.push_back("f" + std::to_string(f));
  for (size_t k = 0; k < kClasses; ++k) {
    description.classes.push_back({static_cast<uint16_t>(k + 1), "class " + std::to_string(k)});
  }
  return kernels::WriteModel(description, {forest}).value();
}

int MeasureTraining(size_t rows, size_t features, int trees, int threads, double noise) {
  const SyntheticSamples samples = MakeSamples(rows, features, kClasses, noise, 1);
  const double cpu = CpuSeconds(), wall = WallSeconds();
  const learn::TrainedForest trained = Train(samples, trees, threads);
  std::printf("rows %zu features %zu trees %d threads %d: cpu_s %.1f wall_s %.1f peak_mb %.0f nodes %zu oob %.4f\n", rows,
              features, trees, threads, CpuSeconds() - cpu, WallSeconds() - wall, PeakResidentBytes() / 1e6,
              trained.forest.nodes.size(), trained.out_of_bag_accuracy.value_or(0));
  return 0;
}

int MeasurePrediction(size_t rows, size_t features, int trees, size_t pixels, double noise) {
  const learn::TrainedForest trained = Train(MakeSamples(rows, features, kClasses, noise, 1), trees, 2);
  const auto classifier = kernels::Classifier::Load(ModelOf(trained.forest), "benchmark").value();
  const SyntheticSamples test = MakeSamples(pixels, features, kClasses, noise, 99);
  std::vector<uint16_t> codes(pixels);
  std::vector<uint8_t> confidence(pixels);
  double best = 1e9;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const double cpu = CpuSeconds();
    classifier->Predict(test.planes, pixels, codes.data(), confidence.data());
    best = std::min(best, CpuSeconds() - cpu);
  }
  size_t right = 0;
  for (size_t i = 0; i < pixels; ++i) right += codes[i] == test.classes[i] + 1;
  std::printf("features %zu trees %d nodes %zu: pixels_per_core_s %.0f accuracy %.4f\n", features, trees,
              trained.forest.nodes.size(), pixels / best, static_cast<double>(right) / pixels);
  return 0;
}

// Seconds of one thread that libxgboost takes for rows of values.
double LibrarySeconds(const std::string& json, const SyntheticSamples& test, size_t pixels, size_t features) {
  std::vector<float> rows(pixels * features);
  for (size_t i = 0; i < pixels; ++i) {
    for (size_t f = 0; f < features; ++f) rows[i * features + f] = test.planes[f][i];
  }
  BoosterHandle booster = nullptr;
  DMatrixHandle proxy = nullptr;
  XGBoosterCreate(nullptr, 0, &booster);
  XGBoosterLoadModelFromBuffer(booster, json.data(), json.size());
  XGBoosterSetParam(booster, "nthread", "1");
  XGProxyDMatrixCreate(&proxy);
  const std::string array = "{\"data\":[" + std::to_string(reinterpret_cast<uintptr_t>(rows.data())) +
                            ",true],\"shape\":[" + std::to_string(pixels) + "," + std::to_string(features) +
                            "],\"typestr\":\"<f4\",\"version\":3}";
  const char* config =
      "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false,"
      "\"missing\":NaN,\"cache_id\":0}";
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* answers = nullptr;
  const double cpu = CpuSeconds();
  if (XGBoosterPredictFromDense(booster, array.c_str(), config, proxy, &shape, &dimensions, &answers) != 0) {
    std::fprintf(stderr, "%s\n", XGBGetLastError());
    std::exit(1);
  }
  const double seconds = CpuSeconds() - cpu;
  XGDMatrixFree(proxy);
  XGBoosterFree(booster);
  return seconds;
}

int MeasureBoosted(size_t rows, size_t features, int rounds, size_t pixels, double noise) {
  const SyntheticSamples samples = MakeSamples(rows, features, kClasses, noise, 1);
  const std::string json =
      learn::TrainBoostingJson({samples.planes, samples.classes, {}, kClasses}, {.rounds = rounds}).value();
  const kernels::Forest forest = learn::ReadXgboostModel(json, "benchmark").value().forest;
  const auto classifier = kernels::Classifier::Load(ModelOf(forest), "benchmark").value();
  const SyntheticSamples test = MakeSamples(pixels, features, kClasses, noise, 99);
  std::vector<uint16_t> codes(pixels);
  std::vector<uint8_t> confidence(pixels);
  const double cpu = CpuSeconds();
  classifier->Predict(test.planes, pixels, codes.data(), confidence.data());
  const double ours = CpuSeconds() - cpu;
  std::printf("features %zu rounds %d nodes %zu: pixels_per_core_s %.0f libxgboost %.0f\n", features, rounds,
              forest.nodes.size(), pixels / ours, pixels / LibrarySeconds(json, test, pixels, features));
  return 0;
}

}  // namespace
}  // namespace arpent::load

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr,
                 "usage: forest_speed train ROWS FEATURES TREES THREADS [NOISE]\n"
                 "       forest_speed predict ROWS FEATURES TREES PIXELS [NOISE [INSTRUCTION_SET]]\n"
                 "       forest_speed boosted ROWS FEATURES ROUNDS PIXELS [NOISE]\n");
    return 2;
  }
  const auto number = [&](int i) { return std::strtoul(argv[i], nullptr, 10); };
  const double noise = argc > 6 ? std::atof(argv[6]) : 1000;
  if (argc > 7) arpent::kernels::UseInstructionSet(argv[7]);
  const std::string mode = argv[1];
  if (mode == "train") return arpent::load::MeasureTraining(number(2), number(3), number(4), number(5), noise);
  if (mode == "boosted") return arpent::load::MeasureBoosted(number(2), number(3), number(4), number(5), noise);
  return arpent::load::MeasurePrediction(number(2), number(3), number(4), number(5), noise);
}
