// Random numbers of training and of resampling: SplitMix64 (Steele, Lea, Flood 2014). The standard library's
// distributions differ between implementations; these do not.
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_RANDOM_H_
#define ARPENT_COMMON_KERNELS_CLASSIFY_RANDOM_H_

#include <cstdint>

namespace arpent::kernels {

class Random {
 public:
  // Streams of different (seed, stream) are independent of each other.
  explicit Random(uint64_t seed, uint64_t stream = 0) : state_(Mix(seed) ^ Mix(stream + kGolden)) {}

  uint64_t Next() { return Mix(state_ += kGolden); }
  // Uniform in [0, bound); the bias of the multiplication is below bound / 2^32.
  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(((Next() >> 32) * bound) >> 32); }
  // Uniform in [0, 1), 53 bits.
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

 private:
  static constexpr uint64_t kGolden = 0x9E3779B97F4A7C15;
  static uint64_t Mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_RANDOM_H_
