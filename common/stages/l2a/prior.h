// What is known of a scene's ground from other dates: blue and red surface reflectance, as a median or least of clear dates.
//
// An input of a task like its DEM (role `prior`), named by digest: any raster with bands described as B02 and B04 and a scale
// (`arpent prior` makes one). It is never made by the run that uses it, so that dates stay independent of each other. Without
// it nothing changes.
#ifndef ARPENT_COMMON_STAGES_L2A_PRIOR_H_
#define ARPENT_COMMON_STAGES_L2A_PRIOR_H_

#include <cmath>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/kernels/masking/change.h"
#include "common/raster/image.h"
#include "common/storage/stores.h"

namespace arpent::stages {

struct Prior {
  raster::Image<float> blue, red;  // surface reflectance on the coarse grid, NaN where unknown

  bool IsKnown(int x, int y) const { return std::isfinite(blue(x, y)) && std::isfinite(red(x, y)); }
  kernels::KnownReflectance View() const { return {blue.view(), red.view()}; }
  double KnownShare() const;  // 0-1
};

// Errors as of scene::ReadAveragedBands; INVALID_ARGUMENT when values are no reflectance.
absl::StatusOr<Prior> ReadPrior(const storage::StoreSet& stores, const std::string& uri, const geo::Grid& coarse);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_PRIOR_H_
