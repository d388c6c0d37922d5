// The indices that the vegetation stage knows: bands, formula, how the values are stored.
#ifndef ARPENT_COMMON_STAGES_VEGETATION_INDEX_TABLE_H_
#define ARPENT_COMMON_STAGES_VEGETATION_INDEX_TABLE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace arpent::stages {

struct VegetationIndex {
  std::string name;                // "ndvi"; its asset is "NDVI"
  std::vector<std::string> bands;  // arguments of `compute`, in order
  int resolution = 10;
  float (*compute)(const float* bands) = nullptr;  // from reflectance (1 = 100 %)
  double scale = 0.0001, offset = 0;               // value = stored * scale + offset
  std::string description, unit;

  std::string Asset() const;
};

// INVALID_ARGUMENT naming an index that does not exist, with those that do.
absl::StatusOr<std::vector<VegetationIndex>> FindIndices(const std::vector<std::string>& names);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_VEGETATION_INDEX_TABLE_H_
