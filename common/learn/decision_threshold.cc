#include "common/learn/decision_threshold.h"

#include <algorithm>
#include <array>

namespace arpent::learn {
namespace {

constexpr int kSteps = 128;
constexpr double kRounding = 1e-9;  // of sums of weights: exactly `most_loss` may be lost

}  // namespace

double ThresholdAboveHalf(std::span<const uint16_t> classes, std::span<const float> weights,
                          std::span<const float> probabilities, double most_loss) {
  // What a threshold of step s gains over that of step s - 1, which calls samples of step s - 1 class 1 and it does not.
  std::array<double, kSteps + 1> gain{};
  double total = 0;
  bool found = false;
  for (size_t i = 0; i < classes.size(); ++i) {
    const double weight = weights.empty() ? 1 : weights[i];
    total += weight;
    found |= classes[i] == 1 && probabilities[i] >= 0.5f;
    const int above = static_cast<int>(std::clamp(probabilities[i], 0.0f, 1.0f) * kSteps) + 1;
    if (above <= kSteps) gain[above] += classes[i] == 0 ? weight : -weight;
  }
  if (!found) return 0.5;
  int highest = kSteps / 2;
  double accuracy = 0;  // against that of 0.5
  for (int s = kSteps / 2 + 1; s <= kSteps; ++s) {
    accuracy += gain[s] / total;
    if (accuracy >= -most_loss - kRounding) highest = s;
  }
  return (0.5 + 2 * static_cast<double>(highest) / kSteps) / 3;
}

}  // namespace arpent::learn
