// Throughput of the per-pixel correction against a plain copy of the same bytes, and the price of a look-up.
#include <benchmark/benchmark.h>

#include <cstring>

#include "common/kernels/atmosphere/inversion.h"
#include "common/kernels/atmosphere/simple_tables.h"
#include "common/kernels/atmosphere/tables.h"
#include "common/kernels/atmosphere/water_vapour.h"

namespace arpent::kernels {
namespace {

constexpr int kSide = 4096;

InversionNodes SomeNodes(bool with_curvature) {
  InversionNodes nodes(kSide, kSide, 6, with_curvature);
  for (int j = 0; j < nodes.gain.height(); ++j) {
    for (int i = 0; i < nodes.gain.width(); ++i) nodes.Set(i, j, {1.5e-4 + 1e-8 * i, 0.1 + 1e-6 * j, 0.15});
  }
  return nodes;
}

void BM_InvertDigitalNumbers(benchmark::State& state) {
  const InversionNodes nodes = SomeNodes(state.range(0) != 0);
  const raster::Image<uint16_t> dn(kSide, kSide, 2345);
  raster::Image<int16_t> out(kSide, kSide);
  for (auto _ : state) {
    InvertToSurfaceReflectance(dn.view(), 0, 0, nodes, PixelRange{}, out.view());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * int64_t{kSide} * kSide);
  state.SetBytesProcessed(state.iterations() * int64_t{kSide} * kSide * 4);
}
BENCHMARK(BM_InvertDigitalNumbers)->ArgName("curvature")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void BM_CopyTheSameBytes(benchmark::State& state) {
  const raster::Image<uint16_t> dn(kSide, kSide, 2345);
  raster::Image<int16_t> out(kSide, kSide);
  for (auto _ : state) {
    std::memcpy(out.data(), dn.data(), dn.size() * sizeof(uint16_t));
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * int64_t{kSide} * kSide);
  state.SetBytesProcessed(state.iterations() * int64_t{kSide} * kSide * 4);
}
BENCHMARK(BM_CopyTheSameBytes)->Unit(benchmark::kMillisecond);

void BM_Coefficients(benchmark::State& state) {
  const auto tables = AtmosphereTables::Parse(SerializeTables(SimpleTables()));
  const AtmosphericState atmosphere{AerosolModel::kDesert, 0.23, 2, 0.3, 0.4};
  for (auto _ : state) {
    benchmark::DoNotOptimize(tables->CoefficientsUnchecked(0, {37, 6, 120}, atmosphere));
  }
}
BENCHMARK(BM_Coefficients);

void BM_WaterVapourInverse(benchmark::State& state) {
  const auto tables = AtmosphereTables::Parse(SerializeTables(SimpleTables()));
  const AtmosphericState atmosphere{AerosolModel::kDesert, 0.23, 2, 0.3, 0.4};
  for (auto _ : state) {
    const WaterVapourInverse inverse(*tables, 1, 2, {37, 6, 120}, atmosphere);
    benchmark::DoNotOptimize(inverse.Retrieve(0.3, 0.1));
  }
}
BENCHMARK(BM_WaterVapourInverse);

}  // namespace
}  // namespace arpent::kernels
