#include "common/kernels/classify/area_estimate.h"

#include <cmath>
#include <numeric>

namespace arpent::kernels {
namespace {

constexpr double kNormal95 = 1.96;
constexpr uint64_t kFewestPixels = 2;  // a variance needs two

class Estimator {
 public:
  Estimator(const ConfusionMatrix& matrix, std::span<const double> areas)
      : matrix_(matrix), areas_(areas), total_(std::accumulate(areas.begin(), areas.end(), 0.0)) {}

  size_t classes() const { return matrix_.classes(); }
  double total() const { return total_; }
  double pixels(size_t i) const { return static_cast<double>(matrix_.MappedTotal(i)); }
  bool Sampled(size_t i) const { return matrix_.MappedTotal(i) >= kFewestPixels; }

  // Share of the reference pixels in mapped class i that are of class j; an unsampled class is taken as mapped.
  double Share(size_t i, size_t j) const {
    if (!Sampled(i)) return i == j ? 1 : 0;
    return static_cast<double>(matrix_(j, i)) / pixels(i);
  }

  // Variance of Share (without the factor of the class's weight); 0 where nothing is known.
  double ShareVariance(size_t i, size_t j) const {
    if (!Sampled(i)) return 0;
    const double share = Share(i, j);
    return share * (1 - share) / (pixels(i) - 1);
  }

  // Equations 9-11.
  Estimate Area(size_t j) const {
    double area = 0, variance = 0;
    for (size_t i = 0; i < classes(); ++i) {
      area += areas_[i] * Share(i, j);
      variance += areas_[i] * areas_[i] * ShareVariance(i, j);
    }
    return {area, kNormal95 * std::sqrt(variance)};
  }

  // Equations 1 and 5.
  Estimate OverallAccuracy() const {
    double accuracy = 0, variance = 0;
    for (size_t i = 0; i < classes(); ++i) {
      const double weight = areas_[i] / total_;
      accuracy += weight * Share(i, i);
      variance += weight * weight * ShareVariance(i, i);
    }
    return {accuracy, kNormal95 * std::sqrt(variance)};
  }

  // Equations 2 and 6.
  std::optional<Estimate> UsersAccuracy(size_t i) const {
    if (!Sampled(i)) return std::nullopt;
    return Estimate{Share(i, i), kNormal95 * std::sqrt(ShareVariance(i, i))};
  }

  // Equations 3 and 7.
  std::optional<Estimate> ProducersAccuracy(size_t j) const {
    const double area = Area(j).value;
    if (!(area > 0)) return std::nullopt;
    const double accuracy = areas_[j] * Share(j, j) / area;
    double others = 0;
    for (size_t i = 0; i < classes(); ++i) {
      if (i != j) others += areas_[i] * areas_[i] * ShareVariance(i, j);
    }
    const double own = areas_[j] * areas_[j] * (1 - accuracy) * (1 - accuracy) * ShareVariance(j, j);
    return Estimate{accuracy, kNormal95 * std::sqrt(own + accuracy * accuracy * others) / area};
  }

 private:
  const ConfusionMatrix& matrix_;
  const std::span<const double> areas_;
  const double total_;
};

}  // namespace

std::optional<AreaEstimates> EstimateAreas(const ConfusionMatrix& matrix, std::span<const double> mapped_areas) {
  const Estimator estimator(matrix, mapped_areas);
  if (!(estimator.total() > 0)) return std::nullopt;
  AreaEstimates estimates;
  bool any = false;
  for (size_t k = 0; k < estimator.classes(); ++k) {
    any |= mapped_areas[k] > 0 && estimator.Sampled(k);
    if (!estimator.Sampled(k)) estimates.unsampled_area += mapped_areas[k];
    estimates.classes.push_back({mapped_areas[k], estimator.Area(k), estimator.UsersAccuracy(k),
                                 estimator.ProducersAccuracy(k)});
  }
  if (!any) return std::nullopt;
  estimates.overall_accuracy = estimator.OverallAccuracy();
  return estimates;
}

}  // namespace arpent::kernels
