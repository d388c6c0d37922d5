// forest_speed train ROWS FEATURES TREES THREADS [NOISE]
// forest_speed predict ROWS FEATURES TREES PIXELS [NOISE [INSTRUCTION_SET]]
// Prints one line of figures; tests/load/forest_table makes the table of docs/performance.md from it.
#include <time.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common/base/resources.h"
#include "common/kernels/classify/classifier.h"
#include "common/kernels/classify/forest_engine.h"
#include "common/kernels/classify/model_file.h"
#include "common/learn/forest_trainer.h"
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

}  // namespace
}  // namespace arpent::load

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr,
                 "usage: forest_speed train ROWS FEATURES TREES THREADS [NOISE]\n"
                 "       forest_speed predict ROWS FEATURES TREES PIXELS [NOISE [INSTRUCTION_SET]]\n");
    return 2;
  }
  const auto number = [&](int i) { return std::strtoul(argv[i], nullptr, 10); };
  const double noise = argc > 6 ? std::atof(argv[6]) : 1000;
  if (argc > 7) arpent::kernels::UseInstructionSet(argv[7]);
  return std::strcmp(argv[1], "train") == 0
             ? arpent::load::MeasureTraining(number(2), number(3), number(4), number(5), noise)
             : arpent::load::MeasurePrediction(number(2), number(3), number(4), number(5), noise);
}
