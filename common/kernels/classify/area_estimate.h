// Unbiased class areas from a map and a sample of reference pixels: the stratified estimator of Olofsson, Foody, Herold,
// Stehman, Woodcock, Wulder (2014), "Good practices for estimating area and assessing accuracy of land change", Remote
// Sensing of Environment 148, equations 1-11. The strata of the estimator are the mapped classes.
//
// It supposes that reference pixels are a random sample within each mapped class. Pixels of field polygons are not quite:
// the intervals are then too narrow, which docs/algorithms/validation.md says.
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_AREA_ESTIMATE_H_
#define ARPENT_COMMON_KERNELS_CLASSIFY_AREA_ESTIMATE_H_

#include <optional>
#include <span>
#include <vector>

#include "common/kernels/classify/accuracy.h"

namespace arpent::kernels {

// A value and half the width of its 95 % interval (1.96 standard errors).
struct Estimate {
  double value = 0;
  double half_width = 0;
};

struct ClassAreaEstimate {
  double mapped_area = 0;             // as the map has it
  Estimate area;                      // error-adjusted
  std::optional<Estimate> users_accuracy;      // absent: no reference pixel where the map says this class
  std::optional<Estimate> producers_accuracy;  // absent: neither mapped nor found
};

struct AreaEstimates {
  Estimate overall_accuracy;
  std::vector<ClassAreaEstimate> classes;
  // Mapped area of classes with fewer than two reference pixels: taken as mapped, without a share in the intervals.
  double unsampled_area = 0;
};

// `mapped_areas`: area of each mapped class in any unit, which is also that of the result. Absent when the map is empty or
// no mapped class has two reference pixels.
std::optional<AreaEstimates> EstimateAreas(const ConfusionMatrix& matrix, std::span<const double> mapped_areas);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_AREA_ESTIMATE_H_
