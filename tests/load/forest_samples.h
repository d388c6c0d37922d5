// Crop-like samples for measuring speed: one sine profile per class, a bias per field and noise per value.
#ifndef ARPENT_TESTS_LOAD_FOREST_SAMPLES_H_
#define ARPENT_TESTS_LOAD_FOREST_SAMPLES_H_

#include <cmath>
#include <cstdint>
#include <vector>

#include "common/kernels/classify/random.h"

namespace arpent::load {

struct SyntheticSamples {
  std::vector<float> values;  // feature planes
  std::vector<uint16_t> classes;
  std::vector<const float*> planes;
};

// Approximately normal, variance 1.
inline double Noise(kernels::Random& random) {
  double sum = 0;
  for (int i = 0; i < 6; ++i) sum += random.Unit();
  return (sum - 3) * std::sqrt(2.0);
}

inline SyntheticSamples MakeSamples(size_t rows, size_t features, size_t classes, double noise, uint64_t seed) {
  constexpr double kTurn = 6.283185307179586;
  kernels::Random of_classes(7), random(seed);
  std::vector<double> profile(classes * features);
  for (size_t k = 0; k < classes; ++k) {
    const double phase = of_classes.Unit() * kTurn, waves = 1 + 2 * of_classes.Unit();
    for (size_t f = 0; f < features; ++f) {
      profile[k * features + f] =
          1500 + 1000 * std::sin(phase + waves * kTurn * f / features) + 200 * Noise(of_classes);
    }
  }
  SyntheticSamples samples;
  samples.values.resize(rows * features);
  samples.classes.resize(rows);
  for (size_t i = 0; i < rows; ++i) {
    const size_t k = random.Below(static_cast<uint32_t>(classes));
    samples.classes[i] = static_cast<uint16_t>(k);
    const double bias = noise * (random.Unit() - 0.5);
    for (size_t f = 0; f < features; ++f) {
      samples.values[f * rows + i] = static_cast<float>(profile[k * features + f] + bias + noise * Noise(random));
    }
  }
  for (size_t f = 0; f < features; ++f) samples.planes.push_back(samples.values.data() + f * rows);
  return samples;
}

}  // namespace arpent::load

#endif  // ARPENT_TESTS_LOAD_FOREST_SAMPLES_H_
