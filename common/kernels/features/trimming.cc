#include "common/kernels/features/trimming.h"

#include <algorithm>
#include <cmath>

#include "common/base/status.h"

namespace arpent::kernels {
namespace {

__extension__ using Wide = __int128;

}  // namespace

void TrimStatistics::Add(const TrimPoint& point) {
  ++count_;
  for (int i = 0; i < kTrimChannels; ++i) {
    sum_[i] += point[i];
    for (int k = 0; k <= i; ++k) products_[i][k] += int64_t{point[i]} * point[k];
  }
}

void TrimStatistics::Merge(const TrimStatistics& other) {
  count_ += other.count_;
  for (int i = 0; i < kTrimChannels; ++i) {
    sum_[i] += other.sum_[i];
    for (int k = 0; k <= i; ++k) products_[i][k] += other.products_[i][k];
  }
}

std::optional<TrimStatistics::Ellipsoid> TrimStatistics::Fit() const {
  if (count_ <= kTrimChannels) return std::nullopt;
  Ellipsoid ellipsoid;
  const auto n = static_cast<double>(count_);
  std::array<std::array<double, kTrimChannels>, kTrimChannels> root{};
  for (int i = 0; i < kTrimChannels; ++i) ellipsoid.mean_[i] = static_cast<double>(sum_[i]) / n;
  for (int i = 0; i < kTrimChannels; ++i) {
    for (int k = 0; k <= i; ++k) {
      // About the first point's neighbourhood the products are large and their difference small: taken exactly.
      const Wide spread = static_cast<Wide>(products_[i][k]) * static_cast<Wide>(count_) -
                          static_cast<Wide>(sum_[i]) * sum_[k];
      double rest = static_cast<double>(spread) / n / (n - 1);
      const double variance = rest;
      for (int m = 0; m < k; ++m) rest -= root[i][m] * root[k][m];
      if (i == k) {
        // Below rounding of the sums the channel says nothing of its own.
        if (!(rest > 1e-9 * (variance + ellipsoid.mean_[i] * ellipsoid.mean_[i]))) return std::nullopt;
        root[i][i] = std::sqrt(rest);
      } else {
        root[i][k] = rest / root[k][k];
      }
    }
  }
  auto& inverse = ellipsoid.inverse_root_;
  for (int i = 0; i < kTrimChannels; ++i) {
    inverse[i][i] = 1 / root[i][i];
    for (int k = 0; k < i; ++k) {
      double sum = 0;
      for (int m = k; m < i; ++m) sum -= root[i][m] * inverse[m][k];
      inverse[i][k] = sum / root[i][i];
    }
  }
  return ellipsoid;
}

double TrimStatistics::Ellipsoid::SquaredDistance(const TrimPoint& point) const {
  double distance = 0;
  for (int i = 0; i < kTrimChannels; ++i) {
    double component = 0;
    for (int k = 0; k <= i; ++k) component += inverse_root_[i][k] * (point[k] - mean_[k]);
    distance += component * component;
  }
  return distance;
}

bool Trimming::Keeps(const TrimPoint& point) const {
  return std::all_of(rounds.begin(), rounds.end(), [&](const TrimStatistics::Ellipsoid& ellipsoid) {
    return ellipsoid.SquaredDistance(point) <= squared_distance;
  });
}

absl::StatusOr<Trimming> Trim(const TrimPointSource& source, double squared_distance) {
  Trimming trimming;
  trimming.squared_distance = squared_distance;
  TrimStatistics statistics;
  ARPENT_RETURN_IF_ERROR(source([&](std::span<const TrimPoint> points) {
    for (const TrimPoint& point : points) statistics.Add(point);
  }));
  trimming.points = statistics.count();
  std::vector<bool> out(trimming.points);
  for (bool dropped = true; dropped;) {
    const auto ellipsoid = statistics.Fit();
    if (!ellipsoid) break;
    trimming.rounds.push_back(*ellipsoid);
    dropped = false;
    statistics = TrimStatistics();
    size_t number = 0;
    ARPENT_RETURN_IF_ERROR(source([&](std::span<const TrimPoint> points) {
      for (const TrimPoint& point : points) {
        const size_t own = number++;
        if (out[own]) continue;
        if (ellipsoid->SquaredDistance(point) <= squared_distance) {
          statistics.Add(point);
        } else {
          out[own] = dropped = true;
          ++trimming.dropped;
        }
      }
    }));
  }
  return trimming;
}

}  // namespace arpent::kernels
