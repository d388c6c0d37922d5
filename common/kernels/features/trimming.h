// Removes untypical samples of a class: repeatedly those outside the ellipsoid that holds all but a small share of a
// normal distribution (squared Mahalanobis distance), as Sen2Agri does for samples from a land-cover map.
//
// Needs only the class's count, sums and products. They are whole numbers, which add up exactly over blocks, tiles and
// workers, in any order; so a class may have any number of points, read again from wherever they are for each round.
#ifndef ARPENT_COMMON_KERNELS_FEATURES_TRIMMING_H_
#define ARPENT_COMMON_KERNELS_FEATURES_TRIMMING_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace arpent::kernels {

inline constexpr int kTrimChannels = 5;
// 99 % quantile of chi-square with 5 degrees of freedom.
inline constexpr double kTrimDistance = 15.086272469388988;

using TrimPoint = std::array<int16_t, kTrimChannels>;  // reflectance x 10000

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
  std::array<int64_t, kTrimChannels> sum_{};
  std::array<std::array<int64_t, kTrimChannels>, kTrimChannels> products_{};  // lower triangle
};

// Calls its argument with all points of a class, piece by piece, always in the same order.
using TrimPointSource = std::function<absl::Status(const std::function<void(std::span<const TrimPoint>)>&)>;

// What trimming a class came to: a point stays when it lies inside the ellipsoid of every round.
struct Trimming {
  std::vector<TrimStatistics::Ellipsoid> rounds;
  double squared_distance = kTrimDistance;
  size_t points = 0, dropped = 0;
  bool Keeps(const TrimPoint& point) const;
};

// Rounds go on until one drops nothing; a point once dropped stays dropped. Holds one bit per point. Errors of `source`.
absl::StatusOr<Trimming> Trim(const TrimPointSource& source, double squared_distance = kTrimDistance);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_FEATURES_TRIMMING_H_
