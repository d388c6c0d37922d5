#include "common/kernels/composite/selection.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "common/raster/codes.h"

namespace arpent::kernels {
namespace {

using raster::View;

uint8_t FlagOf(uint8_t best) {
  switch (best) {
    case kClassLand:
      return raster::kFlagLand;
    case kClassWater:
      return raster::kFlagWater;
    case kClassSnow:
      return raster::kFlagSnow;
    case kClassDoubtful:
    case kClassCloud:
      return raster::kFlagCloud;
    default:
      return raster::kFlagNoData;
  }
}

// Keeps of each pixel's weights only the one of layer `winner`.
void KeepWinners(std::span<const Layer> layers, int y, const std::vector<int>& winners) {
  for (size_t i = 0; i < layers.size(); ++i) {
    const auto weights = layers[i].weights.row(y);
    for (size_t x = 0; x < weights.size(); ++x) {
      if (winners[x] >= 0 && winners[x] != static_cast<int>(i)) weights[x] = 0;
    }
  }
}

void KeepOne(std::span<const Layer> same_day) {
  const int width = same_day[0].classes.width();
  std::vector<uint8_t> best(width);
  for (int y = 0; y < same_day[0].classes.height(); ++y) {
    std::fill(best.begin(), best.end(), uint8_t{kClassNone});
    for (const Layer& layer : same_day) {
      const auto row = layer.classes.row(y);
      for (int x = 0; x < width; ++x) best[x] = std::max(best[x], row[x]);
    }
    for (const Layer& layer : same_day) {
      const auto row = layer.classes.row(y);
      for (int x = 0; x < width; ++x) {
        if (row[x] == best[x]) {
          best[x] = std::numeric_limits<uint8_t>::max();  // taken: no later scene equals it
        } else {
          row[x] = kClassNone;
        }
      }
    }
  }
}

}  // namespace

void KeepOnePerDay(std::span<const Layer> layers) {
  for (size_t first = 0, end; first < layers.size(); first = end) {
    end = first + 1;
    while (end < layers.size() && layers[end].day == layers[first].day) ++end;
    if (end - first > 1) KeepOne(layers.subspan(first, end - first));
  }
}

void KeepBestClass(std::span<const Layer> layers, View<uint8_t> best, View<uint8_t> flags, View<uint8_t> observations) {
  for (int y = 0; y < best.height(); ++y) {
    const auto best_row = best.row(y), flag_row = flags.row(y), count_row = observations.row(y);
    std::fill(best_row.begin(), best_row.end(), uint8_t{kClassNone});
    std::fill(count_row.begin(), count_row.end(), uint8_t{0});
    for (const Layer& layer : layers) {
      const uint8_t* const classes = layer.classes.row(y).data();
      uint8_t* const target = best_row.data();
      for (int x = 0; x < best.width(); ++x) target[x] = std::max(target[x], classes[x]);
    }
    for (const Layer& layer : layers) {
      const uint8_t* const classes = layer.classes.row(y).data();
      uint16_t* const weights = layer.weights.row(y).data();
      uint8_t* const counts = count_row.data();
      for (int x = 0; x < best.width(); ++x) {
        const bool used = classes[x] == best_row[x] && classes[x] != kClassNone;
        weights[x] = used ? weights[x] : uint16_t{0};
        counts[x] = static_cast<uint8_t>(counts[x] + (used && classes[x] >= kClassSnow && counts[x] < 255));
      }
    }
    for (int x = 0; x < best.width(); ++x) flag_row[x] = FlagOf(best_row[x]);
  }
}

void KeepDarkest(std::span<const Layer> layers, std::span<const View<const int16_t>> blue, View<const uint8_t> best) {
  std::vector<int> winners(best.width());
  std::vector<int> darkest(best.width());
  for (int y = 0; y < best.height(); ++y) {
    const auto best_row = best.row(y);
    if (std::find(best_row.begin(), best_row.end(), uint8_t{kClassCloud}) == best_row.end()) continue;
    std::fill(winners.begin(), winners.end(), -1);
    std::fill(darkest.begin(), darkest.end(), std::numeric_limits<int>::max());
    for (size_t i = 0; i < layers.size(); ++i) {
      for (int x = 0; x < best.width(); ++x) {
        const int value = blue[i](x, y);
        if (best_row[x] != kClassCloud || layers[i].weights(x, y) == 0 || value == raster::kReflectanceNoData) continue;
        if (value < darkest[x]) {
          darkest[x] = value;
          winners[x] = static_cast<int>(i);
        }
      }
    }
    KeepWinners(layers, y, winners);
  }
}

void LeaveOutHaze(std::span<const Layer> layers, std::span<const View<const int16_t>> blue) {
  if (layers.size() < 2) return;
  std::vector<int16_t> sorted;
  for (int y = 0; y < layers[0].weights.height(); ++y) {
    for (int x = 0; x < layers[0].weights.width(); ++x) {
      sorted.clear();
      for (size_t i = 0; i < layers.size(); ++i) {
        const int16_t value = blue[i](x, y);
        if (layers[i].weights(x, y) != 0 && value != raster::kReflectanceNoData) sorted.push_back(value);
      }
      if (sorted.size() < 2) continue;
      std::sort(sorted.begin(), sorted.end());
      const int limit = sorted[(sorted.size() - 1) / 3] + kHazeStep;
      for (size_t i = 0; i < layers.size(); ++i) {
        if (blue[i](x, y) > limit) layers[i].weights(x, y) = 0;
      }
    }
  }
}

void KeepHeaviest(std::span<const Layer> layers) {
  if (layers.empty()) return;
  const int width = layers[0].weights.width();
  std::vector<int> winners(width);
  std::vector<uint16_t> heaviest(width);
  for (int y = 0; y < layers[0].weights.height(); ++y) {
    std::fill(winners.begin(), winners.end(), -1);
    std::fill(heaviest.begin(), heaviest.end(), uint16_t{0});
    for (size_t i = 0; i < layers.size(); ++i) {
      const auto weights = layers[i].weights.row(y);
      for (int x = 0; x < width; ++x) {
        if (weights[x] <= heaviest[x]) continue;
        heaviest[x] = weights[x];
        winners[x] = static_cast<int>(i);
      }
    }
    KeepWinners(layers, y, winners);
  }
}

void MeanDay(std::span<const Layer> layers, View<uint16_t> day) {
  std::vector<int64_t> days(day.width());
  std::vector<int64_t> weights(day.width());
  for (int y = 0; y < day.height(); ++y) {
    std::fill(days.begin(), days.end(), 0);
    std::fill(weights.begin(), weights.end(), 0);
    for (const Layer& layer : layers) {
      const uint16_t* const row = layer.weights.row(y).data();
      for (int x = 0; x < day.width(); ++x) {
        weights[x] += row[x];
        days[x] += int64_t{row[x]} * layer.day;
      }
    }
    const auto out = day.row(y);
    for (int x = 0; x < day.width(); ++x) {
      out[x] = weights[x] == 0 ? raster::kUnsignedNoData
                               : static_cast<uint16_t>((2 * days[x] + weights[x]) / (2 * weights[x]));
    }
  }
}

}  // namespace arpent::kernels
