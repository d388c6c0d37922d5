// Removes untypical samples of a class: repeatedly those outside the ellipsoid that holds all but a small share of a
// normal distribution (squared Mahalanobis distance), as Sen2Agri does for samples from a land-cover map.
//
// Needs only the class's count, sums and products, which add up over blocks, tiles and workers.
#ifndef ARPENT_COMMON_KERNELS_FEATURES_TRIMMING_H_
#define ARPENT_COMMON_KERNELS_FEATURES_TRIMMING_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace arpent::kernels {

inline constexpr int kTrimChannels = 5;
// 99 % quantile of chi-square with 5 degrees of freedom.
inline constexpr double kTrimDistance = 15.086272469388988;

using TrimPoint = std::array<float, kTrimChannels>;

// The mean and covariance of a set of points.
class TrimStatistics {
 public:
  void Add(const TrimPoint& point);
  void Merge(const TrimStatistics& other);
  size_t count() const { return count_; }

  // Squared Mahalanobis distances from these points' mean.
  class Ellipsoid {
   public:
    double SquaredDistance(const TrimPoint& point) const;

   private:
    friend class TrimStatistics;
    std::array<double, kTrimChannels> mean_{};
    std::array<std::array<double, kTrimChannels>, kTrimChannels> inverse_root_{};  // of the Cholesky factor, lower
  };
  // None while the covariance is singular (too few or too equal points): nothing can be judged untypical then.
  std::optional<Ellipsoid> Fit() const;

 private:
  size_t count_ = 0;
  std::array<double, kTrimChannels> sum_{};
  std::array<std::array<double, kTrimChannels>, kTrimChannels> products_{};  // lower triangle
};

// 1 for each point that stays. A point once dropped stays dropped; ends when no further one is.
std::vector<uint8_t> Trim(std::span<const TrimPoint> points, double squared_distance = kTrimDistance);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_FEATURES_TRIMMING_H_
