// Pixels per second of gap filling and features: 30 dates, 9 bands, 31 resampled dates.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "common/kernels/features/feature_set.h"
#include "common/kernels/features/season_digest.h"
#include "common/kernels/features/time_series.h"

namespace arpent::kernels {
namespace {

constexpr size_t kPixels = 8192;
const std::vector<std::string> kBands = {"B03", "B04", "B08", "B11", "B02", "B05", "B06", "B07", "B8A"};
constexpr int kFirstDay = 18000;

std::vector<int> OutDays() { return SeasonDays(kFirstDay, kFirstDay + 300, 10); }

ObservedSeries Observations() {
  constexpr int kDates = 30;
  std::vector<int> days;
  for (int d = 0; d < kDates; ++d) days.push_back(kFirstDay + 10 * d + d % 3);
  ObservedSeries series;
  series.Reset(kPixels, days, kBands.size());
  std::mt19937 random(1);
  for (size_t d = 0; d < days.size(); ++d) {
    for (size_t i = 0; i < kPixels; ++i) {
      series.weight(d)[i] = (i / 400 + d) % 4 != 0 ? 1.0f : 0.0f;  // clouds cover runs of pixels
      for (size_t b = 0; b < kBands.size(); ++b) series.value(b, d)[i] = static_cast<int16_t>(random() % 5000);
    }
  }
  return series;
}

void Count(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(kPixels));
}

void Linear(benchmark::State& state) {
  const ObservedSeries series = Observations();
  FilledSeries filled;
  for (auto _ : state) FillLinear(series, OutDays(), filled);
  Count(state);
}
BENCHMARK(Linear);

void Whittaker(benchmark::State& state) {
  const ObservedSeries series = Observations();
  FilledSeries filled;
  for (auto _ : state) FillWhittaker(series, 2, OutDays(), filled);
  Count(state);
}
BENCHMARK(Whittaker);

void Features(benchmark::State& state) {
  FilledSeries filled;
  FillLinear(Observations(), OutDays(), filled);
  const auto set = *FeatureSet::Create(static_cast<FeatureKind>(state.range(0)), kBands, OutDays(), true);
  std::vector<float> scratch;
  for (auto _ : state) benchmark::DoNotOptimize(set.Compute(filled, scratch));
  Count(state);
}
BENCHMARK(Features)
    ->Arg(static_cast<int>(FeatureKind::kCropMask))
    ->Arg(static_cast<int>(FeatureKind::kCropMaskSnapshots))
    ->Arg(static_cast<int>(FeatureKind::kCropType));

void Digest(benchmark::State& state) {
  FilledSeries filled;
  FillLinear(Observations(), OutDays(), filled);
  std::vector<SeasonDigest> digests(kPixels);
  for (auto _ : state) {
    DigestSeason(filled, 1, 2, digests.data());
    benchmark::DoNotOptimize(digests.data());
  }
  Count(state);
}
BENCHMARK(Digest);

}  // namespace
}  // namespace arpent::kernels
