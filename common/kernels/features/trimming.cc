#include "common/kernels/features/trimming.h"

#include <cmath>

namespace arpent::kernels {

void TrimStatistics::Add(const TrimPoint& point) {
  ++count_;
  for (int i = 0; i < kTrimChannels; ++i) {
    sum_[i] += point[i];
    for (int k = 0; k <= i; ++k) products_[i][k] += static_cast<double>(point[i]) * point[k];
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
  for (int i = 0; i < kTrimChannels; ++i) ellipsoid.mean_[i] = sum_[i] / n;
  for (int i = 0; i < kTrimChannels; ++i) {
    for (int k = 0; k <= i; ++k) {
      double rest = (products_[i][k] - sum_[i] * sum_[k] / n) / (n - 1);
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

std::vector<uint8_t> Trim(std::span<const TrimPoint> points, double squared_distance) {
  std::vector<uint8_t> stays(points.size(), 1);
  for (bool dropped = true; dropped;) {
    dropped = false;
    TrimStatistics statistics;
    for (size_t i = 0; i < points.size(); ++i) {
      if (stays[i] != 0) statistics.Add(points[i]);
    }
    const auto ellipsoid = statistics.Fit();
    if (!ellipsoid) break;
    for (size_t i = 0; i < points.size(); ++i) {
      if (stays[i] == 0 || ellipsoid->SquaredDistance(points[i]) <= squared_distance) continue;
      stays[i] = 0;
      dropped = true;
    }
  }
  return stays;
}

}  // namespace arpent::kernels
