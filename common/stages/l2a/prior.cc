#include "common/stages/l2a/prior.h"

#include <utility>

#include "common/base/status.h"
#include "common/scene/warped_raster.h"

namespace arpent::stages {

double Prior::KnownShare() const {
  int64_t known = 0;
  for (int y = 0; y < blue.height(); ++y) {
    for (int x = 0; x < blue.width(); ++x) known += IsKnown(x, y);
  }
  return static_cast<double>(known) / static_cast<double>(blue.size());
}

absl::StatusOr<Prior> ReadPrior(const storage::StoreSet& stores, const std::string& uri, const geo::Grid& coarse) {
  constexpr float kMostReflectance = 2;
  ARPENT_ASSIGN_OR_RETURN(auto bands, scene::ReadAveragedBands(stores, uri, {"B02", "B04"}, coarse));
  for (const auto& band : bands) {
    for (size_t i = 0; i < band.size(); ++i) {
      if (band.data()[i] > kMostReflectance) {
        return absl::InvalidArgumentError(
            absl::StrCat(uri, ": reflectance ", band.data()[i], "; does the file lack its scale (1e-4 for whole numbers)?"));
      }
    }
  }
  return Prior{std::move(bands[0]), std::move(bands[1])};
}

}  // namespace arpent::stages
