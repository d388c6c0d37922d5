// A million pixels through the engine and through the slow walk, node by node: the same class counts on every instruction
// set.
#include <algorithm>
#include <vector>

#include "common/kernels/classify/forest_engine.h"
#include "common/learn/forest_trainer.h"
#include "common/testing/status_matchers.h"
#include "tests/load/forest_samples.h"

namespace arpent {
namespace {

constexpr size_t kPixels = 1'000'000, kFeatures = 60, kClasses = 10;

kernels::Forest Trained() {
  const load::SyntheticSamples samples = load::MakeSamples(20000, kFeatures, kClasses, 1500, 1);
  const learn::TrainingSamples views{samples.planes, samples.classes, {}, kClasses};
  auto binned = learn::BinnedSamples::Create(views, 2);
  return learn::TrainForest(*binned, {.trees = 50, .max_depth = 25, .min_samples_split = 10}, 2)->forest;
}

TEST(ForestEngine, CountsAMillionPixelsAsTheSlowWalkDoes) {
  const kernels::Forest forest = Trained();
  const kernels::ForestView view(forest);
  const load::SyntheticSamples pixels = load::MakeSamples(kPixels, kFeatures, kClasses, 1500, 2);
  const size_t stride = kernels::ShareStride(kClasses), block = kernels::ForestBlockPixels(view);
  std::vector<std::string> sets = kernels::InstructionSets();
  size_t different = 0;
  ASSERT_GT(sets.size(), 0u);
  kernels::ForestScratch scratch;
  std::vector<uint32_t> sums(block * stride), expected(block * stride);
  for (size_t begin = 0; begin < kPixels; begin += block) {
    const size_t count = std::min(block, kPixels - begin);
    std::vector<const float*> planes;
    for (const float* plane : pixels.planes) planes.push_back(plane + begin);
    std::fill(expected.begin(), expected.end(), 0u);
    std::vector<uint32_t> bins(kFeatures);
    for (size_t i = 0; i < count; ++i) {
      for (size_t f = 0; f < kFeatures; ++f) bins[f] = view.Bin(static_cast<int>(f), planes[f][i]);
      for (size_t tree = 0; tree < view.trees(); ++tree) {
        const uint16_t* shares = view.shares.data() + stride * view.payloads[view.WalkOnePixel(tree, bins)];
        for (size_t k = 0; k < stride; ++k) expected[i * stride + k] += shares[k];
      }
    }
    for (const std::string& name : sets) {
      kernels::UseInstructionSet(name);
      std::fill(sums.begin(), sums.end(), 1u);
      kernels::SumShares(view, planes, count, scratch, sums.data());
      different += !std::equal(sums.begin(), sums.begin() + count * stride, expected.begin());
    }
  }
  kernels::UseInstructionSet("");
  EXPECT_EQ(different, 0u) << "blocks of " << block << " pixels";
}

}  // namespace
}  // namespace arpent
