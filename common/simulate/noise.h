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

// Smooth noise in [0, 1): values at the nodes of a lattice, blended by a cubic ramp.
inline double SmoothNoise(uint64_t seed, double x, double y) {
  const double fx = std::floor(x), fy = std::floor(y);
  const int64_t ix = static_cast<int64_t>(fx), iy = static_cast<int64_t>(fy);
  const double u = x - fx, v = y - fy, su = u * u * (3 - 2 * u), sv = v * v * (3 - 2 * v);
  const double top = Uniform(seed, ix, iy) * (1 - su) + Uniform(seed, ix + 1, iy) * su;
  const double bottom = Uniform(seed, ix, iy + 1) * (1 - su) + Uniform(seed, ix + 1, iy + 1) * su;
  return top * (1 - sv) + bottom * sv;
}

// Four octaves of smooth noise, in [0, 1).
inline double FractalNoise(uint64_t seed, double x, double y) {
  double sum = 0, weight = 0.5, total = 0;
  for (int octave = 0; octave < 4; ++octave) {
    sum += weight * SmoothNoise(seed + octave, x, y);
    total += weight;
    weight *= 0.5;
    x *= 2.03;
    y *= 2.03;
  }
  return sum / total;
}

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_NOISE_H_
