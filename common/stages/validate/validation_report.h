// The files of a validation product, from what was counted.
#ifndef ARPENT_COMMON_STAGES_VALIDATE_VALIDATION_REPORT_H_
#define ARPENT_COMMON_STAGES_VALIDATE_VALIDATION_REPORT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/kernels/classify/accuracy.h"
#include "common/kernels/classify/area_estimate.h"
#include "common/stages/validate/map_tally.h"

namespace arpent::stages {

// A region, measured.
struct RegionReport {
  RegionCounts counts;
  kernels::AccuracyMeasures measures;
  kernels::AccuracyIntervals intervals;
  std::optional<kernels::AreaEstimates> areas;  // hectares
  uint64_t reference_pixels_without_map = 0;
};

RegionReport MeasureRegion(const RegionTally& tally, double pixel_hectares, int ignored_reference, uint64_t seed);

struct ValidationReport {
  std::string purpose;
  std::map<uint16_t, std::string> names;        // of codes
  RegionReport overall;
  std::map<std::string, RegionReport> strata;   // empty when the site has none
  std::optional<RegionReport> raw;              // of the map before regularisation
};

// metrics.json: { purpose, overall, strata: {name: ...}, raw }, each region as
//   { pixels, polygons, pixels_without_map, overall_accuracy, overall_accuracy_interval: [low, high], kappa,
//     kappa_interval, macro_f, macro_f_interval,
//     classes: [{ code, name, reference_pixels, mapped_pixels, precision, precision_interval, recall, recall_interval,
//                 f_score, f_score_interval,
//                 area: { mapped_ha, estimate_ha, interval_ha: [low, high], users_accuracy, users_accuracy_interval,
//                         producers_accuracy, producers_accuracy_interval } }],
//     confusion_matrix: [[pixels]] (row: reference, column: map, in the order of classes),
//     area: { overall_accuracy, overall_accuracy_interval, unsampled_ha } }
// Intervals are 95 %. A measure that the counts do not define is absent.
std::string MetricsJson(const ValidationReport& report);

// Rows: region, code and name of the reference class; one column of pixels per mapped class.
std::string ConfusionCsv(const ValidationReport& report);

// Rows: region, code, name, mapped_ha, estimate_ha, low_ha, high_ha, users_accuracy, producers_accuracy.
std::string AreasCsv(const ValidationReport& report);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_VALIDATE_VALIDATION_REPORT_H_
