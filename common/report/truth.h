// Compares products of a simulated site with its truth layers (simulate/site.h): what the demo prints and the report shows.
#ifndef ARPENT_COMMON_REPORT_TRUTH_H_
#define ARPENT_COMMON_REPORT_TRUTH_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/report/collect.h"
#include "common/report/report.h"
#include "common/storage/stores.h"

namespace arpent::report {

// `truth_uri` is the site's truth folder ("input:/.../truth"). One row per figure, with the aim beside it:
// surface reflectance of clear pixels within 0.005 + 0.05 rho per band, AOT and water vapour, cloud and shadow masks, crop
// mask and crop types. Products without truth are left out; an error names a raster that cannot be read.
absl::StatusOr<std::vector<TruthRow>> CompareWithTruth(const std::shared_ptr<const storage::StoreSet>& stores,
                                                       const std::vector<ProductRef>& products,
                                                       const std::string& truth_uri);

}  // namespace arpent::report

#endif  // ARPENT_COMMON_REPORT_TRUTH_H_
