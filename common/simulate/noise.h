// Randomness that depends on place and seed only: the same pixel gets the same value whatever tile, block or thread asks.
#ifndef ARPENT_COMMON_SIMULATE_NOISE_H_
#define ARPENT_COMMON_SIMULATE_NOISE_H_

#include <cmath>
#include <cstdint>

namespace arpent::simulate {

// SplitMix64's finaliser (Steele et al. 2014): a well-mixed function of its argument.
inline uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

inline uint64_t Hash(uint64_t seed, int64_t a, int64_t b) { return Mix(Mix(seed ^ Mix(a)) ^ static_cast<uint64_t>(b)); }

// Uniform in [0, 1).
inline double Uniform(uint64_t seed, int64_t a, int64_t b) { return (Hash(seed, a, b) >> 11) * 0x1.0p-53; }

// Roughly normal, mean 0, deviation 1 (sum of four uniforms: no libm, the same on every machine).
inline double Normal(uint64_t seed, int64_t a, int64_t b) {
  const uint64_t bits = Hash(seed, a, b);
  const double sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48 & 0xFFFF);
  return (sum / 65536.0 - 2.0) * 1.7320508;
}

// Smooth noise in [0, 1): values at the nodes of a lattice, blended by a cubic ramp. It remembers the corners of the lattice
// square that it was last asked for, so that a walk along a row costs little; what it says does not depend on the walk.
class SmoothNoise {
 public:
  explicit SmoothNoise(uint64_t seed) : seed_(seed) {}

  double At(double x, double y) {
    const double fx = std::floor(x), fy = std::floor(y);
    const int64_t ix = static_cast<int64_t>(fx), iy = static_cast<int64_t>(fy);
    if (!known_ || ix != ix_ || iy != iy_) Enter(ix, iy);
    const double u = x - fx, v = y - fy, su = u * u * (3 - 2 * u), sv = v * v * (3 - 2 * v);
    const double top = north_west_ * (1 - su) + north_east_ * su;
    const double bottom = south_west_ * (1 - su) + south_east_ * su;
    return top * (1 - sv) + bottom * sv;
  }

 private:
  void Enter(int64_t ix, int64_t iy) {
    north_west_ = Uniform(seed_, ix, iy);
    north_east_ = Uniform(seed_, ix + 1, iy);
    south_west_ = Uniform(seed_, ix, iy + 1);
    south_east_ = Uniform(seed_, ix + 1, iy + 1);
    ix_ = ix, iy_ = iy, known_ = true;
  }

  uint64_t seed_;
  bool known_ = false;
  int64_t ix_ = 0, iy_ = 0;
  double north_west_ = 0, north_east_ = 0, south_west_ = 0, south_east_ = 0;
};

// Four octaves of smooth noise, in [0, 1).
class FractalNoise {
 public:
  explicit FractalNoise(uint64_t seed)
      : octaves_{SmoothNoise(seed), SmoothNoise(seed + 1), SmoothNoise(seed + 2), SmoothNoise(seed + 3)} {}

  double At(double x, double y) {
    double sum = 0, weight = 0.5, total = 0;
    for (SmoothNoise& octave : octaves_) {
      sum += weight * octave.At(x, y);
      total += weight;
      weight *= 0.5;
      x *= 2.03;
      y *= 2.03;
    }
    return sum / total;
  }

 private:
  SmoothNoise octaves_[4];
};

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_NOISE_H_
