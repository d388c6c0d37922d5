// Pixels per second of regularisation on a map of fields with one pixel in ten wrong.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "common/kernels/regularise/regularise.h"
#include "common/kernels/regularise/segmentation.h"

namespace arpent::kernels {
namespace {

constexpr int kSize = 1024, kField = 20;
const std::vector<uint16_t> kFrozen = {0, 65535};

struct Fields {
  raster::Image<uint16_t> codes{kSize, kSize};
  raster::Image<PixelDigest> digests{kSize, kSize};

  Fields() {
    std::mt19937 random(1);
    for (int y = 0; y < kSize; ++y) {
      for (int x = 0; x < kSize; ++x) {
        const int crop = (x / kField + 3 * (y / kField)) % 7;
        codes(x, y) = static_cast<uint16_t>(11 + (random() % 10 == 0 ? random() % 7 : crop));
        for (uint8_t& byte : digests(x, y)) byte = static_cast<uint8_t>(100 + 15 * crop + random() % 8);
      }
    }
  }
};

void SegmentAndVote(benchmark::State& state) {
  const Fields fields;
  raster::Image<uint32_t> segments(kSize, kSize);
  raster::Image<uint16_t> out(kSize, kSize);
  for (auto _ : state) {
    const uint32_t count =
        Segment(fields.digests.view(), fields.codes.view(), kFrozen, {7, 7}, segments.view());
    VoteInSegments(fields.codes.view(), segments.view(), count, out.view());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kSize * kSize);
}
BENCHMARK(SegmentAndVote);

void SmallRegions(benchmark::State& state) {
  const Fields fields;
  raster::Image<uint16_t> out(kSize, kSize);
  for (auto _ : state) RemoveSmallRegions(fields.codes.view(), 10, kFrozen, out.view());
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kSize * kSize);
}
BENCHMARK(SmallRegions);

}  // namespace
}  // namespace arpent::kernels
