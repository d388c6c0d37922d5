#include "common/stages/vegetation/index_table.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/kernels/features/indices.h"

namespace arpent::stages {
namespace {

const std::vector<VegetationIndex>& AllIndices() {
  // S2REP lies between 680 and 780 nm: steps of 0.01 nm from 700 nm fit into 16 bits.
  static const std::vector<VegetationIndex> indices = {
      {"ndvi",
       {"B08", "B04"},
       10,
       [](const float* b) { return kernels::Ndvi(b[0], b[1]); },
       0.0001,
       0,
       "normalised difference vegetation index"},
      {"evi2",
       {"B08", "B04"},
       10,
       [](const float* b) { return 2.5f * (b[0] - b[1]) / (b[0] + 2.4f * b[1] + 1.0f); },
       0.0001,
       0,
       "two-band enhanced vegetation index"},
      {"ndwi",
       {"B11", "B08"},
       10,
       [](const float* b) { return kernels::Ndwi(b[0], b[1]); },
       0.0001,
       0,
       "normalised difference of short-wave and near infrared, positive over bare soil"},
      {"brightness",
       {"B03", "B04", "B08", "B11"},
       10,
       [](const float* b) { return kernels::Brightness(b[0], b[1], b[2], b[3]); },
       0.0001,
       0,
       "root of the sum of squares of green, red, near and short-wave infrared"},
      {"ndre",
       {"B08", "B06"},
       20,
       [](const float* b) { return kernels::RedEdgeNdvi(b[0], b[1]); },
       0.0001,
       0,
       "red-edge normalised difference"},
      {"s2rep",
       {"B04", "B05", "B06", "B07"},
       20,
       [](const float* b) { return kernels::RedEdgePosition(b[0], b[1], b[2], b[3]); },
       0.01,
       700,
       "red-edge position",
       "nm"},
      {"psri",
       {"B04", "B02", "B05"},
       20,
       [](const float* b) { return kernels::Psri(b[0], b[1], b[2]); },
       0.0001,
       0,
       "plant senescence reflectance index"},
  };
  return indices;
}

}  // namespace

std::string VegetationIndex::Asset() const { return absl::AsciiStrToUpper(name); }

absl::StatusOr<std::vector<VegetationIndex>> FindIndices(const std::vector<std::string>& names) {
  std::vector<VegetationIndex> found;
  for (const std::string& name : names) {
    const auto index = std::find_if(AllIndices().begin(), AllIndices().end(),
                                    [&](const VegetationIndex& candidate) { return candidate.name == name; });
    if (index == AllIndices().end()) {
      std::string known;
      for (const VegetationIndex& candidate : AllIndices()) {
        absl::StrAppend(&known, known.empty() ? "" : ", ", candidate.name);
      }
      return absl::InvalidArgumentError(absl::StrCat("vegetation: index '", name, "' is none of ", known));
    }
    found.push_back(*index);
  }
  if (found.empty()) return absl::InvalidArgumentError("vegetation: parameter indices names no index");
  return found;
}

}  // namespace arpent::stages
