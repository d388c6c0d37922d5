#include "common/stages/catalog.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_join.h"
#include "common/base/status.h"

namespace arpent::stages {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

struct NamedValue {
  const char* name;
  const char* value;
};

Parameters Make(std::initializer_list<NamedValue> values) {
  Parameters parameters;
  for (const NamedValue& value : values) parameters.Set(value.name, value.value);
  return parameters;
}

std::vector<StageInfo> MakeCatalog() {
  return {
      // One per input of the site, and one per auxiliary file (kind "file"). Not published, never reused.
      {"discover", 1, Make({{"column", ""}, {"kind", "sentinel2-l1c"}}), 0.01, 64 * kMiB},
      {"l2a", 9,
       Make({{"adjacency", "true"}, {"aerosol", "continental"}, {"cirrus", "false"}, {"cloud_limit", "0.9"},
             {"processor", "arpent"}, {"terrain", "true"}}),
       1.0, 1536 * kMiB},
      {"align", 1, Make({}), 0.5, 512 * kMiB},
      {"composite", 1,
       Make({{"brdf", "false"}, {"method", "weighted-average"}, {"half_window_days", "25"}}), 0.2, 1024 * kMiB, 512 * kMiB},
      {"vegetation", 1, Make({{"indices", "ndvi,ndwi,brightness"}}), 0.1, 512 * kMiB, 256 * kMiB},
      // Feature values of labelled pixels, for every purpose at once.
      {"samples", 3,
       Make({{"start", ""}, {"end", ""}, {"gap_filling", "linear"}, {"step_days", "10"}, {"red_edge", "true"},
             {"purposes", "crop-mask,crop-type"}, {"samples_per_class", "40000"}, {"seed", "1"},
             {"train_share", "0.75"}, {"column_id", "ID"}, {"column_crop", "CROP"}, {"column_land_cover", "LC"},
             {"column_code", "CODE"}, {"column_irrigation", "IRRIGATION"}, {"columns_named", ""}, {"layer", ""},
             {"crop_classes", ""}, {"strata_column", "stratum"}}),
       0.1, 1024 * kMiB},
      {"train", 5,
       Make({{"purpose", "crop-type"}, {"learner", "auto"}, {"trees", "100"}, {"max_depth", "25"}, {"seed", "1"},
             {"min_samples", "0"}, {"samples_per_class", "40000"}}),
       1.0, 1536 * kMiB},
      {"crop-mask", 3,
       Make({{"start", ""}, {"end", ""}, {"gap_filling", "linear"}, {"step_days", "10"}, {"red_edge", "true"},
             {"strata_column", "stratum"}}),
       0.3, 1024 * kMiB, 512 * kMiB},
      {"crop-type", 3,
       Make({{"start", ""}, {"end", ""}, {"gap_filling", "linear"}, {"step_days", "10"}, {"red_edge", "true"},
             {"strata_column", "stratum"}}),
       0.3, 1024 * kMiB, 512 * kMiB},
      {"validate", 1,
       Make({{"purpose", "crop-type"}, {"seed", "1"}, {"train_share", "0.75"}, {"column_id", "ID"},
             {"column_crop", "CROP"}, {"column_land_cover", "LC"}, {"column_code", "CODE"},
             {"column_irrigation", "IRRIGATION"}, {"columns_named", ""}, {"layer", ""}, {"strata_column", "stratum"}}),
       0.05, 512 * kMiB},
      {"map", 1, Make({{"crs", ""}, {"region_column", ""}}), 0.1, 1024 * kMiB},
  };
}

}  // namespace

double StageInfo::ExpectedCoreSeconds(double megapixels, int inputs) const {
  return 0.2 + core_seconds_per_megapixel_input * megapixels * std::max(1, inputs);
}

std::string StageInfo::Versioned() const { return absl::StrCat(name, "@", algorithm_version); }

const std::vector<StageInfo>& StageCatalog() {
  static const std::vector<StageInfo> catalog = MakeCatalog();
  return catalog;
}

absl::StatusOr<const StageInfo*> FindStage(absl::string_view name) {
  std::vector<std::string> names;
  for (const StageInfo& stage : StageCatalog()) {
    if (stage.name == name) return &stage;
    names.push_back(stage.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", name, "' is not a stage; stages are ", absl::StrJoin(names, ", ")));
}

}  // namespace arpent::stages
