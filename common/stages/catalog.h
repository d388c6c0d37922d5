// What each stage is, without its code: version, parameters with their defaults, expected cost. The coordinator plans from
// this table and links no raster library for it.
#ifndef ARPENT_COMMON_STAGES_CATALOG_H_
#define ARPENT_COMMON_STAGES_CATALOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/parameters.h"

namespace arpent::stages {

struct StageInfo {
  std::string name;           // "l2a"
  int algorithm_version = 0;  // raised whenever pixels change; the golden-digest test watches it
  Parameters defaults;        // every parameter that the stage reads
  // Expected cost before anything was measured, for a unit of `megapixels` (10 m pixels / 1e6) and `inputs` dates.
  double core_seconds_per_megapixel_input = 0;
  int64_t memory_bytes = 0;   // declared need of one task
  int64_t part_memory_bytes = 0;  // of one that makes a part of a full tile's 4 x 4; 0: the stage knows no parts

  double ExpectedCoreSeconds(double megapixels, int inputs) const;
  std::string Versioned() const;  // "l2a@1"
};

// In the order of the chain.
const std::vector<StageInfo>& StageCatalog();

// INVALID_ARGUMENT naming the stage and those that exist.
absl::StatusOr<const StageInfo*> FindStage(absl::string_view name);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_CATALOG_H_
